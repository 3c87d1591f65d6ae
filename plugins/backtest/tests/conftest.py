"""The differential test beside the unit tests: its helpers are modules of this folder."""

from __future__ import annotations

import sys
from importlib.metadata import version
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

# ml4t-backtest, and so this plugin, need Python 3.12.
collect_ignore_glob = ["*"] if sys.version_info < (3, 12) else []
# No release of ml4t-engineer can be installed beside ml4t-backtest 0.1, which has no controls either. With 0.2 it has to be.
collect_ignore = (
    ["test_engineer.py", "test_controls.py"] if not collect_ignore_glob and version("ml4t-backtest").startswith("0.1.") else []
)

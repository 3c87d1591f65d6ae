"""The differential test beside the unit tests: its helpers are modules of this folder."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

# ml4t-backtest, and so this plugin, need Python 3.12.
collect_ignore_glob = ["*"] if sys.version_info < (3, 12) else []

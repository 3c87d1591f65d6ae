import sys
from importlib.metadata import version
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

# No release of ml4t-engineer can be installed beside ml4t-backtest 0.1. With 0.2 it has to be.
collect_ignore = ["test_engineer.py"] if version("ml4t-backtest").startswith("0.1.") else []

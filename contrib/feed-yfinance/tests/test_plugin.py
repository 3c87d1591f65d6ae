"""The light module: found by its entry point, and light."""

from __future__ import annotations

import subprocess
import sys
from importlib.metadata import entry_points

IMPORTED = """
import sys
before = set(sys.modules)
import feed_yfinance.plugin
names = {name.partition(".")[0] for name in set(sys.modules) - before} - set(sys.stdlib_module_names)
names = {name for name in names if not name.startswith("_sysconfigdata")}  # stdlib under a name of the platform
print(" ".join(sorted(names - {"attr", "attrs", "pluggy", "msgspec", "ml4t", "feed_yfinance"})))
"""


def test_the_entry_point_leads_to_records_whose_factories_exist():
    (entry,) = entry_points(group="ml4t.live", name="yfinance")
    assert entry.value == "feed_yfinance.plugin"
    records = entry.load().ml4t_live_feeds()
    assert [record.name for record in records] == ["yfinance"]
    for record in records:
        module, _, attribute = record.factory.partition(":")
        __import__(module)
        assert callable(getattr(sys.modules[module], attribute))


def test_listing_loads_nothing_heavy():
    done = subprocess.run([sys.executable, "-c", IMPORTED], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == ""

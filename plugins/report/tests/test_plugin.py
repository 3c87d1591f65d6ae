"""The light module: found by its entry point, and light."""

from __future__ import annotations

import subprocess
import sys
from importlib.metadata import entry_points

IMPORTED = """
import sys
before = set(sys.modules)
import ml4t_live_report.plugin
names = {name.partition(".")[0] for name in set(sys.modules) - before} - set(sys.stdlib_module_names)
names = {name for name in names if not name.startswith("_sysconfigdata")}  # stdlib under a name of the platform
print(" ".join(sorted(names - {"attr", "attrs", "pluggy", "msgspec", "ml4t", "ml4t_live_report"})))
"""


def test_the_entry_point_leads_to_records_whose_factories_exist():
    (entry,) = entry_points(group="ml4t.live", name="report")
    assert entry.value == "ml4t_live_report.plugin"
    records = entry.load().ml4t_live_doctor()
    assert [record.name for record in records] == ["report"]
    for record in records:
        module, _, attribute = record.factory.partition(":")
        __import__(module)
        assert callable(getattr(sys.modules[module], attribute))


def test_listing_loads_nothing_heavy():
    done = subprocess.run([sys.executable, "-c", IMPORTED], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == ""


def test_charts_can_be_drawn_here():
    from ml4t_live_report.doctor import charts_can_be_drawn

    assert charts_can_be_drawn().startswith("matplotlib ")

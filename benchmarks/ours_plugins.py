"""What it costs to list many plugins: a whole command in a fresh process, beside the least that could tell as much."""

from __future__ import annotations

import os
import resource
import subprocess
import sys
import tempfile
from pathlib import Path

from crowd import crowd

OURS = "import sys; from ml4t.live.cli.app import main; sys.argv = ['ml4t-live', 'plugins', 'list', *sys.argv[1:]]; main()"
LEAST = """
from importlib.metadata import distributions
for each in distributions():
    for point in each.entry_points:
        if point.group == "ml4t.live":
            print(point.name, point.value, each.metadata["Name"], each.metadata["Version"])
"""


def listing(count: int = 100, times: int = 5) -> dict[str, float]:
    """Return the CPU seconds of `ml4t-live plugins list`, as a table and as JSON, and over those of a bare scan."""
    with tempfile.TemporaryDirectory() as folder:
        site = Path(folder)
        crowd(site, count)
        environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, (folder, os.environ.get("PYTHONPATH"))))}

        def best(*command: str) -> float:
            return min(_seconds([sys.executable, "-c", *command], environment) for _ in range(times))

        table, plain, least = best(OURS), best(OURS, "--json"), best(LEAST)
    return {"cpu_seconds": table, "json_cpu_seconds": plain, "over_scan": table / least}


def _seconds(command: list[str], environment: dict[str, str]) -> float:
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(command, env=environment, stdout=subprocess.DEVNULL, check=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime

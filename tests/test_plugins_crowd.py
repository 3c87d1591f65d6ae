"""A hundred installed plugins: the list costs a look at each one's metadata and nothing else."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections import Counter

import pytest
from benchmarks.crowd import crowd

COUNT = 100

# Every file that the command opens is heard of, whoever opens it.
PROBE = """
import json, sys
site, opened = sys.argv[1], []
sys.addaudithook(lambda event, said: opened.append(str(said[0])) if event == "open" and str(said[0]).startswith(site) else None)
sys.argv = ["ml4t-live", *sys.argv[2:]]
from ml4t.live.cli.app import main
try:
    main()
except SystemExit as exit:
    code = exit.code or 0
print(json.dumps([code, opened, [name for name in sys.modules if name.startswith("crowd_")]]), file=sys.stderr)
"""


@pytest.fixture(scope="module")
def typed(tmp_path_factory):
    """Types a command where a hundred plugins are installed; returns code, stdout, and what it opened and imported of them."""
    site = tmp_path_factory.mktemp("crowd")
    crowd(site, COUNT)

    def run(*arguments):
        path = os.pathsep.join(filter(None, (str(site), os.environ.get("PYTHONPATH"))))
        command = [sys.executable, "-c", PROBE, str(site), *map(str, arguments)]
        done = subprocess.run(
            command, env={**os.environ, "PYTHONPATH": path}, cwd=site, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr
        code, opened, imported = json.loads(done.stderr.splitlines()[-1])
        return code, done.stdout, Counter(opened), imported

    return run


@pytest.mark.parametrize("how", [(), ("--json",)])
def test_a_list_opens_two_or_three_small_files_of_each_once_and_imports_none(typed, how):
    code, stdout, opened, imported = typed("plugins", "list", *how)
    assert code == 0
    assert [n for n in range(COUNT) if f"crowd-{n}" not in stdout] == []
    assert imported == []
    assert {path.rpartition("/")[2] for path in opened} <= {"entry_points.txt", "METADATA", "direct_url.json"}
    assert set(opened.values()) == {1}
    assert len(opened) <= 3 * COUNT


def test_neither_does_a_command_that_has_nothing_to_do_with_plugins(typed):
    code, _, opened, imported = typed("--help")
    assert (code, opened, imported) == (0, Counter(), [])


def test_a_lock_reads_every_file_and_imports_none(typed):
    code, stdout, opened, imported = typed("plugins", "lock", "--output", "crowd.lock", "--json")
    assert code == 0
    assert {f"crowd-{n}" for n in range(COUNT)} <= set(json.loads(stdout)["plugins"])
    assert imported == []
    assert {path for path, count in opened.items() if path.endswith(".py") and count > 1} == set()
    assert sum(path.endswith(".py") for path in opened) == 4 * COUNT
    code, _, _, imported = typed("plugins", "lock", "--output", "crowd.lock", "--check")
    assert (code, imported) == (0, [])

"""Write a plugin of every kind, and do with each what its author is told to do, in the environment that runs this.

`tox -e template-3.11,template-3.13` runs it; names of kinds after the folder choose some of them. It ends with 1 when a command
fails.
"""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

from ml4t_live_template.kinds import KINDS

BIN = Path(sys.executable).parent
CHECKS = ("ruff check .", "ruff format --check .", "mypy")
"""What its CI does, besides installing it and asking the doctor."""


def typed(command: str, folder: Path) -> str:
    """Run a command as it is typed in a folder, and return what it printed. Raises SystemExit when it fails."""
    print(f"{folder.name}$ {command}", flush=True)
    path = os.pathsep.join((str(BIN), os.environ.get("PATH", "")))
    environment = {**os.environ, "PATH": path}
    done = subprocess.run(command, shell=True, cwd=folder, env=environment, stdout=subprocess.PIPE, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"{done.stdout}\n{command} in {folder} ended with {done.returncode}")
    return done.stdout


def tour(kind: str, folder: Path) -> None:
    """Write a plugin, type what the command says, and what its CI does."""
    name = f"my-{kind}"
    said = typed(f"ml4t-live new {kind} {name}", folder)
    install, test, doctor = [line.strip() for line in said.partition("Next:\n")[2].splitlines()]
    for command in (install.partition(" && ")[2], test, *CHECKS, doctor):
        typed(command, folder / name)
    if name not in shlex.split(typed("ml4t-live plugins list", folder)):
        raise SystemExit(f"`plugins list` does not show {name}")


def main(where: str, *kinds: str) -> None:
    """Take the tour of some kinds, or of all, in a new folder."""
    folder = Path(where)
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    for kind in kinds or KINDS:
        tour(kind, folder)
    print(f"all of {', '.join(kinds or KINDS)} pass on Python {sys.version.split()[0]}")


if __name__ == "__main__":
    main(*sys.argv[1:])

"""The unit of systemd in examples/: systemd understands it, and it agrees with the command line."""

from __future__ import annotations

import configparser
import re
import shutil
import subprocess
import sys
from pathlib import Path

from typer.testing import CliRunner

from ml4t.live.cli import exits
from ml4t.live.cli.app import app

ROOT = Path(__file__).parents[1]
UNIT = ROOT / "examples" / "ml4t-live@.service"


def parsed() -> configparser.ConfigParser:
    unit = configparser.ConfigParser(interpolation=None)
    unit.optionxform = str  # type: ignore[assignment,method-assign]
    unit.read(UNIT)
    return unit


def test_systemd_understands_every_line(tmp_path: Path) -> None:
    program = parsed()["Service"]["ExecStart"].split()[0]
    assert list(parsed()) == ["DEFAULT", "Unit", "Service", "Install"]
    if shutil.which("systemd-analyze") is None:  # nobody here to ask
        return
    copy = tmp_path / UNIT.name
    copy.write_text(UNIT.read_text().replace(program, sys.executable))
    done = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", str(copy)], capture_output=True, text=True, check=False, timeout=60
    )
    assert (done.returncode, [line for line in done.stderr.splitlines() if copy.name in line]) == (0, [])


def test_it_is_restarted_when_that_can_help_and_only_then() -> None:
    service = parsed()["Service"]
    assert (service["Type"], service["Restart"], service["NotifyAccess"]) == ("notify", "on-failure", "main")
    never = {int(code) for code in service["RestartPreventExitStatus"].split()}
    assert never == {exits.REFUSED, exits.HALTED, 128 + 2, 128 + 15}
    assert not never & {exits.OK, exits.FAILED}
    assert int(service["WatchdogSec"]) / 2 > 5.0, "the default of blocked_after_seconds is reported before the watchdog bites"


def test_its_command_line_is_one(tmp_path: Path) -> None:
    typed = parsed()["Service"]["ExecStart"].replace("/etc/ml4t/%i.toml", str(tmp_path / "none.toml"))
    command = typed.replace("%i", "x").split()
    assert Path(command[0]).name == "ml4t-live"
    done = CliRunner().invoke(app, command[1:])
    assert done.exit_code == exits.REFUSED
    assert "no such configuration file" in done.stderr


def test_the_page_and_the_help_name_every_exit_code() -> None:
    page = (ROOT / "docs" / "operations.md").read_text()
    section = page.partition("## Exit codes")[2].partition("\n## ")[0]
    codes = {value for name, value in vars(exits).items() if name.isupper() and isinstance(value, int)}
    assert {int(code) for code in re.findall(r"^\| (\d) \|", section, re.MULTILINE)} == codes
    shown = CliRunner().invoke(app, ["--help"]).stdout
    assert all(re.search(rf"\b{code} \w+", shown) for code in codes)

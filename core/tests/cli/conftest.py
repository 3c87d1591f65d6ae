"""A small world for the command line: a recording, a strategy, a plugin installed by hand, and one run of them."""

from __future__ import annotations

import importlib
import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
from attrs import frozen
from typer.testing import CliRunner

from ml4t.live.cli.app import app
from ml4t.live.clock import SystemClock
from ml4t.live.journal import Journal
from ml4t.live.plugins import refresh
from ml4t.live.report import ReportReader

STRATEGY = """
class Zigzag:
    def __init__(self, raises_on=None):
        self.day = 0
        self.raises_on = raises_on

    def on_data(self, timestamp, data, context, broker):
        self.day += 1
        if self.day == self.raises_on:
            raise RuntimeError("the model file is gone")
        if self.day == 5:
            broker.submit_order("AAA", 10, reason="five days up")
            print("bought")
        if self.day == 6:
            broker.submit_order("AAA", 1000, reason="more of it")
        if self.day == 15:
            broker.close_position("AAA")
        if self.day == 30:
            broker.submit_order("BBB", 5, "sell", reason="three weeks down [short]")
        if self.day == 58:
            broker.submit_order("AAA", 2, "buy", "limit", data["AAA"]["close"] * 0.96)
"""

PLUGIN = """
from attrs import field, frozen
from attrs.validators import gt

from ml4t.live.config import Duration
from ml4t.live.hookspecs import hookimpl
from ml4t.live.records import CommandRecord, DoctorRecord, ForecasterRecord, TriggerRecord


@frozen(kw_only=True)
class EveryConfig:
    '''How often.'''

    events: int = field(default=10, validator=gt(0))
    '''Fire at every so many events of a symbol.'''
    pause: Duration | None = None
    '''Nothing.'''


@frozen(kw_only=True)
class UpConfig:
    by: float
    '''The move that is predicted.'''


@hookimpl
def ml4t_live_triggers():
    return [TriggerRecord(name="every", config=EveryConfig, factory="cli_acme_parts:Every", summary="Fires now and then.")]


@hookimpl
def ml4t_live_forecasters():
    return [
        ForecasterRecord(
            name="up", config=UpConfig, factory="cli_acme_parts:Up", summary="Says up.", needs="Faith.", capabilities={"price"}
        )
    ]


@hookimpl
def ml4t_live_commands():
    return [
        CommandRecord(name="greet", factory="cli_acme_parts:greet", summary="Greets."),
        CommandRecord(name="wave", factory="cli_acme_parts:wave", summary="Waves."),
    ]


@hookimpl
def ml4t_live_doctor():
    return [
        DoctorRecord(name="pulse", factory="cli_acme_parts:pulse"),
        DoctorRecord(name="licence", factory="cli_acme_parts:licence"),
    ]
"""

PARTS = """
import typer

from ml4t.live.model import Direction, Firing, Forecast


class Every:
    def __init__(self, config):
        self.config, self.counts = config, {}

    def on_event(self, event, market):
        self.counts[event.symbol] = count = self.counts.get(event.symbol, 0) + 1
        if count % self.config.events == 0:
            return Firing(reason=f"event {count} of {event.symbol}", symbol=event.symbol)


class Up:
    def __init__(self, config):
        self.config = config

    def forecast(self, request):
        def one(symbol):
            price = request.market.price(symbol) * (1 + self.config.by)
            return Forecast(symbol=symbol, horizon=request.horizon, price=price, direction=Direction.UP)

        return [one(symbol) for symbol in request.symbols]


greet = typer.Typer()


@greet.command()
def hello(name: str, loud: bool = False):
    text = f"hello {name}"
    print(text.upper() if loud else text)


class Foreign:
    help = "Of another click."

    def __call__(self):
        raise AssertionError("a group calls main")

    def main(self, args, prog_name):
        print(prog_name.split()[-1], *args)


wave = Foreign()


def pulse():
    return "seventy a minute"


def licence():
    import cli_acme_switch
    if cli_acme_switch.LICENSED:
        return "valid"
    raise RuntimeError("the licence has run out: renew it")
"""

CONFIG = """
[live]
name = "zigzag"
strategy = "cli_zigzag:Zigzag"

[feeds.main]
use = "replay"
path = "prices.csv"
symbols = ["AAA", "BBB"]
bars = "1d"

[shadow]
commission_rate = 0.001

[risk]
max_order_value = 5_000
max_data_staleness_seconds = 400_000

[triggers.tens]
use = "acme.every"

[forecasters.up]
use = "acme.up"
by = 0.01
on = ["tens"]
horizon = "3d"
"""


def prices() -> str:
    """Sixty days of two stocks: one goes up and down by a dollar a day, twenty days each, the other the other way."""
    lines = ["timestamp,symbol,open,high,low,close,volume"]
    price = {"AAA": 100.0, "BBB": 100.0}
    for day in range(60):
        step = 1.0 if day // 20 % 2 == 0 else -1.0
        for symbol, sign in (("AAA", step), ("BBB", -step)):
            before = price[symbol]
            price[symbol] += sign
            low, high = sorted((before, price[symbol]))
            lines.append(f"{date(2024, 1, 1) + timedelta(days=day)},{symbol},{before},{high},{low},{price[symbol]},1000")
    return "\n".join(lines) + "\n"


@frozen
class Outcome:
    """What a command did."""

    code: int
    stdout: str
    stderr: str

    @property
    def json(self) -> Any:
        return json.loads(self.stdout)


@frozen
class World:
    """Where everything is."""

    folder: Path
    site: Path
    config: Path
    state: Path
    crashes: Path

    def invoke(self, *arguments: object) -> Outcome:
        """Run the command line in this process."""
        result = CliRunner(env={"COLUMNS": "200", "XDG_STATE_HOME": str(self.crashes)}).invoke(app, [*map(str, arguments)])
        if result.exception is not None and not isinstance(result.exception, SystemExit):
            raise result.exception
        return Outcome(result.exit_code, result.stdout, result.stderr)

    def command(self, *arguments: object, prefix: Sequence[str] = ()) -> tuple[list[str], dict[str, str]]:
        """Return the command line as it is typed, and its environment."""
        script = [*prefix, str(Path(sys.executable).with_name("ml4t-live"))]
        path = os.pathsep.join(filter(None, (str(self.site), os.environ.get("PYTHONPATH"))))
        environment = {**os.environ, "PYTHONPATH": path, "XDG_STATE_HOME": str(self.crashes), "COLUMNS": "200"}
        return [*script, *map(str, arguments)], environment

    def spawn(self, *arguments: object) -> Outcome:
        """Run the command line in a process of its own."""
        command, environment = self.command(*arguments)
        done = subprocess.run(command, env=environment, capture_output=True, text=True, cwd=self.folder, check=False)
        return Outcome(done.returncode, done.stdout, done.stderr)

    def install(self, name: str, *entries: str) -> None:
        """Install a distribution, for processes that are spawned."""
        install(self.site, name, entries)

    def write(self, name: str, text: str) -> Path:
        path = self.folder / name
        path.write_text(text)
        return path


def install(site: Path, name: str, entries: Sequence[str], requires: str = "ml4t-live>=1.0.0.dev0,<2") -> None:
    """Put the metadata of a distribution into a folder, as pip would."""
    info = site / f"{name.replace('-', '_')}-1.0.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\nRequires-Dist: {requires}\n")
    (info / "entry_points.txt").write_text("[ml4t.live]\n" + "".join(f"{line}\n" for line in entries))


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """The small world; its plugins are forgotten afterwards."""
    folder, site = tmp_path_factory.mktemp("world"), tmp_path_factory.mktemp("site")
    made = World(folder, site, folder / "live.toml", folder / "state" / "zigzag", tmp_path_factory.mktemp("crashes"))
    for name, text in {"live.toml": CONFIG, "prices.csv": prices(), "cli_zigzag.py": STRATEGY}.items():
        made.write(name, text)
    modules = {
        "cli_acme_plugin": PLUGIN,
        "cli_acme_parts": PARTS,
        "cli_acme_switch": "LICENSED = True\n",
        "cli_acme_bad": "import nothing_here\n",
    }
    for name, text in modules.items():
        (site / f"{name}.py").write_text(text)
    install(site, "ml4t-live-acme", ["acme = cli_acme_plugin"])
    install(site, "ml4t-live-bad", ["bad = cli_acme_bad"])
    install(site, "ml4t-live-new", ["new = cli_acme_plugin"], requires="ml4t-live>=9")
    install(site, "twin-one", ["twin = cli_acme_plugin"])
    install(site, "twin-two", ["twin = cli_acme_parts"])
    path = list(sys.path)
    sys.path.insert(0, str(site))
    refresh()
    yield made
    sys.path[:] = path
    for name in (*modules, "cli_zigzag"):
        sys.modules.pop(name, None)
    importlib.invalidate_caches()
    refresh()


@pytest.fixture(scope="module")
def finished(world: World) -> Outcome:
    """The run of the small world, finished."""
    return world.invoke("run", world.config)


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[Journal]:
    """A journal to write things into that no small run does."""
    folder = tmp_path / "state" / "shadow"
    folder.mkdir(parents=True)
    made = Journal(folder / "journal.sqlite3", SystemClock(), durability="none", mode="shadow").open(None)
    yield made
    made.close()


@pytest.fixture
def reading(journal: Journal) -> Iterator[Callable[[], ReportReader]]:
    """Closes the journal and opens it for reading."""
    opened: list[ReportReader] = []

    def read() -> ReportReader:
        journal.close()
        opened.append(ReportReader(journal.path))
        return opened[-1]

    yield read
    for reader in opened:
        reader.close()

"""From a TOML file and installed distributions to a journal: what a user does, each time in a fresh interpreter."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import textwrap
from pathlib import Path
from typing import Any

import pytest

CONTRIB = Path(__file__).parents[1] / "contrib"

STRATEGY = """
class Accumulates:
    def __init__(self, every=5, quantity=2):
        self.every, self.quantity, self.calls = every, quantity, 0

    def on_data(self, timestamp, data, context, broker):
        self.calls += 1
        if self.calls % self.every == 0:
            for symbol in data:
                broker.submit_order(symbol, self.quantity)
"""

BASE = """
[live]
name = "pipeline"
strategy = "my_strategies:Accumulates"
strategy_options = {{ every = {every} }}

[feeds.main]
use = "{use}"
symbols = ["AAA", "BBB"]
bars = "5m"
{feed}

[risk]
max_data_staleness_seconds = 600
dedup_window_seconds = 0.001

[triggers.often]
use = "trigger-time"
every = "15m"

[triggers.moves]
use = "trigger-price-move"
threshold = 0.002

[forecasters.drift]
use = "forecast-baselines.drift"
on = ["often", "moves"]
horizon = "10m"

[forecasters.naive]
use = "forecast-baselines.naive"
on = ["often"]
horizon = "10m"
"""

RUN = """
import asyncio, json, sys
from pathlib import Path
from ml4t.live import compose
from ml4t.live.errors import LiveError
from ml4t.live.journal import JournalReader, verify
try:
    engine = compose(Path(sys.argv[1]), state_dir=sys.argv[2])
    asyncio.run(engine.run())
except LiveError as error:
    print(json.dumps({"refused": type(error).__name__, "why": str(error)}))
    raise SystemExit(0)
journal = engine.state_folder.journal
assert verify(journal) == []
with JournalReader(journal) as reader:
    print(json.dumps({
        "counts": reader.counts(),
        "verdicts": [record.body for record in reader.records("verdict")],
        "runs": [record.body for record in reader.records("run")],
        "fills": [[f.symbol, f.quantity, f.price, f.time, f.execution_id] for f in reader.fills()],
        "calls": engine.parts.strategy.calls,
        "errors": [record.body for record in reader.records("error")],
    }))
"""

UNRULY = {
    "pyproject.toml": """
        [build-system]
        requires = ["hatchling"]
        build-backend = "hatchling.build"
        [project]
        name = "unruly-checks"
        version = "2.1"
        dependencies = ["ml4t-live>=1.0.0.dev0,<2"]
        [project.entry-points."ml4t.live"]
        unruly = "unruly_checks.plugin"
        [tool.hatch.build.targets.wheel]
        packages = ["src/unruly_checks"]
        """,
    "src/unruly_checks/__init__.py": "",
    "src/unruly_checks/plugin.py": """
        from attrs import frozen
        from ml4t.live.hookspecs import hookimpl
        from ml4t.live.records import RiskCheckRecord

        @frozen
        class Nothing:
            pass

        @hookimpl
        def ml4t_live_risk_checks():
            return [
                RiskCheckRecord(name=name, config=Nothing, factory=f"unruly_checks.checks:{factory}", summary="Unruly.")
                for name, factory in [("raises", "Raises"), ("sleeps", "Sleeps"), ("shrugs", "Shrugs"), ("odd", "Odd")]
            ]
        """,
    "src/unruly_checks/checks.py": """
        import time
        from ml4t.live.model import ALLOW

        class Base:
            def __init__(self, config):
                self.asked = 0

        class Raises(Base):
            def check(self, order, view):
                raise LookupError("no entry for " + order.symbol)

        class Sleeps(Base):
            def check(self, order, view):
                time.sleep(0.08)
                return ALLOW

        class Shrugs(Base):
            def check(self, order, view):
                return None

        class Odd(Base):
            '''Refuses every second order.'''
            def check(self, order, view):
                from ml4t.live.model import refuse
                self.asked += 1
                return ALLOW if self.asked % 2 else refuse("odd", "it is the even ones that go wrong")
        """,
}


@pytest.fixture(scope="module")
def sites(tmp_path_factory, installed):
    """A site per third-party distribution: leaving one out of the path is what uninstalling it does."""
    source = tmp_path_factory.mktemp("unruly")
    for name, text in UNRULY.items():
        path = source / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(textwrap.dedent(text))
    folders = {"walk": CONTRIB / "feed-random-walk", "cap": CONTRIB / "risk-sector-cap", "unruly": source}
    return {name: installed(folder, tmp_path_factory.mktemp(name)) for name, folder in folders.items()}


@pytest.fixture
def project(tmp_path, sites):
    """A user's folder: a strategy, prices, and a way to run a configuration in it."""
    (tmp_path / "my_strategies.py").write_text(STRATEGY)
    lines = ["time,symbol,open,high,low,close,volume"]
    for n in range(600):
        for symbol, start in (("AAA", 100.0), ("BBB", 50.0)):
            open_ = start + (n * 7 % 31) / 10
            close = start + ((n + 1) * 7 % 31) / 10
            minute = f"2025-03-03T{9 + n // 60:02d}:{n % 60:02d}:00Z"
            lines.append(f"{minute},{symbol},{open_},{max(open_, close)},{min(open_, close)},{close},10")
    (tmp_path / "prices.csv").write_text("\n".join(lines))

    started = []

    class Project:
        folder = tmp_path

        def write(self, *, use="replay", feed='path = "prices.csv"', extra="", every=3) -> Path:
            path = tmp_path / "live.toml"
            path.write_text(BASE.format(use=use, feed=feed, every=every) + extra)
            return path

        def popen(self, config: Path, state: str, installed=("walk", "cap", "unruly"), code=RUN) -> Any:
            path = os.pathsep.join([*(str(sites[name]) for name in installed), os.environ.get("PYTHONPATH", "")])
            command = [sys.executable, "-c", code, str(config), str(tmp_path / state)]
            environment = {**os.environ, "PYTHONPATH": path.rstrip(os.pathsep)}
            process = subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
            started.append(process)
            return process

        def run(self, config: Path, state="state", installed=("walk", "cap", "unruly")) -> Any:
            process = self.popen(config, state, installed)
            out, errors = process.communicate(timeout=300)
            assert process.returncode == 0, errors
            return json.loads(out.splitlines()[-1])

    yield Project()
    for process in started:
        with process:
            process.kill()


def check(extra):
    return f"\n[[risk.checks]]\n{extra}\n"


def test_a_configuration_runs_and_only_the_feed_is_named_otherwise_for_another_one(project):
    walk = 'count = 600\nkind = "bar"\nstep = "1m"\nseed = 4'
    replayed = project.run(project.write(), "replayed")
    walked = project.run(project.write(use="random-walk", feed=walk), "walked")
    bare = project.run(project.write(use="random-walk", feed=""), "bare")

    assert [told for told in (replayed, walked, bare) if "refused" in told] == []
    for told, calls in ((replayed, 120), (walked, 120), (bare, None)):
        assert calls is None or told["calls"] == calls
        assert told["counts"]["fill"] > 10
        assert told["counts"]["forecast"] > 5
        assert told["counts"]["resolution"] > 5
        assert told["errors"] == []
    assert replayed["fills"] != walked["fills"]
    plugins = walked["runs"][0]["plugins"]
    assert {"random-walk", "trigger-time", "trigger-price-move", "forecast-baselines"} <= set(plugins)
    assert walked["runs"][0]["config"] != replayed["runs"][0]["config"]


def test_the_same_configuration_on_the_same_data_gives_the_same_fills(project):
    config = project.write(extra=check('use = "unruly.odd"'))
    # A check may take 50 ms, and on a busy machine one that is put aside for as long refuses an order that it would allow.
    config.write_text(config.read_text().replace("[risk]\n", "[risk]\ncheck_budget_ms = 60_000\n"))
    assert project.run(config, "one")["fills"] == project.run(config, "two")["fills"]


def test_a_third_party_check_is_enforced_by_naming_it(project):
    cap = check('use = "sector-cap"\nname = "sectors"\nmax_weight = 0.01\nsectors = { AAA = "one", BBB = "two" }')
    free, capped = project.run(project.write(), "free"), project.run(project.write(extra=cap), "capped")

    assert {verdict["code"] for verdict in free["verdicts"]} == set()
    refused = {(verdict["check"], verdict["code"]) for verdict in capped["verdicts"]}
    assert refused == {("sectors", "sector_cap")}
    assert len(capped["fills"]) < len(free["fills"])
    held = sum(quantity for symbol, quantity, *_ in capped["fills"] if symbol == "AAA")
    assert held * 103.1 <= 0.0101 * 100_000
    assert capped["runs"][0]["plugins"]["sector-cap"]["distribution"] == "risk-sector-cap"


def test_a_check_that_is_named_and_not_installed_stops_the_start(project):
    config = project.write(extra=check('use = "unruly.odd"'))
    assert project.run(config, "with")["verdicts"]

    told = project.run(config, "without", installed=("walk", "cap"))

    assert told["refused"] == "ConfigError"
    assert "unruly" in told["why"]
    assert "install" in told["why"]
    assert not (project.folder / "without").exists(), "nothing was begun"


@pytest.mark.parametrize(
    ("name", "code", "words"),
    [
        ("raises", "check_error", "raised LookupError: no entry for AAA"),
        ("sleeps", "check_timeout", "of its 50 ms"),
        ("shrugs", "check_error", "answered None, which is not a Verdict"),
    ],
)
def test_a_check_that_fails_refuses_the_order_and_the_run_goes_on(project, name, code, words):
    told = project.run(project.write(extra=check(f'use = "unruly.{name}"'), every=20))

    assert told["calls"] == 120
    assert told["fills"] == []
    assert {verdict["code"] for verdict in told["verdicts"]} == {code}
    assert {verdict["check"] for verdict in told["verdicts"]} == {f"unruly.{name}"}
    assert any(words in verdict["reason"] for verdict in told["verdicts"])
    assert told["runs"][-1] == {"ended": True, "why": "the data ended"}


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_stop_signal_and_a_rerun_end_as_a_run_that_nobody_interrupted(project, number):
    paced = project.write(feed='path = "prices.csv"\nspeed = 14400')  # ten hours in two and a half seconds
    whole = project.run(project.write(), "whole")

    paced = project.write(feed='path = "prices.csv"\nspeed = 14400')
    process = project.popen(paced, "broken")
    journal = project.folder / "broken" / "shadow" / "journal.sqlite3"
    some_fills = """
import sys, time
from pathlib import Path
from ml4t.live.journal import JournalReader
while True:
    try:
        with JournalReader(Path(sys.argv[1])) as reader:
            if len(reader.fills()) > 8:
                break
    except Exception:
        pass
    time.sleep(0.01)
"""
    subprocess.run([sys.executable, "-c", some_fills, str(journal)], check=True, timeout=300)
    process.send_signal(number)
    out, errors = process.communicate(timeout=300)
    assert process.returncode == 0, errors
    stopped = json.loads(out.splitlines()[-1])
    assert stopped["runs"][-1] == {"ended": True, "why": "stopped"}
    assert len(stopped["fills"]) < len(whole["fills"])

    rerun = project.run(project.write(), "broken")

    assert rerun["fills"][: len(stopped["fills"])] == stopped["fills"]
    ids = [execution_id for *_, execution_id in rerun["fills"]]
    assert len(set(ids)) == len(ids)
    assert rerun["runs"][-1] == {"ended": True, "why": "the data ended"}
    # The last moment before the stop may not have been over: then it is told again, and decides the same orders.
    assert rerun["calls"] + stopped["calls"] in {120, 121}
    assert project.run(project.write(), "broken")["fills"] == rerun["fills"], "and a third run does nothing"

"""What a person gets wrong or cannot help, on the command line: one sentence with the remedy, and the exit code of a mistake.

Every test is `ml4t-live run` as it is typed, in a process of its own, against the simulator.
"""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import threading

import pytest
from alpaca_kit import until

from ml4t_live_alpaca.rig import WRONG, still

RUN = "import sys; from ml4t.live.cli.app import app; sys.argv[0] = 'ml4t-live'; app()"
CONFIG = """
[live]
name = "mistakes"
mode = "paper"
strategy = "idle:Idle"

[feeds.main]
use = "alpaca"
symbols = ["AAPL"]
api_key = { env = "ALPACA_API_KEY" }
secret_key = { env = "ALPACA_SECRET_KEY" }
timeout_seconds = 1.0

[broker]
use = "alpaca"
api_key = { env = "ALPACA_API_KEY" }
secret_key = { env = "ALPACA_SECRET_KEY" }
timeout_seconds = 1.0
"""
STRATEGY = """
class Idle:
    def on_data(self, timestamp, data, context, broker):
        pass
"""
NOWHERE = "http://127.0.0.1:9"


@pytest.fixture
def command(tmp_path):
    """Starts `ml4t-live run` against an address with a secret key."""
    (tmp_path / "run.toml").write_text(CONFIG)
    (tmp_path / "idle.py").write_text(STRATEGY)

    def start(url, keys, *assignments):
        key, secret = keys
        path = os.pathsep.join([str(tmp_path), os.environ.get("PYTHONPATH", "")])
        environment = {**os.environ, "PYTHONPATH": path, "ALPACA_API_KEY": key, "ALPACA_SECRET_KEY": secret}
        told = [f"broker.url={url}", f"feeds.main.url={url}", *assignments]
        options = [word for each in told for word in ("--set", each)]
        return subprocess.Popen(
            [sys.executable, "-c", RUN, "run", "run.toml", "--state-dir", "state", *options],
            cwd=tmp_path,
            env=environment,
            stderr=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            text=True,
        )

    return start


def ended(process):
    """Return the exit code and the last line on stderr."""
    try:
        _, stderr = process.communicate(timeout=300)
    except subprocess.TimeoutExpired:
        process.kill()
        raise
    assert "Traceback" not in stderr
    assert WRONG not in stderr
    return process.returncode, stderr.strip().splitlines()[-1]


MISTAKES = {
    "a wrong key": (
        {},
        [],
        (
            "Alpaca refuses the API key (403: forbidden.); check api_key and secret_key, and that they are those of the paper "
            "account, as paper = true says"
        ),
    ),
    "a live key in paper mode": (
        {"kind": "live"},
        [],
        "is a live account and paper = true says paper; set paper = false, or use the keys of the paper account",
    ),
    "a paper key in live mode": (
        {},
        ["live.mode=live", "broker.paper=false"],
        "is a paper account and paper = false says live; set paper = true, or use the keys of the live account",
    ),
    "live mode on the paper account": (
        {},
        ["live.mode=live"],
        "is a paper account; set mode = 'paper' or use other credentials",
    ),
    "no subscription": (
        {"sip": False},
        ["feeds.main.feed=sip"],
        (
            "Alpaca's market data: insufficient subscription (409): the plan does not include these data; use feed = 'iex', or "
            "subscribe to them at Alpaca"
        ),
    ),
    "an unknown symbol": (
        {},
        ['feeds.main.symbols=["NOSUCH"]'],
        "Alpaca knows none of NOSUCH; write stocks as AAPL and crypto as BTC/USD",
    ),
}


@pytest.mark.parametrize("name", MISTAKES)
def test_a_mistake_ends_the_run_with_its_remedy(name, command):
    options, assignments, sentence = MISTAKES[name]
    with still(**options) as venue:
        key, secret = venue.keys
        keys = (key, WRONG) if name == "a wrong key" else (key, secret)
        code, last = ended(command(venue.url, keys, *assignments))
    assert code == 2
    assert last.endswith(sentence)


def test_more_symbols_than_the_plan_has_end_the_run_with_the_remedy(command):
    with still() as venue:
        venue.limit_symbols(1)
        code, last = ended(command(venue.url, venue.keys, 'feeds.main.symbols=["AAPL", "MSFT"]'))
    assert code == 2
    assert last.endswith("the plan allows fewer symbols on one connection (30 with the free one); listen to fewer")


def test_a_host_that_is_not_reached_is_told_of_at_every_try_until_somebody_stops_it(command):
    """No internet in the morning is no mistake: the run waits, says why, and Ctrl-C still ends it."""
    process = command(NOWHERE, ("PK1", WRONG), "engine.reconnect_first_seconds=0.1", "engine.reconnect_max_seconds=0.2")
    deadline = threading.Timer(300, process.kill)
    deadline.start()
    told = 0
    for line in process.stderr:
        assert WRONG not in line
        told += f"Alpaca does not answer at {NOWHERE} (ConnectionError); check the network" in line
        if told == 3:
            process.send_signal(signal.SIGINT)
            break
    process.communicate(timeout=300)
    deadline.cancel()
    assert told == 3
    assert process.returncode == 0  # stopped in order


def test_a_host_that_is_not_reached_ends_a_run_that_may_not_try_for_ever(command):
    code, last = ended(command(NOWHERE, ("PK1", WRONG), "engine.reconnect_attempts=1", "engine.reconnect_first_seconds=0.1"))
    assert code == 1
    assert f"Alpaca does not answer at {NOWHERE} (ConnectionError); check the network, and url if one is set" in last


def test_a_symbol_that_is_not_known_silences_no_other_and_is_named(command):
    with still() as venue:
        process = command(venue.url, venue.keys, 'feeds.main.symbols=["AAPL", "NOSUCH"]')
        deadline = threading.Timer(300, process.kill)
        deadline.start()
        named = next(line for line in process.stderr if "Alpaca does not know these symbols" in line)
        asyncio.run(until(lambda: "AAPL" in venue.subscriptions, 60))
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=300)
        deadline.cancel()
    assert "NOSUCH" in named
    assert process.returncode == 0

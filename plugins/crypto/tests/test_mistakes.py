"""What a person gets wrong or cannot help, on the command line: one sentence with the remedy, and the exit code of a mistake.

Every test is `ml4t-live run` as it is typed, in a process of its own, against the simulator.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading

import pytest

from ml4t_live_crypto.rig import WRONG, binance

RUN = "import sys; from ml4t.live.cli.app import app; sys.argv[0] = 'ml4t-live'; app()"
CONFIG = """
[live]
name = "mistakes"
mode = "paper"
strategy = "idle:Idle"

[feeds.main]
use = "crypto"
exchange = "binance"
symbols = ["ETH/USDT"]
timeout_seconds = 1.0

[broker]
use = "crypto"
exchange = "binance"
api_key = { env = "BINANCE_API_KEY" }
secret_key = { env = "BINANCE_SECRET_KEY" }
timeout_seconds = 1.0
"""
STRATEGY = """
class Idle:
    def on_data(self, timestamp, data, context, broker):
        pass
"""
KEYS = ("BINANCE_API_KEY", "BINANCE_SECRET_KEY")
DEADLINE = 300.0
"""Seconds after which a process is killed that hangs; it is long for machines that are busy."""


@pytest.fixture
def command(tmp_path):
    """Starts `ml4t-live run` against an address with keys; it is killed at the latest after DEADLINE seconds."""
    (tmp_path / "run.toml").write_text(CONFIG)
    (tmp_path / "idle.py").write_text(STRATEGY)
    begun = []

    def start(url, keys, *assignments):
        path = os.pathsep.join([str(tmp_path), os.environ.get("PYTHONPATH", "")])
        environment = {**os.environ, "PYTHONPATH": path, **dict(zip(KEYS, keys, strict=True))}
        told = [f'broker.url="{url}"', f'feeds.main.url="{url}"', *assignments]
        options = [word for each in told for word in ("--set", each)]
        process = subprocess.Popen(
            [sys.executable, "-c", RUN, "run", "run.toml", "--state-dir", "state", *options],
            cwd=tmp_path,
            env=environment,
            stderr=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            text=True,
        )
        timer = threading.Timer(DEADLINE, process.kill)
        timer.start()
        begun.append((process, timer))
        return process

    yield start
    for process, timer in begun:
        timer.cancel()
        process.kill()
        process.communicate()


def ended(process):
    """Return the exit code and the last line on stderr."""
    _, stderr = process.communicate(timeout=DEADLINE)
    assert "Traceback" not in stderr
    assert WRONG not in stderr
    return process.returncode, stderr.strip().splitlines()[-1]


KEYS_WRONG = "set sandbox = true for keys of the test environment, false for others"
HOW = "write spot as BTC/USDT and linear swaps as BTC/USDT:USDT"
MISTAKES = {
    "a wrong key": (
        {},
        [],
        0,
        KEYS_WRONG,
    ),
    "a wrong secret": (
        {},
        [],
        1,
        KEYS_WRONG,
    ),
    "keys of the real exchange in paper mode": (
        {"kind": "live"},
        [],
        None,
        KEYS_WRONG,
    ),
    "live mode in the sandbox": (
        {},
        ["live.mode=live"],
        None,
        "is a paper account; set mode = 'paper' or use other credentials",
    ),
    "an unknown symbol": (
        {},
        ['feeds.main.symbols=["NOSUCH/USDT"]'],
        None,
        "binance knows none of NOSUCH/USDT; write spot as BTC/USDT and linear swaps as BTC/USDT:USDT",
    ),
    "a pair that was delisted": (
        {},
        ['feeds.main.symbols=["LUNA/USDT"]'],
        None,
        HOW,
    ),
    "an exchange that ccxt has not": ({}, ["feeds.main.exchange=nosuch"], None, "has none of that name"),
}


@pytest.mark.parametrize("name", MISTAKES)
def test_a_mistake_ends_the_run_with_its_remedy(name, command):
    options, assignments, wrong, sentence = MISTAKES[name]
    with binance(**options) as venue:
        keys = [WRONG if place == wrong else key for place, key in enumerate(venue.keys)]
        code, last = ended(command(venue.url, keys, *assignments))
    assert code == 2
    assert last.endswith(sentence)


TROUBLES = {
    "a clock that is forty seconds wrong": (
        lambda venue: venue.skew_clock(40),
        "behind binance's; set it (NTP), and it is tried again",
    ),
    "maintenance": (lambda venue: venue.answer_next("", {}, status=503, stays=True), "it cannot be reached or is overloaded"),
    "a rate limit": (
        lambda venue: venue.answer_next("", {"code": -1003, "msg": "Too much request weight used."}, status=429, stays=True),
        "lower requests_per_second, or run fewer programs at once; it is tried again",
    ),
}


@pytest.mark.parametrize("name", TROUBLES)
def test_what_passes_is_told_of_at_every_try_until_somebody_stops_it(name, command):
    break_it, sentence = TROUBLES[name]
    with binance() as venue:
        break_it(venue)
        process = command(venue.url, venue.keys, "engine.reconnect_first_seconds=0.1", "engine.reconnect_max_seconds=0.2")
        told = 0
        for line in process.stderr:
            told += sentence in line
            if told == 2:
                process.send_signal(signal.SIGINT)
                break
        process.communicate(timeout=DEADLINE)
    assert told == 2

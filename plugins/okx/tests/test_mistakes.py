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
from okx_kit import until

from ml4t_live_okx.config import VARIABLES
from ml4t_live_okx.rig import WRONG, still

RUN = "import sys; from ml4t.live.cli.app import app; sys.argv[0] = 'ml4t-live'; app()"
CONFIG = """
[live]
name = "mistakes"
mode = "paper"
strategy = "idle:Idle"

[feeds.main]
use = "okx"
symbols = ["ETH-USDT"]
timeout_seconds = 1.0

[broker]
use = "okx"
api_key = { env = "OKX_API_KEY" }
secret_key = { env = "OKX_SECRET_KEY" }
passphrase = { env = "OKX_PASSPHRASE" }
timeout_seconds = 1.0
"""
STRATEGY = """
class Idle:
    def on_data(self, timestamp, data, context, broker):
        pass
"""
NOWHERE = "http://127.0.0.1:9"
MAINTENANCE = {"code": "50001", "msg": "Service temporarily unavailable. Try again later.", "data": []}


@pytest.fixture
def command(tmp_path):
    """Starts `ml4t-live run` against an address with keys; it is killed at the latest after five minutes."""
    (tmp_path / "run.toml").write_text(CONFIG)
    (tmp_path / "idle.py").write_text(STRATEGY)
    begun = []

    def start(url, keys, *assignments):
        path = os.pathsep.join([str(tmp_path), os.environ.get("PYTHONPATH", "")])
        environment = {**os.environ, "PYTHONPATH": path, **dict(zip(VARIABLES.values(), keys, strict=True))}
        told = [f"broker.url={url}", f"feeds.main.url={url}", *assignments]
        options = [word for each in told for word in ("--set", each)]
        process = subprocess.Popen(
            [sys.executable, "-c", RUN, "run", "run.toml", "--state-dir", "state", *options],
            cwd=tmp_path,
            env=environment,
            stderr=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            text=True,
        )
        timer = threading.Timer(300, process.kill)
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
    _, stderr = process.communicate(timeout=300)
    assert "Traceback" not in stderr
    assert WRONG not in stderr
    return process.returncode, stderr.strip().splitlines()[-1]


MISTAKES = {
    "a wrong key": ({}, [], 0, "OKX refuses the API key: Invalid OK-ACCESS-KEY (50111); check api_key"),
    "a wrong secret": ({}, [], 1, "OKX refuses the API key: Invalid Sign (50113); check secret_key"),
    "a wrong passphrase": ({}, [], 2, "check passphrase: it is the one that was chosen when the API key was made"),
    "keys of the real exchange in paper mode": (
        {"kind": "live"},
        [],
        None,
        "set demo = true for keys of demo trading, demo = false for others",
    ),
    "live mode in demo trading": (
        {},
        ["live.mode=live"],
        None,
        "is a paper account; set mode = 'paper' or use other credentials",
    ),
    "an unknown symbol": (
        {},
        ['feeds.main.symbols=["NOSUCH-USDT"]'],
        None,
        ("OKX knows none of NOSUCH-USDT; write spot as BTC-USDT, swaps as BTC-USDT-SWAP and futures as BTC-USDT-261225"),
    ),
    "an expired future": (
        {},
        ['feeds.main.symbols=["BTC-USDT-200327"]'],
        None,
        (
            "BTC-USDT-200327 has expired; name the next one; write spot as BTC-USDT, swaps as BTC-USDT-SWAP and futures as "
            "BTC-USDT-261225"
        ),
    ),
}


@pytest.mark.parametrize("name", MISTAKES)
def test_a_mistake_ends_the_run_with_its_remedy(name, command):
    options, assignments, wrong, sentence = MISTAKES[name]
    with still(**options) as venue:
        keys = [WRONG if place == wrong else key for place, key in enumerate(venue.keys)]
        code, last = ended(command(venue.url, keys, *assignments))
    assert code == 2
    assert last.endswith(sentence)


TROUBLES = {
    "a clock that is forty seconds wrong": (
        lambda venue: venue.skew_clock(40),
        "s behind OKX's; set it (NTP), and it is tried again",
    ),
    "maintenance": (
        lambda venue: venue.answer_next("", MAINTENANCE, status=503, stays=True),
        "Service temporarily unavailable. Try again later (50001); OKX is under maintenance or overloaded; it is tried again",
    ),
    "a rate limit": (
        lambda venue: venue.answer_next("", {"code": "50011", "msg": "Too Many Requests", "data": []}, status=429, stays=True),
        "Too Many Requests (50011); lower requests_per_second, or run fewer programs at once",
    ),
    "a gateway that fails": (
        lambda venue: venue.answer_next("", {}, status=502, stays=True),
        "OKX answers 502: an answer that is not OKX's; it is tried again",
    ),
}


@pytest.mark.parametrize("name", TROUBLES)
def test_what_passes_is_told_of_at_every_try_until_somebody_stops_it(name, command):
    break_it, sentence = TROUBLES[name]
    with still() as venue:
        break_it(venue)
        process = command(venue.url, venue.keys, "engine.reconnect_first_seconds=0.1", "engine.reconnect_max_seconds=0.2")
        told = 0
        for line in process.stderr:
            told += sentence in line
            if told == 2:
                process.send_signal(signal.SIGINT)
                break
        process.communicate(timeout=300)
    assert told == 2


def test_a_host_that_is_not_reached_ends_a_run_that_may_not_try_for_ever(command):
    keys = ("k", WRONG, "p")
    code, last = ended(command(NOWHERE, keys, "engine.reconnect_attempts=1", "engine.reconnect_first_seconds=0.1"))
    assert code == 1
    assert f"OKX does not answer at {NOWHERE} (ClientConnectorError); check the network, and url if one is set" in last


def test_a_symbol_that_is_not_known_silences_no_other_and_is_named(command):
    with still() as venue:
        process = command(venue.url, venue.keys, 'feeds.main.symbols=["ETH-USDT", "NOSUCH-USDT"]')
        named = next(line for line in process.stderr if "OKX does not know these symbols" in line)
        asyncio.run(until(lambda: "ETH-USDT" in venue.subscriptions, 60))
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=300)
    assert "NOSUCH-USDT" in named
    assert process.returncode == 0

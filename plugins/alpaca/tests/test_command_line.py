"""The simulator on the command line: a configuration without an account, and the simulator by itself."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading

import pytest

from ml4t_live_alpaca.sdk import TradingClient

RUN = "import sys; from ml4t.live.cli.app import app; sys.argv[0] = 'ml4t-live'; app()"
CONFIG = """
[live]
name = "try"
mode = "MODE"
strategy = "buyer:Buyer"

[feeds.main]
use = "alpaca"
symbols = ["AAPL", "BTC/USD"]
data_type = "trades"
api_key = { env = "ALPACA_API_KEY" }
secret_key = { env = "ALPACA_SECRET_KEY" }

[broker]
use = "alpaca"
paper = PAPER
api_key = { env = "ALPACA_API_KEY" }
secret_key = { env = "ALPACA_SECRET_KEY" }
"""
STRATEGY = """
class Buyer:
    def on_data(self, timestamp, data, context, broker):
        if broker.get_positions():
            print("HELD", flush=True)
        elif not broker.pending_orders:
            broker.submit_order("AAPL", 10)
"""


@pytest.fixture
def start(tmp_path):
    """Starts `ml4t-live` with some arguments; it is killed at the latest after five minutes."""
    begun = []

    def command(*words):
        environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(tmp_path), os.environ.get("PYTHONPATH", "")])}
        for name in ("ALPACA_API_KEY", "ALPACA_SECRET_KEY"):
            environment.pop(name, None)
        process = subprocess.Popen(
            [sys.executable, "-c", RUN, *words],
            cwd=tmp_path,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        timer = threading.Timer(60, process.kill)
        timer.start()
        begun.append((process, timer))
        return process

    yield command
    for process, timer in begun:
        timer.cancel()
        process.kill()
        process.communicate()


@pytest.mark.parametrize("mode", ["shadow", "paper", "live"])
def test_a_configuration_runs_without_an_account(start, tmp_path, mode):
    text = CONFIG.replace("MODE", mode).replace("PAPER", str(mode != "live").lower())
    (tmp_path / "try.toml").write_text(text)
    (tmp_path / "buyer.py").write_text(STRATEGY)
    process = start("run", "try.toml", "--simulate", "--state-dir", "state", "--json")
    assert any("HELD" in line for line in process.stderr), "nothing was bought"
    process.send_signal(signal.SIGINT)
    out, _ = process.communicate()
    assert process.returncode == 0
    told = json.loads(out)
    assert told["state_dir"].endswith("state")


def test_the_simulator_by_itself_serves_any_client_of_alpaca(start):
    process = start("simulate", "alpaca", "--option", "kind=live", "--option", "tick=1ms", "--json")
    lines = []
    for line in process.stdout:
        lines.append(line)
        if line == "}\n":
            break
    told = json.loads("".join(lines))
    key, secret = told["environ"].values()
    client = TradingClient(key, secret, paper=False, url_override=told["options"]["url"])
    assert not client.get_account().account_number.startswith("PA")
    process.send_signal(signal.SIGINT)
    process.communicate()
    assert process.returncode == 0

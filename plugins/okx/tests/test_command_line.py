"""The simulator on the command line: configurations without an account, and the simulator by itself."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
import threading

import aiohttp
import pytest

from ml4t_live_okx.config import VARIABLES

RUN = "import sys; from ml4t.live.cli.app import app; sys.argv[0] = 'ml4t-live'; app()"
CONFIG = """
[live]
name = "try"
mode = "MODE"
strategy = "buyer:Buyer"

[feeds.main]
use = "okx"
symbols = ["ETH-USDT", "BTC-USDT-SWAP"]

[broker]
use = "okx"
demo = DEMO
products = ["spot", "swap"]
api_key = { env = "OKX_API_KEY" }
secret_key = { env = "OKX_SECRET_KEY" }
passphrase = { env = "OKX_PASSPHRASE" }
"""
PUBLIC = """
[live]
name = "public"
strategy = "buyer:Buyer"

[feeds.okx]
use = "okx"
symbols = ["ETH-USDT"]
bars = "1s"
"""
STRATEGY = """
class Buyer:
    def on_data(self, timestamp, data, context, broker):
        if broker.get_positions():
            print("HELD", flush=True)
        elif not broker.pending_orders:
            broker.submit_order("ETH-USDT", 0.5)
"""


@pytest.fixture
def start(tmp_path):
    """Starts `ml4t-live` with some arguments; it is killed at the latest after five minutes."""
    begun = []

    def command(*words):
        environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(tmp_path), os.environ.get("PYTHONPATH", "")])}
        for name in VARIABLES.values():
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


def runs(process):
    """Wait until something is held, and stop the run; return what it prints at the end."""
    assert any("HELD" in line for line in process.stderr), "nothing was bought"
    process.send_signal(signal.SIGINT)
    out, _ = process.communicate()
    assert process.returncode == 0
    return json.loads(out)


@pytest.mark.parametrize("mode", ["shadow", "paper", "live"])
def test_a_configuration_runs_without_an_account(start, tmp_path, mode):
    (tmp_path / "try.toml").write_text(CONFIG.replace("MODE", mode).replace("DEMO", str(mode != "live").lower()))
    (tmp_path / "buyer.py").write_text(STRATEGY)
    assert runs(start("run", "try.toml", "--simulate", "--state-dir", "state", "--json"))["state_dir"].endswith("state")


def test_public_data_need_no_keys(start, tmp_path):
    (tmp_path / "public.toml").write_text(PUBLIC)
    (tmp_path / "buyer.py").write_text(STRATEGY)
    runs(start("run", "public.toml", "--simulate", "--json"))


def test_the_simulator_by_itself_serves_any_client_of_okx(start):
    process = start("simulate", "okx", "--option", "tick=1ms", "--json")
    lines = []
    for line in process.stdout:
        lines.append(line)
        if line == "}\n":
            break
    told = json.loads("".join(lines))
    assert list(told["environ"]) == list(VARIABLES.values())

    async def ask():
        url = told["options"]["url"] + "/api/v5/market/ticker?instId=BTC-USDT-SWAP"
        async with aiohttp.ClientSession() as session, session.get(url) as answer:
            return await answer.json()

    assert asyncio.run(ask())["data"][0]["instType"] == "SWAP"
    process.send_signal(signal.SIGINT)
    process.communicate()
    assert process.returncode == 0

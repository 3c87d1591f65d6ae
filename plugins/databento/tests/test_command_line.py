"""`ml4t-live` as it is typed, in a process of its own: without an account, and with what a person gets wrong or cannot help."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
import threading

import databento
import pytest
from databento_dbn import OHLCVMsg
from databento_kit import until

from ml4t_live_databento.rig import WRONG, still

RUN = "import sys; from ml4t.live.cli.app import app; sys.argv[0] = 'ml4t-live'; app()"
CONFIG = """
[live]
name = "try"
strategy = "watcher:Watcher"

[feeds.main]
use = "databento"
dataset = "XNAS.ITCH"
symbols = ["AAPL", "MSFT"]
schema = "trades"
api_key = { env = "DATABENTO_API_KEY" }
timeout_seconds = 2.0
silence_seconds = 2.0
"""
STRATEGY = """
class Watcher:
    def on_data(self, timestamp, data, context, broker):
        print("HEARD", sorted(data), flush=True)
"""
NOWHERE = "127.0.0.1:9"


@pytest.fixture
def start(tmp_path):
    """Starts `ml4t-live` with some arguments; it is killed at the latest after three minutes."""
    (tmp_path / "try.toml").write_text(CONFIG)
    (tmp_path / "watcher.py").write_text(STRATEGY)
    begun = []

    def command(*words, key=""):
        environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(tmp_path), os.environ.get("PYTHONPATH", "")])}
        environment.pop("DATABENTO_API_KEY", None)
        if key:
            environment["DATABENTO_API_KEY"] = key
        process = subprocess.Popen(
            [sys.executable, "-c", RUN, *words],
            cwd=tmp_path,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        timer = threading.Timer(180, process.kill)
        timer.start()
        begun.append((process, timer))
        return process

    yield command
    for process, timer in begun:
        timer.cancel()
        process.kill()
        process.communicate()


@pytest.fixture
def run(start):
    """Starts a run against a gateway."""

    def command(gateway, key, *assignments):
        told = [f"feeds.main.gateway={gateway}", *assignments]
        options = [word for each in told for word in ("--set", each)]
        return start("run", "try.toml", "--state-dir", "state", *options, key=key)

    return command


def at(source):
    host, port = source.address
    return f"{host}:{port}"


def ended(process):
    """Return the exit code and the last line on stderr."""
    _, stderr = process.communicate(timeout=180)
    assert "Traceback" not in stderr
    assert WRONG not in stderr
    return process.returncode, stderr.strip().splitlines()[-1]


@pytest.mark.parametrize("schema", ["trades", "ohlcv-1s", "mbp-1"])
def test_a_configuration_runs_without_an_account(start, schema):
    process = start("run", "try.toml", "--simulate", "--state-dir", "state", "--set", f"feeds.main.schema={schema}", "--json")
    assert any("HEARD" in line for line in process.stderr), "nothing was heard"
    process.send_signal(signal.SIGINT)
    out, _ = process.communicate(timeout=180)
    assert process.returncode == 0
    assert json.loads(out)["state_dir"].endswith("state")


RANGE = ["feeds.main.start=2026-01-05", "feeds.main.end=2026-01-05T00:10:00Z", "feeds.main.path=range.dbn.zst"]


def test_a_range_of_history_runs_without_an_account_and_is_kept(start, tmp_path):
    told = [word for each in (*RANGE, "feeds.main.schema=ohlcv-1m") for word in ("--set", each)]
    process = start("run", "try.toml", "--simulate", *told)
    out, err = process.communicate(timeout=180)
    assert process.returncode == 0, err
    assert (out + err).count("HEARD ['AAPL', 'MSFT']") == 10
    assert (tmp_path / "127.0.0.1-range.dbn.zst").is_file()


DOWNLOADS = {
    401: (
        "Authentication failed.",
        "(401: Authentication failed.); check api_key: Databento's web page shows it under API keys",
    ),
    422: (
        "The query starts too early.",
        "The query starts too early.); check start, end, symbols, stype_in, dataset and schema",
    ),
}


@pytest.mark.parametrize("status", DOWNLOADS)
def test_a_download_that_is_refused_ends_the_run_with_its_remedy(run, status):
    words, sentence = DOWNLOADS[status]
    with still() as source:
        source.refuse_download(status, words)
        code, last = ended(run(NOWHERE, WRONG, *RANGE, f"feeds.main.history_url={source.history_url}"))
    assert code == 2
    assert last.endswith(sentence)


def test_a_range_whose_file_is_something_else_is_refused_before_anything_is_reached(run, tmp_path):
    (tmp_path / "range.dbn.zst").write_bytes(b"something")
    code, last = ended(run(NOWHERE, WRONG, *RANGE))
    assert code == 2
    assert "range.dbn.zst is not a DBN file" in last


def test_the_simulator_by_itself_serves_any_client_of_databento(start):
    process = start("simulate", "databento", "--option", "tick=10ms", "--json")
    lines = []
    for line in process.stdout:
        lines.append(line)
        if line == "}\n":
            break
    told = json.loads("".join(lines))
    host, port = told["options"]["gateway"].split(":")
    client = databento.Live(key=told["environ"]["DATABENTO_API_KEY"], gateway=host, port=int(port))
    records = []
    client.add_callback(records.append)
    client.subscribe("GLBX.MDP3", "ohlcv-1s", ["ESH6"])
    client.start()
    asyncio.run(until(lambda: any(isinstance(record, OHLCVMsg) for record in records), 30))
    client.terminate()
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=180)
    assert process.returncode == 0


MISTAKES = {
    "a wrong key": (
        "Authentication failed.",
        [],
        "refuses the login (Authentication failed.); check api_key: Databento's web page shows it under API keys",
    ),
    "no licence": (
        "A live data license is required to access XNAS.ITCH.",
        [],
        "(A live data license is required to access XNAS.ITCH.); check dataset, and its licence",
    ),
    "an unknown symbol": (
        "",
        ['feeds.main.symbols=["NOSUCH"]'],
        (
            "knows none of NOSUCH (Failed to resolve symbols: NOSUCH); check the spelling and the dataset, and whether the "
            "instrument has expired"
        ),
    ),
}


@pytest.mark.parametrize("name", MISTAKES)
def test_a_mistake_ends_the_run_with_its_remedy(name, run):
    refusal, assignments, sentence = MISTAKES[name]
    with still() as source:
        source.refuse_logins(refusal)
        code, last = ended(run(at(source), WRONG if name == "a wrong key" else source.key, *assignments))
    assert code == 2
    assert last.endswith(sentence)


TYPED = {
    "no dataset": (['feeds.main.dataset=""'], "dataset is missing; name one, as in dataset"),
    "a schema that is none": (["feeds.main.schema=ohlcv-5m"], "feeds.main.schema"),
    "a gateway without a port": (["feeds.main.gateway=127.0.0.1"], "is not a gateway; write host and port"),
    "a file that is not there": (["feeds.main.path=no.dbn"], "no.dbn cannot be read: No such file or directory"),
}


@pytest.mark.parametrize("name", TYPED)
def test_what_is_typed_wrong_is_said_before_anything_is_reached(name, run):
    assignments, sentence = TYPED[name]
    process = run(NOWHERE, WRONG, *assignments)
    _, stderr = process.communicate(timeout=180)
    assert process.returncode == 2
    assert sentence in stderr.replace("\n", " ")
    assert "Traceback" not in stderr


WAITING = {
    "nobody is there": (None, "cannot be reached: Connect call failed"),
    "maintenance": ("The gateway is under maintenance.", "takes no login now (The gateway is under maintenance.)"),
    "too many connections": (
        "User has reached their open connection limit.",
        "takes no login now (User has reached",
    ),
    "a clock that is 40 s off": ("", "clock is 4"),
}


@pytest.mark.parametrize("name", WAITING)
def test_what_passes_by_itself_is_told_at_every_try_until_somebody_stops_it(name, run):
    refusal, sentence = WAITING[name]
    with still() as source:
        source.refuse_logins(refusal or "")
        source.skew_clock(-40 if name.startswith("a clock") else 0)
        gateway = NOWHERE if refusal is None else at(source)
        process = run(gateway, source.key, "engine.reconnect_first_seconds=0.1", "engine.reconnect_max_seconds=0.2")
        told = 0
        for line in process.stderr:
            assert source.key not in line
            told += sentence in line
            if told == 3:
                process.send_signal(signal.SIGINT)
                break
        process.communicate(timeout=180)
    assert told == 3
    assert process.returncode in {0, 130}  # 130: nothing had begun that could be stopped in order


def test_a_symbol_that_is_not_known_silences_no_other_and_is_named(run):
    with still() as source:
        process = run(at(source), source.key, 'feeds.main.symbols=["AAPL", "NOSUCH"]')
        named = next(line for line in process.stderr if "Databento does not know these symbols" in line)
        asyncio.run(until(lambda: "AAPL" in source.subscriptions, 60))
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=180)
    assert "NOSUCH" in named
    assert process.returncode == 0

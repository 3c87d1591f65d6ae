"""`simulate`, and `run --simulate`: a toy vendor's plugin, its simulator, and what must not get past it."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import threading
from pathlib import Path

import pytest

from ml4t.live.journal import JournalReader

TESTING = Path(__file__).parents[1] / "testing"

STRATEGY = """
class Once:
    def on_data(self, timestamp, data, context, broker):
        if "AAA" in data and not broker.positions and not broker.pending_orders:
            broker.submit_order("AAA", 3, reason="to try it")
"""

CONFIG = """
[live]
name = "tried"
mode = "{mode}"
strategy = "toy_strategy:Once"

[feeds.main]
use = "toy"
symbols = ["AAA", "BBB"]
key = {{ env = "MY_TOY_KEY" }}

[broker]
use = "toy"
key = {{ env = "MY_TOY_KEY" }}

[risk]
max_order_value = 5_000
max_data_staleness_seconds = "off"
"""


@pytest.fixture(scope="module")
def toys(world):
    """The small world with the toy vendor's plugin installed, and a strategy."""
    world.install("ml4t-live-toy", "toy = toy_plugin")
    world.install("ml4t-live-bare", "bare = toy_bare")
    world.write("toy_strategy.py", STRATEGY)
    for mode in ("shadow", "paper", "live"):
        world.write(f"{mode}.toml", CONFIG.format(mode=mode))
    return world


@pytest.fixture(autouse=True)
def path(monkeypatch):
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(filter(None, (str(TESTING), os.environ.get("PYTHONPATH")))))
    for name in ("MY_TOY_KEY", "TOY_KEY"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def started(toys):
    """Starts the command line in a process of its own, which is ended with the test if it has not ended by itself."""
    processes = []

    def start(*arguments):
        command, environment = toys.command(*arguments)
        pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
        processes.append(subprocess.Popen(command, env=environment, cwd=toys.folder, **pipes))
        return processes[-1]

    yield start
    for process in processes:
        process.kill()
        process.communicate()


def read_json(stream):
    """Return the JSON document that a process that goes on has printed."""
    text = ""
    while True:
        line = stream.readline()
        assert line, f"the process has ended after {text!r}"
        text += line
        if line == "}\n":
            return json.loads(text)


def test_a_simulator_runs_until_it_is_stopped(started):
    process = started("simulate", "toy", "--json")
    told = read_json(process.stdout)
    assert told["name"] == "toy"
    assert told["options"] == {
        "host": "127.0.0.1",
        "port": int(told["address"].rpartition(":")[2]),
        "data_port": told["options"]["data_port"],
        "key": {"env": "TOY_KEY"},
    }
    assert told["environ"].keys() == {"TOY_KEY"}
    shared = {"host": "127.0.0.1", "key": {"env": "TOY_KEY"}}
    assert told["tables"] == {
        "feeds": {"toy": shared | {"use": "toy", "data_port": told["options"]["data_port"]}},
        "broker": shared | {"use": "toy", "port": told["options"]["port"]},
    }
    where = (told["options"]["host"], told["options"]["port"])
    with socket.create_connection(where, timeout=60) as client:
        client.sendall(b'{"id": 1, "do": "ping"}\n')
        assert json.loads(client.makefile().readline()) == {"id": 1}
    process.send_signal(signal.SIGTERM)
    assert process.wait(60) == 0
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(where, timeout=60)


def test_it_prints_what_a_configuration_needs_and_takes_options(started):
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    process = started("simulate", "toy", "--option", f"port={port}")
    lines = [process.stdout.readline().strip() for _ in range(19)]
    process.send_signal(signal.SIGINT)
    assert process.wait(60) == 0
    assert f"toy is simulated at 127.0.0.1:{port}. Ctrl-C stops it." in lines
    assert any(line.startswith("export TOY_KEY=toy-key-") for line in lines)
    assert lines.index("[feeds.toy]") < lines.index("[broker]") < lines.index(f"port = {port}")
    assert lines.count('host = "127.0.0.1"') == 2
    assert "toy stopped" in process.stderr.read()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("toy", "--option", "prot=1"), "prot: unknown key; did you mean port?"),
        (("toy", "--option", "port=x"), "port: must be a whole number"),
        (("toy", "--option", "port"), "--option port: there is no = in it"),
        (("replay",), "replay offers no simulator; it offers feed replay"),
        (("nobody",), "no installed plugin is called 'nobody'"),
    ],
)
def test_what_cannot_be_started_is_said(toys, arguments, message):
    done = toys.spawn("simulate", *arguments)
    assert done.code == 2
    assert message in done.stderr
    assert "Traceback" not in done.stderr


def test_a_port_that_is_taken_is_said(toys):
    with socket.create_server(("127.0.0.1", 0)) as server:
        done = toys.spawn("simulate", "toy", "--option", f"port={server.getsockname()[1]}")
    assert done.code == 2
    assert "is taken; write another" in done.stderr


def test_the_simulator_of_a_plugin_is_shown(toys):
    done = toys.spawn("plugins", "show", "toy")
    assert "simulator  ml4t-live simulate toy" in done.stdout
    assert "The kind of account." in done.stdout


def state_of(done):
    return Path(next(line for line in done.stdout.splitlines() if "State directory" in line).split()[2])


@pytest.mark.parametrize("mode", ["shadow", "paper", "live"])
def test_a_configuration_of_any_mode_runs_without_an_account(toys, mode):
    done = toys.spawn("run", f"{mode}.toml", "--simulate")
    assert done.code == 0, done.stderr
    assert "no account is used" in done.stderr
    assert "toy at 127.0.0.1:" in done.stderr
    assert f"{mode}-simulated mode" in done.stdout
    state = state_of(done)
    assert state.parent == toys.folder / "state" / "tried-simulated"
    with JournalReader(state / f"{mode}-simulated" / "journal.sqlite3") as journal:
        [fill] = journal.fills()
        [order] = journal.orders()
    assert (fill.symbol, fill.quantity) == ("AAA", 3)
    assert fill.venue == ("shadow" if mode == "shadow" else "toy")
    assert order.order_id == fill.order_id
    again = toys.spawn("status", "--state-dir", state, "--json")
    assert (again.code, again.json["mode"]) == (0, f"{mode}-simulated")


def test_the_state_of_a_simulated_run_is_never_that_of_a_real_one(toys, tmp_path):
    done = toys.spawn("run", "paper.toml", "--simulate", "--state-dir", tmp_path)
    assert done.code == 0, done.stderr
    assert [each.name for each in tmp_path.iterdir()] == ["paper-simulated"]
    real = toys.spawn("run", "paper.toml", "--state-dir", tmp_path)
    assert real.code == 2
    assert "MY_TOY_KEY is not set" in real.stderr


def test_what_has_no_simulator_is_not_run(toys):
    far = toys.spawn("run", "live.toml", "--simulate", "--set", "feeds.main.use=bare.far")
    assert far.code == 2
    assert "feeds.main.use = bare.far: the plugin bare offers no simulator, and would reach its vendor" in far.stderr
    deaf = toys.write("deaf.toml", CONFIG.format(mode="live").replace('use = "toy"', 'use = "toy.deaf"', 1))
    deaf = toys.spawn("run", deaf, "--simulate")
    assert deaf.code == 2
    assert "takes none of the options of its plugin's simulator" in deaf.stderr


def test_a_live_configuration_is_held_to_its_lock_before_a_simulator_is_started(toys, tmp_path):
    lock = tmp_path / "toy.lock"
    assert toys.spawn("plugins", "lock", "--output", lock).code == 0
    named = ("--set", f'plugins.lock="{lock}"')
    assert toys.spawn("run", "live.toml", "--simulate", *named).code == 0
    lock.write_text(lock.read_text().replace('"toy_plugin.py" = "', '"toy_plugin.py" = "0'))
    done = toys.spawn("run", "live.toml", "--simulate", *named)
    assert done.code == 2
    assert "not those that were locked: changed toy_plugin.py" in done.stderr
    assert "no account is used" not in done.stderr


def test_a_plugin_that_is_not_allowed_is_not_simulated(toys):
    done = toys.spawn("run", "live.toml", "--simulate", "--set", 'plugins.allow=["bare"]')
    assert done.code == 2
    assert "the plugin toy is not in plugins.allow" in done.stderr


def test_what_needs_no_vendor_runs_as_it_is(toys):
    text = CONFIG.format(mode="shadow").split("[broker]")[0].replace('"toy"', '"bare.near"').replace("BBB", "CCC")
    config = toys.write("near.toml", text.replace('key = { env = "MY_TOY_KEY" }', 'path = "near.csv"'))
    toys.write("near.csv", "timestamp,symbol,price,size\n" + "".join(f"2024-01-0{n},AAA,10{n},1\n" for n in range(1, 8)))
    done = toys.spawn("run", config, "--simulate", "--set", 'feeds.main.symbols=["AAA"]')
    assert done.code == 0, done.stderr
    assert "simulators=none" in done.stderr


def test_an_adapter_that_ignores_its_options_reaches_nothing(toys):
    """A real gateway may listen on this machine: loopback is no proof of a simulation."""
    came = []
    with socket.create_server(("127.0.0.1", 0)) as server:

        def accept():
            while True:
                try:
                    client, _ = server.accept()
                except OSError:
                    return
                came.append(client)
                client.close()

        listening = threading.Thread(target=accept)
        listening.start()
        port = server.getsockname()[1]
        few = ("--set", "engine.reconnect_attempts=2", "--set", "engine.reconnect_first_seconds=0.01")
        done = toys.spawn("run", "live.toml", "--simulate", "--set", f"broker.straight_to={port}", *few)
        server.shutdown(socket.SHUT_RDWR)
        listening.join()
    assert done.code == 1
    assert f"127.0.0.1:{port} is not reached" in done.stderr
    assert came == []

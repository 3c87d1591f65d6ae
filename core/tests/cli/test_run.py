from __future__ import annotations

import json
import signal
import stat
import subprocess

import pytest

from ml4t.live.cli.run import print_summary
from ml4t.live.journal import StateDir
from ml4t.live.testing.discovery import without_installed


def test_a_run_ends_with_a_summary_and_says_how_to_ask_why(world, finished):
    assert finished.code == 0, finished.stderr
    for text in (
        "zigzag · shadow mode · cli_zigzag:Zigzag",
        " to 2024-03-01 · recorded data · 1 run",
        "\n2024-01-0",  # not 1970, where a replay's clock stands before its first event
        "Ended: the data ended",
        "What was traded: 5 orders",
        "five days up",
        "three weeks down [short]",  # brackets in a reason are no markup
        "max_order_value",
        "Triggers",
        "tens",
        "skill",
        f"State directory: {world.state}",
        "ml4t-live why m",
    ):
        assert text in finished.stdout


def test_what_is_logged_goes_to_stderr_and_to_a_private_file(world, finished):
    log = StateDir(world.state, "shadow").log
    lines = [json.loads(line) for line in log.read_text().splitlines()]
    assert lines[0]["event"] == "running"
    assert lines[-1]["event"] == "stopped"
    assert all(line["timestamp"].endswith("Z") and line["level"] for line in lines)
    assert stat.S_IMODE(log.stat().st_mode) == 0o600
    assert "limits that are switched off" in finished.stderr
    assert "limits that are switched off" not in finished.stdout


def test_json_is_all_that_is_on_stdout_even_when_a_strategy_prints(world, tmp_path):
    done = world.spawn("run", world.config, "--state-dir", tmp_path, "--json")
    assert done.code == 0, done.stderr
    answer = done.json
    assert answer["run"]["name"] == "zigzag"
    assert answer["run"]["ended"] == "the data ended"
    assert answer["orders"] == {"filled": 3, "rejected": 1, "working": 1}
    assert answer["fills"]["fills"] == 3
    assert answer["state_dir"] == str(tmp_path)
    assert "bought" in done.stderr


@pytest.mark.parametrize("as_json", [True, False])
def test_a_run_that_was_stopped_before_it_began_has_nothing_to_tell(tmp_path, capsys, as_json):
    print_summary(StateDir(tmp_path, "paper"), as_json=as_json)
    said = capsys.readouterr()
    assert str(tmp_path) in said.out
    assert ("Stopped before it began" in said.out) is not as_json
    assert said.err == ""


def test_the_same_command_again_goes_on_and_does_nothing_twice(world, tmp_path):
    first = world.invoke("run", world.config, "--state-dir", tmp_path, "--json").json
    second = world.invoke("run", world.config, "--state-dir", tmp_path, "--json").json
    assert second["run"]["runs"] == 2
    assert second["orders"] == first["orders"]
    assert second["fills"] == first["fills"]


def test_overlays_and_assignments_reach_the_run(world, tmp_path):
    overlay = tmp_path / "big.toml"
    overlay.write_text("[risk]\nmax_order_value = 200_000\nmax_position_value = 200_000\n")
    assign = ["--set", "live.name=other", "--set", "shadow.initial_cash=1_000_000"]
    options = ["--overlay", overlay, *assign, "--state-dir", tmp_path / "s", "--json"]
    answer = world.invoke("run", world.config, *options).json
    assert answer["run"]["name"] == "other"
    assert [line["check"] for line in answer["refusals"]] == []


def test_a_run_that_a_strategy_ends_fails_with_a_sentence_and_keeps_its_journal(world, tmp_path):
    options = ["--set", "live.strategy_options.raises_on=20", "--set", "engine.on_error=halt", "--state-dir", tmp_path]
    done = world.invoke("run", world.config, *options)
    assert done.code == 3, "starting it again would not help"
    assert "strategy Zigzag has ended the run: RuntimeError: the model file is gone. The traceback is in " in done.stderr
    assert "Traceback" not in done.stderr
    log = StateDir(tmp_path, "shadow").log.read_text()
    assert "Traceback (most recent call last)" in log
    assert "cli_zigzag.py" in log
    assert "Ended: RuntimeError: the model file is gone" in done.stdout
    assert "RuntimeError: the model file is gone" in done.stdout.split("Errors")[1]


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (["--set", "risk.max_order_value=-5"], "risk.max_order_value = -5 (--set)"),
        (["--set", "feeds.main.use=backtest"], "pip install ml4t-live-backtest"),
        (["--set", "feeds.main.use=bad"], "nothing_here"),
        (["--set", "feeds.main.path=gone.csv"], "gone.csv"),
        (["--set", "live.strategy=cli_zigzag:Zagzig"], "cli_zigzag has no Zagzig"),
        (["--overlay", "nowhere.toml"], "no such overlay file"),
        (["--log-level", "loud"], "debug, info, warning, error"),
        (["--no-such-option"], "No such option"),
    ],
)
def test_what_cannot_be_started_is_refused_and_leaves_no_state(world, tmp_path, options, says):
    with without_installed("ml4t-live-backtest"):
        done = world.invoke("run", world.config, "--state-dir", tmp_path / "state", *options)
    assert done.code == 2, done.stderr
    assert says in done.stderr
    assert "Traceback" not in done.stderr
    assert done.stdout == ""
    assert not (tmp_path / "state").exists()


def test_a_state_directory_in_use_is_refused(world, tmp_path):
    with StateDir(tmp_path, "shadow").lock():
        done = world.invoke("run", world.config, "--state-dir", tmp_path)
    assert done.code == 2
    assert "is in use by process" in done.stderr
    assert not StateDir(tmp_path, "shadow").log.exists()


def test_a_journal_of_another_program_is_refused(world, tmp_path):
    StateDir(tmp_path, "shadow").create().journal.write_text("not a database, and long enough to be none" * 10)
    done = world.invoke("run", world.config, "--state-dir", tmp_path)
    assert done.code == 2
    assert "the journal" in done.stderr


def test_a_stop_signal_ends_the_run_in_order_with_code_0(world, tmp_path):
    slow = ["--set", "feeds.main.speed=400_000", "--state-dir", tmp_path, "--json"]  # a day in a fifth of a second
    command, environment = world.command("run", world.config, *slow)
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    with subprocess.Popen(command, env=environment, cwd=world.folder, **pipes) as process:
        for line in process.stderr:
            if "bought" in line:  # the strategy has been called, so the run is in the middle
                break
        process.send_signal(signal.SIGTERM)
        stdout, stderr = process.communicate(timeout=300)
    assert process.returncode == 0, stderr
    assert json.loads(stdout)["run"]["ended"] == "stopped"


def test_a_component_without_the_method_of_its_contract_is_named_with_its_place(world, monkeypatch):
    import cli_acme_parts

    class Evry:
        def __init__(self, config):
            pass

        def on_evnt(self, event, market):
            pass

    monkeypatch.setattr(cli_acme_parts, "Every", Evry)
    done = world.invoke("run", world.config)
    assert done.code == 2
    assert "triggers.tens (line 19): the trigger every of the plugin acme (ml4t-live-acme 1.0, " in done.stderr
    assert "is a Evry, which has no method on_event(event, market) or next_time(after) or" in done.stderr
    assert "it has on_evnt, did you mean that?" in done.stderr
    assert "should not have happened" not in done.stderr


def test_what_a_constructor_raises_is_told_with_its_type_and_its_place(world, monkeypatch):
    import cli_acme_parts

    class Failing:
        def __init__(self, config):
            self.lst = config.lst

    monkeypatch.setattr(cli_acme_parts, "Every", Failing)
    monkeypatch.setattr(cli_acme_parts, "Up", Failing)
    done = world.invoke("run", world.config, "--set", "live.strategy_options.raises_on=3")
    assert done.code == 2
    assert "2 problems" in done.stderr
    assert "triggers.tens (line 19): the plugin acme (ml4t-live-acme 1.0, " in done.stderr
    assert "cannot make its trigger every: AttributeError: 'EveryConfig' object has no attribute 'lst' (at " in done.stderr
    assert "test_run.py:" in done.stderr
    assert "forecasters.up (line 22): the plugin acme" in done.stderr


def test_a_feed_that_names_no_symbols_is_a_problem_and_no_crash(world, monkeypatch):
    from ml4t.live.feeds import replay

    class Nameless:
        def __init__(self, config):
            self.symbols = "AAA"

        async def run(self, sink):
            pass

    monkeypatch.setattr(replay, "ReplayFeed", Nameless)
    done = world.invoke("run", world.config)
    assert done.code == 2
    assert "feeds.main (line 6): feed main has symbols = 'AAA'" in done.stderr


def test_what_a_strategys_constructor_raises_is_told_with_its_place(world):
    strategy = world.write(
        "cli_sour.py", "class Sour:\n    def __init__(self):\n        1 / 0\n    def on_data(self, *a): pass\n"
    )
    done = world.invoke("run", world.config, "--set", "live.strategy=cli_sour:Sour")
    assert done.code == 2
    assert f"cli_sour:Sour cannot be made: ZeroDivisionError: division by zero (at {strategy}:3 in __init__)" in done.stderr
    assert "live.strategy (--set)" in done.stderr or "live.strategy (line 4)" in done.stderr

"""`parity --session` as it is typed."""

from __future__ import annotations

import pytest

RECORD = ("--set", "engine.record=true")


@pytest.fixture
def recorded(world, tmp_path):
    """The run of the small world, recorded, in a state directory of its own."""

    def run(*arguments):
        done = world.invoke("run", world.config, "--state-dir", tmp_path / "state", *RECORD, *arguments)
        assert done.code == 0, done.stderr
        return tmp_path / "state"

    return run


def test_a_session_that_is_the_same(world, recorded):
    done = world.invoke("parity", "--session", recorded())
    assert done.code == 0, done.stderr
    assert done.stdout == "run 1: 60 calls, 5 questions, 5 orders: the same\nPASS: every decision is the same\n"


def test_as_json(world, recorded):
    done = world.invoke("parity", "--session", recorded(), "--json")
    assert done.code == 0
    assert done.json["same"] is True
    (run,) = done.json["runs"]
    assert run["replay"]["calls"] == 60
    assert run["replay"]["divergence"] is None


def test_the_first_difference_is_printed_with_both_sides_and_the_data(world, recorded):
    state = recorded()
    text = (world.folder / "cli_zigzag.py").read_text()
    try:
        (world.folder / "cli_zigzag.py").write_text(text.replace('BBB", 5', 'BBB", 6'))
        done = world.invoke("parity", "--session", state)
        told = world.invoke("parity", "--session", state, "--json")
    finally:
        (world.folder / "cli_zigzag.py").write_text(text)
    assert done.code == told.code == 1
    for line in (
        "run 1: 29 calls, 3 questions, 3 orders: the same, and then not",
        "(the file of the strategy is not the one of then)",
        "first difference: decision, in call 30, on_data on the data of 2024-01-30T00:00:00+00:00",
        "session: submit_order('BBB', 5, 'sell', reason='three weeks down [short]')",
        "replay:  submit_order('BBB', 6, 'sell', reason='three weeks down [short]')",
        "BBB: {'price': 90.0, 'open': 89.0,",
        "FAIL: the replay is not the session",
    ):
        assert line in done.stdout
    assert told.json["same"] is False
    assert told.json["runs"][0]["replay"]["divergence"]["call"] == 30


def test_the_arguments_of_the_strategy_are_those_of_then(world, recorded):
    state = recorded("--set", "live.strategy_options={raises_on = 7}")
    assert world.invoke("parity", "--session", state).code == 0
    other = world.invoke("parity", "--session", state, "cli_zigzag:Zigzag", "--option", "raises_on=8")
    assert other.code == 1
    assert "session: it raised RuntimeError\n    replay:  it returned" in other.stdout
    same = world.invoke("parity", "--session", state, "cli_zigzag:Zigzag", "--option", "raises_on=7")
    assert same.code == 0, same.stdout


def test_secrets_among_the_arguments_are_not_on_the_tape(world, recorded, monkeypatch):
    monkeypatch.setenv("ZIGZAG_KEY", "s3cr3t-key")
    state = recorded("--set", 'live.strategy_options={raises_on = {env = "ZIGZAG_KEY"}}')
    (tape,) = state.rglob("*.tape")
    assert b"s3cr3t-key" not in tape.read_bytes()
    assert world.invoke("parity", "--session", state).code == 0
    monkeypatch.delenv("ZIGZAG_KEY")
    done = world.invoke("parity", "--session", state)
    assert done.code == 2
    assert "the environment variable ZIGZAG_KEY is not set" in done.stderr


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        (["cli_zigzag:Zagzig"], "the strategy cli_zigzag:Zagzig cannot be made: cli_zigzag has no Zagzig"),
        (["cli_zigzag:Zigzag", "--option", "height=3"], "unexpected keyword argument 'height'"),
        (["--option", "raises_on=3"], "--option goes with a STRATEGY"),
        (["cli_zigzag:Zigzag", "--option", "raises_on"], "--option raises_on"),
        (["--mode", "paper"], "no run in mode paper"),
    ],
)
def test_what_cannot_be_replayed_like_this_is_refused(world, recorded, arguments, why):
    done = world.invoke("parity", "--session", recorded(), *arguments)
    assert done.code == 2
    assert why in done.stderr


def test_a_session_that_was_not_recorded_is_refused(world, finished):
    done = world.invoke("parity", "--session", world.config)
    assert done.code == 2
    assert "run 1 (record 1) has no tape; [engine] record = true keeps one" in done.stderr
    assert world.invoke("parity", "--session", world.folder / "nowhere").code == 2


def test_a_tape_with_a_hole_is_refused_unless_a_part_will_do(world, recorded):
    state = recorded()
    (tape,) = state.rglob("*.tape")
    tape.write_bytes(tape.read_bytes()[:-9])
    done = world.invoke("parity", "--session", state)
    assert done.code == 2
    assert "ended in order, and the end of its tape is missing" in done.stderr
    part = world.invoke("parity", "--session", state, "--partial")
    assert part.code == 0, part.stderr
    assert "the end of its tape is missing" in part.stdout


def test_as_it_is_typed(world, recorded):
    done = world.spawn("parity", "--session", recorded())
    assert (done.code, done.stderr) == (0, "bought\n")
    assert done.stdout.endswith("PASS: every decision is the same\n")

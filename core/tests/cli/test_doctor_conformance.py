"""`doctor PLUGIN`, and `doctor PLUGIN --conformance`."""

from __future__ import annotations

import pytest

from ml4t.live.plugins import refresh


def parts(outcome):
    return {part["subject"]: part for part in outcome.json["parts"]}


def outcomes(part):
    return {each["name"]: each["outcome"] for each in part["scenarios"]}


def test_one_plugin_is_looked_at_alone(world):
    done = world.invoke("doctor", "acme", "--json")
    assert {check["name"] for check in done.json["checks"]} == {"plugin acme", "acme: pulse", "acme: licence"}
    assert done.code == 0
    assert world.invoke("doctor", "bad", "--json").code == 1


def test_what_is_not_as_it_should_be_is_named_and_gives_code_1(world):
    done = world.invoke("doctor", "acme", "--conformance", "--json")
    assert done.code == 1
    assert done.json["ok"] is False
    packaging = outcomes(parts(done)["plugin acme"])
    assert packaging["it_is_found_and_can_be_loaded"] == "passed"
    assert packaging["it_says_what_it_is"] == "failed"
    assert packaging["every_component_says_what_it_is"] == "failed"
    assert "of plugin acme" in done.stderr
    table = world.invoke("doctor", "acme", "--conformance")
    assert "failed        it_says_what_it_is" in table.stdout


def test_a_component_that_needs_options_and_names_no_rig_is_not_tried_and_it_says_why(world):
    told = parts(world.invoke("doctor", "acme", "--conformance", "--json"))
    reasons = [part["untried"] for part in told.values() if part["untried"]]
    assert reasons
    assert all("name a maker of rigs in its record" in reason for reason in reasons)


def test_the_compounds_of_the_core_say_what_they_need(world):
    done = world.invoke("doctor", "compound", "--conformance", "--json")
    assert done.code == 0
    assert set(parts(done)) == {
        "plugin compound",
        "trigger compound.any-of",
        "trigger compound.all-of",
        "trigger compound.then",
    }


def test_a_scenario_can_be_tried_alone_and_what_it_is_not_about_is_left_out(world):
    done = world.invoke("doctor", "compound", "--conformance", "--only", "within_a_cooldown_it_fires_once", "--json")
    tried = parts(done)
    assert set(tried) == {"trigger compound.any-of", "trigger compound.all-of", "trigger compound.then"}
    assert all(list(outcomes(part)) == ["within_a_cooldown_it_fires_once"] for part in tried.values() if part["scenarios"])


TALKATIVE = '''
import structlog
from attrs import frozen
from ml4t.live.hookspecs import hookimpl
from ml4t.live.records import ObserverRecord

@frozen
class Nothing:
    """No options."""

@hookimpl
def ml4t_live_observers():
    return [ObserverRecord(name="talkative", config=Nothing, factory="talkative:Talkative", summary="Logs whatever happens.")]

class Talkative:
    def __init__(self, config):
        pass

    async def on_event(self, event):
        structlog.get_logger("talkative").error("something happened", what=event.kind)
'''


def test_what_is_logged_while_it_is_tried_is_no_news(tmp_path, monkeypatch, world):
    (tmp_path / "talkative.py").write_text(TALKATIVE)
    info = tmp_path / "talkative-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: talkative\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[ml4t.live]\ntalkative = talkative\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    refresh()

    done = world.invoke("doctor", "talkative", "--conformance", "--json")

    assert set(outcomes(parts(done)["observer talkative"]).values()) == {"passed", "not declared"}
    assert "something happened" not in done.stdout + done.stderr
    monkeypatch.undo()
    refresh()


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (("--conformance",), 2, "--conformance is for one plugin"),
        (("--only", "it_is_typed"), 2, "--only is for a scenario of the kit"),
        (("trigger-time", "--conformance", "--only", "it_is_tpyed"), 2, "did you mean 'it_is_typed'?"),
        (("nope", "--conformance"), 2, "no installed plugin is called 'nope'"),
        (("bad", "--conformance"), 1, "nothing_here"),
    ],
)
def test_what_cannot_be_tried_is_said_in_a_sentence(world, arguments, code, words):
    done = world.invoke("doctor", *arguments)
    assert done.code == code
    assert words in done.stderr


@pytest.mark.parametrize("name", ["it_says_what_it_i", "it_says_what", "it_is_found_and"])
def test_a_scenario_that_is_nearly_named_is_suggested(world, name):
    done = world.invoke("doctor", "acme", "--conformance", "--only", name)
    assert done.code == 2
    assert f"there is no scenario '{name}'; did you mean 'it_" in done.stderr
    assert len(done.stderr) < 200

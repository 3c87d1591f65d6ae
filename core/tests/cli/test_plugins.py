from __future__ import annotations

import sys

from ml4t.live.testing.discovery import without_installed


def by_name(outcome):
    return {line["name"]: line for line in outcome.json}


def test_the_list_is_made_without_importing_anything(world):
    sys.modules.pop("cli_acme_plugin", None)
    lines = by_name(world.invoke("plugins", "list", "--json"))
    assert "cli_acme_plugin" not in sys.modules
    assert lines["acme"] == {
        "name": "acme",
        "distribution": "ml4t-live-acme",
        "version": "1.0",
        "origin": "",
        "state": "ok",
        "problem": "",
    }
    assert lines["bad"]["state"] == "ok"  # nobody knows before it is imported
    assert lines["twin"]["state"] == "conflict"
    assert lines["twin"]["distribution"] == "twin-one, twin-two"
    assert lines["new"]["state"].startswith("needs ml4t-live>=9, have 1.")
    assert {"replay", "shadow", "risk"} <= lines.keys()


def test_with_load_each_says_what_it_offers_and_a_broken_one_why_not(world):
    done = world.invoke("plugins", "list", "--load", "--json")
    lines = by_name(done)
    assert done.code == 0
    offers = {(each["kind"], each["name"]) for each in lines["acme"]["components"]}
    assert offers == {("trigger", "every"), ("forecaster", "up"), ("command", "greet"), ("command", "wave")}
    assert lines["bad"]["state"] == "broken"
    assert "nothing_here" in lines["bad"]["problem"]
    assert lines["new"]["state"].startswith("needs")
    assert lines["twin"]["state"] == "conflict"
    assert ("feed", "replay") in {(each["kind"], each["name"]) for each in lines["replay"]["components"]}


def test_the_table_has_it_too(world):
    text = world.invoke("plugins", "list", "--load").stdout
    assert "trigger every, forecaster up" in text
    assert "twin-one, twin-two" in text
    assert "nothing_here" in text


def test_what_a_configuration_does_not_allow_is_marked_and_not_imported(world, tmp_path):
    config = tmp_path / "live.toml"
    config.write_text("[plugins]\nallow = ['bad']\n")
    lines = by_name(world.invoke("plugins", "list", "--load", "--config", config, "--json"))
    assert lines["acme"]["state"] == "not allowed"
    assert lines["acme"]["components"] == []
    assert lines["replay"]["state"] == "ok"


def test_show_tells_the_settings_of_each_component(world):
    answer = world.invoke("plugins", "show", "acme", "--json").json
    every, up = answer["components"]
    assert (every["kind"], every["use"], every["config"]) == ("trigger", "acme.every", "How often.")
    assert every["settings"] == [
        {
            "name": "events",
            "type": "integer",
            "required": False,
            "default": 10,
            "doc": "Fire at every so many events of a symbol.",
        },
        {"name": "pause", "type": "duration", "required": False, "default": None, "doc": "Nothing."},
    ]
    assert up["settings"][0]["required"] is True
    assert up["capabilities"] == ["price"]
    assert answer["doctor"] == [{"name": "pulse", "summary": ""}, {"name": "licence", "summary": ""}]
    assert answer["import_seconds"] >= 0


def test_show_is_readable(world):
    text = world.invoke("plugins", "show", "acme").stdout
    for said in ('use = "acme.up"', "Needs: Faith.", "Can: price", "required", "Fire at every so many events", "greet"):
        assert said in text


def test_show_of_a_broken_plugin_fails_with_its_traceback(world):
    done = world.invoke("plugins", "show", "bad")
    assert done.code == 1
    assert "Traceback (most recent call last)" in done.stderr
    assert "cli_acme_bad.py" in done.stderr
    assert "nothing_here" in done.stderr.splitlines()[-1]
    broken = world.invoke("plugins", "show", "bad", "--json").json
    assert broken["state"] == "broken"
    assert "Traceback" in broken["traceback"]


def test_show_of_a_plugin_that_is_not_there_is_refused_with_the_command_that_installs_it(world):
    with without_installed("ml4t-live-backtest"):
        done = world.invoke("plugins", "show", "backtest")
    assert done.code == 2
    assert "pip install ml4t-live-backtest" in done.stderr
    assert world.invoke("plugins", "show", "acmee").stderr.count("did you mean acme?") == 1


def test_show_tells_where_it_comes_from(world):
    done = world.invoke("plugins", "show", "acme", "--json")
    [told] = done.json["provenance"]
    assert told["distribution"] == "ml4t-live-acme"
    assert told["place"] == str(world.site)
    assert told["contract"] == "1"
    assert told["asks_for"] == "ml4t-live<2,>=1.0.0.dev0"
    text = world.invoke("plugins", "show", "acme").stdout
    assert f"installed in         {world.site}" in text
    assert "asks for             ml4t-live<2,>=1.0.0.dev0" in text
    assert "home page" not in text  # nobody has said


def test_show_tells_where_a_broken_one_comes_from_and_every_claimant_of_a_name(world):
    [told] = world.invoke("plugins", "show", "bad", "--json").json["provenance"]
    assert told["entry_point"] == "bad = cli_acme_bad"
    assert "entry point          bad = cli_acme_bad" in world.invoke("plugins", "show", "bad").stdout
    twins = world.invoke("plugins", "show", "twin", "--json").json["provenance"]
    assert [each["distribution"] for each in twins] == ["twin-one", "twin-two"]


def test_with_load_a_component_that_cannot_be_imported_is_told(world, monkeypatch):
    import cli_acme_parts

    monkeypatch.delattr(cli_acme_parts, "Every")
    line = by_name(world.invoke("plugins", "list", "--load", "--json"))["acme"]
    assert line["state"] == "broken"
    assert "has no attribute 'Every'" in line["problem"]
    assert len(line["components"]) == 4
    assert "cannot be imported" in " ".join(world.invoke("plugins", "list", "--load").stdout.split())

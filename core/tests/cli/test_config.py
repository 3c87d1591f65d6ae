from __future__ import annotations

import json
import math
import tomllib
from datetime import date

import pytest

from ml4t.live.cli.toml import dumps


def test_a_good_configuration_is_said_to_be_good(world):
    done = world.invoke("config", "check", world.config, "--deep")
    assert done.code == 0
    assert "is good: zigzag, shadow mode" in done.stdout
    assert "triggers: tens" in done.stdout
    assert done.stderr == ""
    answer = world.invoke("config", "check", world.config, "--json").json
    assert answer["ok"] is True
    assert answer["forecasters"] == ["up"]
    assert "max_spread_pct" in answer["limits_off"]


def test_every_mistake_is_on_stderr_and_the_code_is_2(world):
    mistakes = ["--set", "risk.max_order_value=-5", "--set", "triggers.tens.evnts=3"]
    done = world.invoke("config", "check", world.config, *mistakes)
    assert done.code == 2
    assert done.stdout == ""
    assert "2 problems" in done.stderr
    assert "risk.max_order_value = -5 (--set)" in done.stderr
    assert "did you mean events?" in done.stderr
    told = world.invoke("config", "check", world.config, *mistakes, "--json").json
    assert told["ok"] is False
    assert len(told["problems"]) == 2


def test_only_a_check_that_is_not_deep_leaves_the_strategy_alone(world):
    wrong = ["--set", "live.strategy=no_such_module:Nothing"]
    assert world.invoke("config", "check", world.config, "--no-deep", *wrong).code == 0
    done = world.invoke("config", "check", world.config, *wrong)
    assert done.code == 2
    assert "there is no module no_such_module" in done.stderr


SURROUNDINGS = {
    "live.calendar=XNYZ": "there is no calendar 'XNYZ'; write \"24/7\" or one such as XN",
    "live.strategy=cli_zigzag:Zigzga": "cli_zigzag has no Zigzga; did you mean Zigzag?",
    "feeds.main.path=price.csv": "price.csv is not there",
    "triggers.tens.use=acme.broken": "acme has no trigger called 'broken'",
    "forecasters.up.by=much": "must be a number",
    "engine.on_eror=halt": "did you mean on_error?",
}


@pytest.mark.parametrize("command", [["config", "check"], ["run"]])
def test_what_a_configuration_needs_besides_itself_is_looked_for_with_all_the_rest(world, command):
    assignments = [part for each in SURROUNDINGS for part in ("--set", each)]
    done = world.invoke(*command, world.config, *assignments)
    assert done.code == 2
    assert f"{len(SURROUNDINGS)} problems" in done.stderr
    for each, said in SURROUNDINGS.items():
        [line] = [line for line in done.stderr.splitlines() if line.strip().startswith(each.partition("=")[0])]
        assert said in line


def test_each_of_them_is_found_beside_a_mistake_in_its_own_table_and_has_its_line(world, tmp_path):
    config = world.write("spoilt.toml", world.config.read_text().replace('name = "zigzag"', 'calendar = "XNYZ"\nmoed = "live"'))
    done = world.invoke("config", "check", config, "--set", "live.strategy=cli_zigzag:Zag")
    assert "3 problems" in done.stderr
    assert 'live.calendar = "XNYZ" (line 3): there is no calendar' in done.stderr


def test_a_component_that_cannot_be_imported_is_found(world, monkeypatch):
    import cli_acme_parts

    monkeypatch.delattr(cli_acme_parts, "Every")
    done = world.invoke("config", "check", world.config)
    assert done.code == 2
    assert 'triggers.tens.use = "acme.every" (line 20): cli_acme_parts:Every of the plugin acme' in done.stderr
    assert world.invoke("config", "check", world.config, "--no-deep").code == 0


def test_show_prints_what_overlays_and_assignments_made_of_it(world, tmp_path):
    overlay = tmp_path / "overlay.toml"
    overlay.write_text("[risk]\nmax_positions = 3\n")
    done = world.invoke("config", "show", world.config, "--overlay", overlay, "--set", "risk.max_order_value=9")
    shown = tomllib.loads(done.stdout)
    assert shown["risk"] == {"max_order_value": 9, "max_data_staleness_seconds": 400000, "max_positions": 3}
    assert (
        shown
        == world.invoke("config", "show", world.config, "--overlay", overlay, "--set", "risk.max_order_value=9", "--json").json
    )


def test_show_keeps_secrets_to_itself(world, tmp_path):
    path = tmp_path / "live.toml"
    path.write_text('[broker]\nuse = "acme"\napi_key = "PK-123456"\nsecret = { env = "ACME_SECRET" }\n')
    text = world.invoke("config", "show", path).stdout
    assert "PK-123456" not in text
    assert 'secret = { env = "ACME_SECRET" }' in text


def test_the_schema_knows_the_installed_plugins_and_leaves_broken_ones_out(world, tmp_path):
    done = world.invoke("config", "schema")
    assert "left out: the plugin bad" in done.stderr
    uses = [each["const"] for each in done.json["properties"]["triggers"]["additionalProperties"]["properties"]["use"]["oneOf"]]
    assert {"acme.every", "acme"} <= set(uses)
    file = tmp_path / "schema.json"
    written = world.invoke("config", "schema", "--output", file)
    assert (written.code, written.stdout) == (0, "")
    assert json.loads(file.read_text()) == done.json


DOCUMENTS = [
    {},
    {"shadow": {}, "feeds": {"main": {}}},
    {"a": {"b": 1, "c": {"d": [1, 2.5, True, "x"]}}},
    {"live": {"name": 'with "quotes" \\ and\nlines', "options": {"deep": {"deeper": [{"x": 1}, {"x": 2}]}}}},
    {"risk": {"limit": 1e22, "checks": [{"use": "cap", "sectors": {"A B": "x.y"}}, {"use": "two", "list": []}]}},
    {"feeds": {"a.b": {"when": date(2024, 1, 1), "inf": -math.inf, "empty": {}}}, "plain": 5, "key": {"env": "X"}},
    {"unicode": {"ключ": "значение \x7f \x01", "bool": False}},
    {"array": [{"a": {"b": {"c": 1}}}], "nested": [[1, 2], ["a"]]},
]


@pytest.mark.parametrize("document", DOCUMENTS)
def test_toml_that_is_written_is_read_back(document):
    assert tomllib.loads(dumps(document)) == document


def test_toml_leaves_out_what_it_cannot_say():
    assert tomllib.loads(dumps({"a": {"b": None, "c": 1}})) == {"a": {"c": 1}}

"""Files, overlays and assignments become one document that knows where everything was written."""

from __future__ import annotations

import json

import pytest

from ml4t.live.config.assign import assign, parse_assignment
from ml4t.live.config.document import MISSING, read
from ml4t.live.config.lines import spots
from ml4t.live.config.mask import show
from ml4t.live.config.problem import Mistake
from ml4t.live.errors import ConfigError

TEXT = """\
# a comment
[live]
name = "a"           # line 3
options = { "x.y" = 1, z = [
    1,
] }

[[risk.checks]]
use = "first"

[[risk.checks]]   # line 11
use = "second"
limits.most = 5

[risk.checks.more]
x = 1
[feeds."my feed"]
'use' = "replay"
"""


def test_every_header_and_key_is_found_on_its_line():
    found = dict(spots(TEXT))
    assert found[("live",)] == 2
    assert found[("live", "name")] == 3
    assert found[("risk", "checks", 0, "use")] == 9
    assert found[("risk", "checks", 1)] == 11
    assert found[("risk", "checks", 1, "limits", "most")] == 13
    assert found[("risk", "checks", 1, "more", "x")] == 16
    assert found[("feeds", "my feed", "use")] == 18


def test_a_value_knows_its_line_and_a_missing_one_that_of_its_table(tmp_path):
    path = tmp_path / "a.toml"
    path.write_text(TEXT)
    document = read(path)
    assert document.where(("risk", "checks", 1, "use")) == "line 12"
    assert document.where(("risk", "checks", 1, "absent")) == "line 11"
    assert document.where(("live", "options", "z", 0)) == "line 4"
    assert document.where(("nowhere",)) == ""
    assert document.value(("risk", "checks", 1, "limits", "most")) == 5
    assert document.value(("risk", "checks", 7)) is MISSING
    assert document.value(("live", "name", "x")) is MISSING


def test_overlays_merge_tables_and_replace_the_rest(tmp_path):
    base = {
        "live": {"name": "a", "mode": "shadow"},
        "feeds": {"main": {"symbols": ["A", "B"]}},
        "broker": {"key": {"env": "A"}},
    }
    overlay = tmp_path / "live.toml"
    overlay.write_text('[live]\nmode = "live"\n[feeds.main]\nsymbols = ["C"]\n[broker]\nkey = { file = "k" }\nuse = "ib"\n')
    document = read(base, overlays=[overlay, {"live": {"name": "z"}}])
    assert document.data == {
        "live": {"name": "z", "mode": "live"},
        "feeds": {"main": {"symbols": ["C"]}},
        "broker": {"key": {"file": "k"}, "use": "ib"},
    }
    assert document.where(("live", "mode")) == "live.toml line 2"
    assert base["live"] == {"name": "a", "mode": "shadow"}, "the source is left alone"


def test_a_table_with_one_key_is_merged_too():
    assert read({"feeds": {"main": {"use": "okx"}}}, overlays=[{"feeds": {"main": {"bars": "5m"}}}]).data == {
        "feeds": {"main": {"use": "okx", "bars": "5m"}}
    }


def test_json_is_read_and_checked_for_duplicates(tmp_path):
    path = tmp_path / "a.json"
    path.write_text(json.dumps({"live": {"name": "a"}}))
    assert read(path).data == {"live": {"name": "a"}}
    path.write_text('{"live": {}, "live": {}}')
    with pytest.raises(ConfigError, match="live is given twice"):
        read(path)
    path.write_text('{"live": ')
    with pytest.raises(ConfigError, match="line 1: not valid JSON"):
        read(path)
    path.write_text("[]")
    with pytest.raises(ConfigError, match="is a JSON object"):
        read(path)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("[a]\nx = 1\n[a]\n", r"line 3: the table \[a\] is there twice; give each its own name"),
        ("[[risk.checks]]\n[risk.checks]\n", r"line 2: .*write \[\[risk.checks\]\] each time"),
        ("a.b = 1\na.b = 2\n", "line 2: a.b is given twice"),
        ("a = 1\nb = hello\n", "line 2: not valid TOML: .*; text goes in quotes"),
        ("a = 1\nb = ", "line 2: not valid TOML"),
    ],
)
def test_a_syntax_error_has_its_line(text, says, tmp_path):
    path = tmp_path / "a.toml"
    path.write_text(text)
    with pytest.raises(ConfigError, match=says):
        read(path)


def test_a_file_that_is_no_text_is_refused(tmp_path):
    path = tmp_path / "a.toml"
    path.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(ConfigError, match="not UTF-8"):
        read(path)


def test_every_bad_file_is_reported_at_once(tmp_path):
    with pytest.raises(ConfigError) as caught:
        read(tmp_path / "a.toml", overlays=[tmp_path / "b.toml", tmp_path / "c.toml"])
    assert [problem.split(":")[0] for problem in caught.value.problems] == [str(tmp_path / f"{name}.toml") for name in "abc"]


@pytest.mark.parametrize(
    ("text", "route", "value"),
    [
        ("risk.max_order_value=5000", ("risk", "max_order_value"), 5000),
        ("risk.max_drawdown_pct = 0.1", ("risk", "max_drawdown_pct"), 0.1),
        ("live.mode=paper", ("live", "mode"), "paper"),
        ("live.strategy=a.b:C", ("live", "strategy"), "a.b:C"),
        ("live.name='my run'", ("live", "name"), "my run"),
        ("engine.strategy_thread=true", ("engine", "strategy_thread"), True),
        ('feeds."my feed".symbols=["A", "B"]', ("feeds", "my feed", "symbols"), ["A", "B"]),
        ("risk.checks[1].x={ env = 'A' }", ("risk", "checks", 1, "x"), {"env": "A"}),
        ("a=b=c", None, None),
        ("a=1\nb=2", None, None),
        ("a=", None, None),
        ("a.=1", None, None),
        ("a b=1", None, None),
        ("a", None, None),
    ],
)
def test_an_assignment_is_a_path_and_a_toml_value(text, route, value):
    if route is None:
        with pytest.raises(Mistake, match=";"):
            parse_assignment(text)
    else:
        assert parse_assignment(text) == (route, value)


def test_an_assignment_makes_tables_but_no_entries():
    data = {"risk": {"checks": [{"x": 1}], "scalar": 5}}
    assign(data, ("a", "b", "c"), 1)
    assign(data, ("risk", "checks", 0, "x"), 2)
    assign(data, ("risk", "checks", 0), {"y": 3})
    assert data == {"risk": {"checks": [{"y": 3}], "scalar": 5}, "a": {"b": {"c": 1}}}
    for route, says in [
        (("risk", "checks", 1), "1 entries"),
        (("risk", "scalar", "x"), "not a table"),
        (("risk", "scalar", "x", "y"), "not a table"),
        (("risk", "none", 0), "there is no risk.none"),
        (("risk", "checks", "x"), "is a list of tables"),
    ]:
        with pytest.raises(Mistake, match=says):
            assign(data, route, 1)


def test_the_digest_is_of_the_content_not_of_the_layout(tmp_path):
    one, other = tmp_path / "one.toml", tmp_path / "other.toml"
    one.write_text('[live]\nname = "a"\nmode = "paper"\n')
    other.write_text('# the same\nlive = { mode = "paper", name = "a" }\n')
    assert read(one).digest == read(other).digest
    assert read(one).digest != read(one, assignments=["live.name=b"]).digest


def test_show_keeps_references_and_masks_what_should_have_been_one():
    document = read({"broker": {"api_key": "PK-1", "secret_key": {"env": "SECRET"}, "passwords": ["x"], "port": 5}})
    assert show(document) == {"broker": {"api_key": "***", "secret_key": {"env": "SECRET"}, "passwords": ["***"], "port": 5}}


CHECKS = {"risk": {"checks": [{"use": "cap", "last": "5m"}, {"use": "bell", "last": "5m"}]}}


@pytest.mark.parametrize("path", ["risk.checks[1].last", "risk.checks.1.last"])
def test_one_of_several_tables_is_assigned_to_by_its_number(path):
    document = read(CHECKS, assignments=[f"{path}=10m"])

    assert [each["last"] for each in document.data["risk"]["checks"]] == ["5m", "10m"]
    assert document.where(("risk", "checks", 1, "last")) == "--set"


@pytest.mark.parametrize(
    ("assignment", "said"),
    [
        ("risk.checks.last=10m", "risk.checks is a list of tables; say which, counted from 0, as in risk.checks.0.last"),
        ("risk.checks.7.last=10m", "there is no risk.checks[7]; risk.checks has 2 entries, counted from 0"),
    ],
)
def test_an_assignment_to_all_of_them_or_to_none_is_refused_with_an_example(assignment, said):
    with pytest.raises(ConfigError) as caught:
        read(CHECKS, assignments=[assignment])

    assert said in str(caught.value)

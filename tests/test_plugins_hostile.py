"""Every way a plugin can be broken, with real distributions that pip installed."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from tests.hostile_ways import BROKEN, SOUND

HOSTILE = Path(__file__).parents[1] / "contrib" / "hostile"

LOAD_ALL = """
from ml4t.live.plugins import Catalogue, Loaded

def told(outcome):
    if isinstance(outcome, Loaded):
        records = {kind.value: [each.name for each in offered] for kind, offered in outcome.components.items() if offered}
        return {"stage": None, "notes": outcome.notes, "records": records, "seconds": outcome.seconds}
    return {
        "stage": outcome.stage.value,
        "message": outcome.message,
        "remedy": outcome.remedy,
        "exception": type(outcome.exception).__name__ if outcome.exception else None,
    }

outcomes = Catalogue.discover().load_all()
answer = {each.found.name: told(each) for each in outcomes}
"""

FIND = """
from ml4t.live.errors import PluginError
from ml4t.live.plugins import Catalogue
from ml4t.live.records import Kind

catalogue = Catalogue.discover()

def say(action):
    try:
        return ["found", action()]
    except PluginError as error:
        return ["refused", str(error), type(error.__cause__).__name__]
"""


@pytest.fixture(scope="module")
def outcomes(fresh):
    """What one process says of all of them."""
    return fresh(LOAD_ALL)


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_plugin_becomes_a_record_that_says_what_why_and_how_to_mend_it(outcomes, name):
    stage, exception, told, remedy = BROKEN[name]
    outcome = outcomes[name]

    assert outcome["stage"] == stage
    assert outcome["exception"] == exception
    assert [each for each in told if each not in outcome["message"]] == [], outcome["message"]
    assert [each for each in remedy if each not in outcome["remedy"]] == [], outcome["remedy"]
    assert name in outcome["message"]
    assert outcome["remedy"]


@pytest.mark.parametrize("name", sorted(SOUND))
def test_a_plugin_that_works_is_loaded_whatever_its_neighbours_do(outcomes, name):
    assert outcomes[name]["stage"] is None


def test_core_is_never_the_one_to_uninstall(outcomes):
    assert "pip uninstall ml4t-live" not in outcomes["replay"]["remedy"]


def test_the_records_of_a_plugin_are_sorted_into_kinds(outcomes):
    assert outcomes["bystander"]["records"] == {
        "feed": ["ticks", "bars"],
        "risk check": ["bystander", "other"],
        "trigger": ["only"],
        "forecaster": ["flat"],
        "observer": ["log"],
    }
    assert outcomes["bystander"]["notes"] == []


def test_a_slow_import_is_a_note(outcomes):
    (note,) = outcomes["slow-import"]["notes"]

    assert re.match(r"loading it took [1-9]\d*\.\d s \(more than 1 s\)", note)
    assert outcomes["slow-import"]["seconds"] > 1.0


def test_a_plugin_without_a_range_for_core_is_a_note(outcomes):
    assert outcomes["no-bound"]["notes"] == [
        "hostile-no-bound does not say which ml4t-live it needs, so a wrong one cannot be noticed"
    ]


def test_every_hostile_distribution_is_judged_here_and_described_in_its_readme():
    folders = {each.parent.name for each in HOSTILE.glob("*/pyproject.toml")}
    table = [line for line in (HOSTILE / "README.md").read_text().splitlines() if line.startswith("| `")]
    described = {name for line in table for name in re.findall(r"`([\w-]+)`", line.split("|")[1])}
    judged = (set(BROKEN) - {"duplicate", "replay"}) | SOUND | {"duplicate-a", "duplicate-b", "impostor"}

    assert folders == judged
    assert folders == described | {"bystander"}


def test_listing_imports_nothing_of_theirs(fresh):
    answer = fresh("""
from ml4t.live.plugins import Catalogue
listed = [each.name for each in Catalogue.discover().plugins()]
roots = {name.partition(".")[0] for name in sys.modules}
answer = {"listed": listed, "imported": sorted(root for root in roots if root.startswith(("hostile_", "ml4t_live_")))}
""")

    assert {"bystander", "system-exit", "duplicate", "replay", "risk", "shadow"} <= set(answer["listed"])
    assert answer["listed"] == sorted(answer["listed"])
    assert answer["imported"] == []


def test_naming_one_plugin_imports_its_light_module_and_no_other_plugin(fresh):
    answer = fresh(
        FIND
        + """
offer = catalogue.find(Kind.TRIGGER, "bystander")
light = sorted(name for name in sys.modules if name.startswith(("hostile_", "ml4t_live_")))
factory = catalogue.resolve(offer)
heavy = sorted(name for name in sys.modules if name.startswith(("hostile_", "ml4t_live_")))
answer = [offer.component.name, offer.plugin.distribution, offer.use, light, factory.__name__, heavy]
"""
    )

    light = ["hostile_bystander", "hostile_bystander.plugin"]
    assert answer == [
        "only",
        "hostile-bystander",
        "bystander",
        light,
        "Part",
        ["hostile_bystander", "hostile_bystander.parts", *light[1:]],
    ]


def test_claimants_of_one_name_and_plugins_for_another_core_are_refused_without_importing_them(fresh):
    answer = fresh(
        FIND
        + """
said = [say(lambda: catalogue.find(Kind.FEED, name)) for name in ("duplicate", "replay", "too-new")]
answer = [said, [name for name in sys.modules if name.startswith("hostile_")]]
"""
    )

    said, imported = answer
    assert [each[0] for each in said] == ["refused"] * 3
    assert imported == []


def test_each_refusal_names_the_use_the_distribution_and_the_command_that_shows_it_again(fresh):
    names = [name for name in BROKEN if name != "replay"]
    said = fresh(FIND + f"answer = {{name: say(lambda: catalogue.find(Kind.TRIGGER, name)) for name in {names!r}}}")

    for name, (verdict, text, cause) in said.items():
        assert verdict == "refused"
        assert text.startswith(f'use = "{name}": ')
        assert f"hostile-{name}" in text
        assert text.endswith(f"ml4t-live plugins show {name}")
        assert cause == (BROKEN[name][1] or "NoneType")


def test_a_factory_whose_sdk_is_missing_names_the_sdk_and_the_plugin_to_install(fresh):
    answer = fresh(FIND + 'offer = catalogue.find(Kind.TRIGGER, "heavy-sdk")\nanswer = say(lambda: catalogue.resolve(offer))')

    assert answer == [
        "refused",
        (
            'use = "heavy-sdk": hostile_heavy_sdk.broker:Broker of the plugin heavy-sdk (hostile-heavy-sdk 1.0, entry point '
            "heavy-sdk = hostile_heavy_sdk.plugin) cannot be imported: it imports hostile_absent_sdk, which is not installed "
            "(hostile-heavy-sdk needs hostile-absent-sdk>=3). Install what it needs: `pip install hostile-heavy-sdk`"
        ),
        "ModuleNotFoundError",
    ]


def test_a_factory_that_is_not_there_names_the_plugin_to_upgrade(fresh):
    answer = fresh(FIND + 'offer = catalogue.find(Kind.TRIGGER, "bad-factory")\nanswer = say(lambda: catalogue.resolve(offer))')

    assert answer[0] == "refused"
    assert "AttributeError: module 'hostile_bad_factory.plugin' has no attribute 'Absent'" in answer[1]
    assert "`pip install --upgrade hostile-bad-factory`" in answer[1]


def test_the_order_does_not_depend_on_the_order_of_the_path(fresh):
    code = """
from ml4t.live.plugins import scan
answer = [[repr(each) for each in scan(path)] for path in (sys.path, [*reversed(sys.path)])]
"""
    one, other = fresh(code)

    assert one == other


def test_the_environment_is_scanned_once(fresh):
    answer = fresh("""
from ml4t.live.plugins import Catalogue, metadata, refresh
calls = []
installed = metadata.installed
metadata.installed = lambda path=None: calls.append(path) or installed(path)
Catalogue.discover(); Catalogue.discover(allow=["bystander"])
once = len(calls)
refresh()
Catalogue.discover()
answer = [once, len(calls)]
""")

    assert answer == [1, 2]

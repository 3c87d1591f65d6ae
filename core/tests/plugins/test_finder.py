"""Tests of `ml4t.live.plugins.finder`."""

from __future__ import annotations

import json
import sys

import attrs
import pytest

from ml4t.live.plugins import Conflict, Found, find_plugins, refresh, scan


@pytest.fixture
def look(site):
    """Scans the folder alone."""
    return lambda *folders: scan([str(each) for each in folders or (site,)])


def test_what_is_found_is_what_the_metadata_say(install, look):
    """Nothing is imported: the module that the entry point names does not exist."""
    install("acme-broker", ["acme = acme_broker.plugin"], version="2.1", requires=["ml4t-live>=1", "attrs; python_version<'3'"])

    assert look() == (
        Found(
            name="acme",
            target="acme_broker.plugin",
            distribution="acme-broker",
            version="2.1",
            requirements=("ml4t-live>=1", "attrs; python_version<'3'"),
        ),
    )
    assert "acme_broker" not in sys.modules


def test_a_record_is_frozen(install, look):
    install("acme-broker", ["acme = acme_broker"])

    with pytest.raises(attrs.exceptions.FrozenInstanceError):
        look()[0].name = "other"


def test_entries_are_sorted_by_name_whatever_the_order_of_the_folders(install, look, tmp_path):
    one, other = tmp_path / "one", tmp_path / "other"
    install("zeta", ["b = zeta"], folder=one)
    install("alpha", ["c = alpha", "a = alpha"], folder=other)

    assert [each.name for each in look(one, other)] == ["a", "b", "c"]
    assert look(one, other) == look(other, one)


def test_a_distribution_that_is_on_the_path_twice_counts_once(install, look, tmp_path):
    """As an editable install leaves it; the first on the path is the one that gets imported, so it is the one shown."""
    one, other = tmp_path / "one", tmp_path / "other"
    install("acme-broker", ["acme = acme_broker"], version="2", folder=one)
    install("Acme_Broker", ["acme = acme_broker"], version="1", folder=other)

    assert [(each.name, each.version) for each in look(one, other)] == [("acme", "2")]
    assert [(each.name, each.version) for each in look(other, one)] == [("acme", "1")]


def test_two_distributions_with_one_name_are_a_conflict_that_names_both_and_how_to_mend_it(install, look):
    install("zeta-broker", ["broker = zeta"])
    install("acme-broker", ["broker = acme"])

    (conflict,) = look()

    assert isinstance(conflict, Conflict)
    assert [each.distribution for each in conflict.candidates] == ["acme-broker", "zeta-broker"]
    assert conflict.message == (
        "the plugin name 'broker' is claimed by acme-broker 1.0 (acme) and zeta-broker 1.0 (zeta); none of them is used"
    )
    assert conflict.remedy == "Keep one of them: `pip uninstall acme-broker` or `pip uninstall zeta-broker`"


def test_one_distribution_that_claims_a_name_twice_is_a_conflict_with_itself(install, look):
    install("acme-broker", ["broker = acme.one", "broker = acme.other"])

    (conflict,) = look()

    assert conflict.message == (
        "the plugin name 'broker' is claimed by acme-broker 1.0 (acme.one) and acme-broker 1.0 (acme.other); "
        "none of them is used"
    )
    assert conflict.remedy == "Keep one of them: `pip uninstall acme-broker`"


def test_core_is_never_the_one_to_uninstall(install, look):
    install("ml4t_live", ["risk = ml4t.live.standard.risk"])
    install("acme-risk", ["risk = acme_risk"])

    (conflict,) = look()

    assert [each.distribution for each in conflict.candidates] == ["acme-risk", "ml4t_live"]
    assert conflict.remedy == "Keep one of them: `pip uninstall acme-risk`"


def test_a_line_that_is_written_twice_counts_once(install, look):
    install("acme-broker", ["broker = acme", "broker = acme"])

    assert [type(each) for each in look()] == [Found]


def test_the_folder_of_an_editable_install_is_known(install, look):
    info = install("acme-broker", ["acme = acme_broker"])
    (info / "direct_url.json").write_text(json.dumps({"url": "file:///home/me/my%20plugin", "dir_info": {"editable": True}}))

    (found,) = look()

    assert found.origin == "/home/me/my plugin"
    assert found.source == "-e /home/me/my plugin"


@pytest.mark.parametrize(
    "content", ["{", "[]", "{}", '{"url": "file:///x", "dir_info": {}}', '{"dir_info": {"editable": true}}']
)
def test_an_install_of_another_kind_has_no_folder(install, look, content):
    info = install("acme-broker", ["acme = acme_broker"])
    (info / "direct_url.json").write_text(content)

    (found,) = look()

    assert found.origin == ""
    assert found.source == "acme-broker"


@pytest.mark.parametrize("damage", ["no METADATA", "entry points of garbage"])
def test_a_damaged_distribution_does_not_hide_the_others(install, look, damage):
    info = install("damaged", ["damaged = damaged"])
    install("sound", ["sound = sound"])
    if damage == "no METADATA":
        (info / "METADATA").unlink()
    else:
        (info / "entry_points.txt").write_text("[ml4t.live]\nno equals sign\n")

    assert "sound" in [each.name for each in look()]


def test_other_groups_are_other_peoples(install, look):
    info = install("acme-broker", [])
    (info / "entry_points.txt").write_text("[console_scripts]\nacme = acme:main\n[ml4t.live.other]\nacme = acme\n")

    assert look() == ()


def test_the_extra_of_an_entry_point_is_no_part_of_its_target(install, look):
    install("acme-broker", ["acme = acme_broker.plugin:plugin [fast]"])

    assert look()[0].target == "acme_broker.plugin:plugin"


@pytest.mark.parametrize(
    ("name", "fits"), [("acme", True), ("a-b_2", True), ("Acme", False), ("acme.fx", False), ("2acme", False)]
)
def test_a_name_that_no_config_can_write_is_a_problem(install, look, name, fits):
    install("acme-broker", [f"{name} = acme_broker"])

    assert (look()[0].problem == "") is fits


def test_the_environment_is_looked_at_once_until_told_otherwise(install):
    refresh()
    before = find_plugins()
    install("acme-broker", ["acme-late = acme_broker"])

    assert find_plugins() is before

    refresh()
    try:
        assert "acme-late" in [each.name for each in find_plugins()]
    finally:
        refresh()

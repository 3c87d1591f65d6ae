"""Tests of `ml4t.live.plugins.lock`, `drift`, and of a catalogue that a lock seals."""

from __future__ import annotations

import sys
import tomllib

import pytest

from ml4t.live.errors import PluginError
from ml4t.live.plugins import Broken, Catalogue, Loaded, Stage, scan
from ml4t.live.plugins.drift import drifts
from ml4t.live.plugins.lock import Lock, read_lock


@pytest.fixture
def look(site):
    """Returns the catalogue of the folder as it is now."""
    return lambda: Catalogue(entries=scan([str(site)]))


@pytest.fixture
def two(install, look):
    """Two plugins, and the lock of them."""
    install("acme-one", ["one = acme_one"], modules={"acme_one": "A = 1\n"})
    install("Acme.Two", ["two = acme_two.plugin"], modules={"acme_two.__init__": "", "acme_two.plugin": "B = 2\n"})
    return lock_of(look())


def lock_of(catalogue):
    return Lock.of(catalogue.entries, catalogue.code)


def said(lock, catalogue):
    return [str(each) for each in drifts(lock, catalogue.entries, catalogue.code)]


def gone(site, name):
    for each in site.glob(f"{name}-*.dist-info/*"):
        each.unlink()
    for each in site.glob(f"{name}-*.dist-info"):
        each.rmdir()


# --- the file ---


def test_what_is_written_is_read_again_sorted_and_without_a_place(two, look, site, tmp_path):
    text = two.dumps()
    assert two.dumps() == lock_of(look()).dumps()
    assert str(site) not in text
    table = tomllib.loads(text)
    assert table["lock"] == 1
    assert list(table["distributions"]) == ["acme-one", "acme-two"]
    assert table["distributions"]["acme-two"]["version"] == "1.0"
    assert table["distributions"]["acme-two"]["plugins"] == {"two": "acme_two.plugin"}
    assert list(table["distributions"]["acme-two"]["files"]) == ["acme_two/__init__.py", "acme_two/plugin.py"]
    path = tmp_path / "x.lock"
    path.write_text(text)
    assert read_lock(path) == two
    assert not {"acme_one", "acme_two"} & set(sys.modules)


def test_names_that_need_quotes_have_them(install, look, tmp_path):
    install('odd "name', ["odd = acme_odd"], modules={"acme_odd": ""})
    path = tmp_path / "x.lock"
    path.write_text(lock_of(look()).dumps())
    assert read_lock(path) == lock_of(look())


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("lock = 2\n", "its format is 2, and this ml4t-live reads 1"),
        ("", "its format is None"),
        ("lock = \n", "Invalid value"),
        ("lock = 1\n", "it does not have the form of one"),
        ("lock = 1\ndistributions = 3\n", "it does not have the form of one"),
        ("lock = 1\n[distributions.x]\nversion = 1\nplugins = {}\nfiles = {}\n", "it does not have the form of one"),
        ("lock = 1\n[distributions.x]\nversion = '1'\nplugins = {a = 1}\nfiles = {}\n", "it does not have the form of one"),
    ],
)
def test_what_is_no_lock_is_refused_with_the_command_that_writes_one(tmp_path, text, why):
    path = tmp_path / "x.lock"
    path.write_text(text)
    with pytest.raises(PluginError) as caught:
        read_lock(path)
    assert why in str(caught.value)
    assert f"ml4t-live plugins lock --output {path}" in str(caught.value)


def test_a_lock_that_is_not_there_is_refused(tmp_path):
    with pytest.raises(PluginError, match=r"there is no lock at .*gone\.lock; write it: ml4t-live plugins lock"):
        read_lock(tmp_path / "gone.lock")


def test_a_lock_that_is_a_folder_is_refused(tmp_path):
    with pytest.raises(PluginError, match=r"cannot be read"):
        read_lock(tmp_path)


# --- what differs ---


def test_nothing_differs_from_what_was_just_locked(two, look):
    assert said(two, look()) == []


def test_one_that_is_missing(two, look, site):
    gone(site, "acme_one")
    assert said(two, look()) == [
        'the plugin one of acme-one 1.0 is in the lock and not installed. Run: pip install "acme-one==1.0"'
    ]


def test_another_version(two, look, site, install):
    gone(site, "acme_one")
    install("acme-one", ["one = acme_one"], version="1.1")
    [text] = said(two, look())
    assert text.startswith("acme-one is version 1.1, and 1.0 is locked. Run: pip install")
    assert '"acme-one==1.0"' in text
    assert text.endswith("or, if this is what you want to run, lock it: ml4t-live plugins lock")


def test_files_that_have_changed_come_and_gone(two, look, site):
    (site / "acme_two" / "plugin.py").write_text("B = 3\n")
    (site / "acme_two" / "extra.py").write_text("")
    (site / "acme_one.py").unlink()
    one, other = said(two, look())
    assert one.startswith(
        "the files of acme-one 1.0 are not those that were locked: gone acme_one.py. Run: pip install --force"
    )
    assert "not those that were locked: changed acme_two/plugin.py; new acme_two/extra.py." in other


def test_another_distribution_that_has_taken_over_the_name(two, look, site, install):
    gone(site, "acme_one")
    install("evil-one", ["one = acme_one"])
    assert said(two, look()) == [
        (
            "the lock has the plugin one from acme-one 1.0, and evil-one 1.0 (acme_one) has taken over the name. "
            'Run: pip uninstall evil-one; pip install "acme-one==1.0"'
        )
    ]


def test_another_distribution_that_claims_the_name_as_well(two, look, install):
    install("evil-one", ["one = acme_one"])
    [text] = said(two, look())
    assert "from acme-one 1.0, and the plugin name 'one' is claimed by acme-one 1.0 (acme_one) and evil-one 1.0" in text
    assert "pip uninstall evil-one" in text


def test_an_entry_point_that_names_another_module(two, look, site):
    (site / "acme_one-1.0.dist-info" / "entry_points.txt").write_text("[ml4t.live]\none = os\n")
    assert said(two, look())[0].startswith("the plugin one of acme-one is os, and acme_one is locked")


def test_one_that_nobody_has_locked(two, look, install):
    install("acme-new", ["new = acme_new"], modules={"acme_new": ""})
    assert said(two, look()) == [
        "the plugin new of acme-new 1.0 is not in the lock. If it may run, lock it: ml4t-live plugins lock"
    ]


def test_a_difference_of_a_distribution_is_said_once(install, look, site):
    install("many", ["a = acme_many", "b = acme_many"], modules={"acme_many": "A = 1\n"})
    lock = lock_of(look())
    (site / "acme_many.py").write_text("A = 2\n")
    assert len(said(lock, look())) == 1


# --- the door ---


def test_a_sealed_catalogue_imports_what_is_as_locked_and_nothing_else(two, look, site):
    (site / "acme_two" / "plugin.py").write_text("raise SystemExit\n")
    sealed = look().restricted(allow=None, sealed=two)
    assert isinstance(sealed.load("one"), Loaded)
    refused = sealed.load("two")
    assert isinstance(refused, Broken)
    assert (refused.stage, refused.exception) == (Stage.LOCK, None)
    assert "changed acme_two/plugin.py" in refused.message
    assert "acme_two" not in sys.modules


def test_what_was_loaded_before_the_seal_is_looked_at_as_well(two, look, site):
    catalogue = look()
    assert isinstance(catalogue.load("one"), Loaded)
    (site / "acme_one.py").write_text("A = 2\n")
    assert isinstance(catalogue.restricted(allow=None, sealed=two).load("one"), Broken)


def test_one_that_is_locked_and_missing_is_asked_for_in_its_version(two, look, site):
    gone(site, "acme_one")
    with pytest.raises(PluginError, match=r'pip install "acme-one==1\.0"'):
        look().restricted(allow=None, sealed=two).load("one")


def test_a_restricted_catalogue_imports_nothing_twice_and_nothing_that_it_leaves_out(plugin, look):
    plugin("")
    catalogue = look()
    outcome = catalogue.load("acme")
    assert catalogue.restricted(allow=["acme"], sealed=None).load("acme") is outcome
    with pytest.raises(PluginError, match="installed but not allowed"):
        catalogue.restricted(allow=[], sealed=None).load("acme")


def test_a_restriction_never_allows_more(plugin, look):
    plugin("")
    narrow = look().restricted(allow=[], sealed=None)
    assert not narrow.restricted(allow=["acme"], sealed=None).allows("acme")
    assert not narrow.restricted(allow=None, sealed=None).allows("acme")
    assert narrow.restricted(allow=None, sealed=None).allows("replay")

"""Tests of `ml4t.live.plugins.code` and `wheel`: which files are a plugin's, and whether they are as its RECORD says."""

from __future__ import annotations

import base64
import hashlib
import sys

import pytest

from ml4t.live.plugins import scan
from ml4t.live.plugins.code import UNREADABLE, code_of
from ml4t.live.plugins.wheel import damage

PACKAGE = {
    "acme_pack.__init__": "",
    "acme_pack.plugin": "A = 1\n",
    "acme_pack.deep.__init__": "",
    "acme_pack.deep.part": "B = 2\n",
}


@pytest.fixture
def found(install, site):
    """What the finder finds of a distribution whose module is a package; `record` writes its RECORD."""

    def make(*extra, record=True, modules=PACKAGE):
        info = install("acme-pack", ["pack = acme_pack.plugin"], modules=modules)
        if record:
            files = [each for each in site.rglob("*") if each.is_file() and "acme_pack-" not in str(each)]
            lines = [f"{each.relative_to(site).as_posix()},{hashed(each)},1" for each in sorted(files)]
            (info / "RECORD").write_text("\n".join([*lines, *extra, f"{info.name}/RECORD,,", "../../bin/acme,,"]) + "\n")
        return scan([str(site)])[0]

    return make


def hashed(file):
    return "sha256=" + base64.urlsafe_b64encode(hashlib.sha256(file.read_bytes()).digest()).rstrip(b"=").decode()


FILES = ["acme_pack/__init__.py", "acme_pack/deep/__init__.py", "acme_pack/deep/part.py", "acme_pack/plugin.py"]


def test_every_file_of_the_package_is_hashed_and_nothing_is_imported(found, site):
    code = code_of(found())
    assert list(code.files) == FILES
    assert code.files["acme_pack/plugin.py"] == hashlib.sha256(b"A = 1\n").hexdigest()
    assert "acme_pack" not in sys.modules


def test_without_a_record_the_package_is_found_where_an_import_would_find_it(found):
    assert list(code_of(found(record=False)).files) == FILES


def test_what_somebody_has_put_into_the_package_counts_and_bytecode_does_not(found, site):
    one = found()
    before = code_of(one)
    (site / "acme_pack" / "__pycache__").mkdir()
    (site / "acme_pack" / "__pycache__" / "plugin.cpython-312.pyc").write_bytes(b"x")
    assert code_of(one) == before
    (site / "acme_pack" / "plugin.so").write_bytes(b"x")
    assert set(code_of(one).files) - set(before.files) == {"acme_pack/plugin.so"}
    assert code_of(one).digest != before.digest


def test_a_module_and_a_package_beside_the_one_that_is_named_count_when_record_has_them(found):
    more = {**PACKAGE, "acme_helper": "C = 3\n", "acme_other.__init__": "", "acme_other.part": ""}
    assert {"acme_helper.py", "acme_other/part.py"} < set(code_of(found(modules=more)).files)


def test_a_package_inside_of_a_namespace_leaves_its_neighbours_alone(install, site):
    install("ours", ["pack = acme_space.ours.plugin"], modules={"acme_space.ours.__init__": "", "acme_space.ours.plugin": ""})
    (site / "acme_space" / "theirs").mkdir()
    (site / "acme_space" / "theirs" / "__init__.py").write_text("")
    [one] = scan([str(site)])
    assert list(code_of(one).files) == ["acme_space/ours/__init__.py", "acme_space/ours/plugin.py"]
    assert "acme_space" not in sys.modules


def test_a_folder_that_hides_the_package_is_what_is_hashed(found, site, monkeypatch):
    one = found()
    front = site / "front"
    (front / "acme_pack").mkdir(parents=True)
    (front / "acme_pack" / "__init__.py").write_text("EVIL = 1\n")
    before = code_of(one)
    monkeypatch.syspath_prepend(str(front))
    hidden = code_of(one)
    assert list(hidden.files) == ["acme_pack/__init__.py"]
    assert hidden.files["acme_pack/__init__.py"] != before.files["acme_pack/__init__.py"]


def test_a_module_that_is_not_there_has_no_files(install, site):
    install("ghost", ["ghost = acme_ghost.plugin"])
    assert code_of(scan([str(site)])[0]).files == {}


def test_a_file_that_cannot_be_read_is_said_to_be(found, site):
    one = found()
    (site / "acme_pack" / "plugin.py").unlink()
    (site / "acme_pack" / "plugin.py").symlink_to(site / "nowhere")
    assert code_of(one).files["acme_pack/plugin.py"] == UNREADABLE


def test_a_link_back_to_the_package_is_walked_once(found, site):
    one = found()
    before = code_of(one)
    (site / "acme_pack" / "deep" / "round").symlink_to(site / "acme_pack", target_is_directory=True)
    assert set(before.files) <= set(code_of(one).files)
    assert len(code_of(one).files) < 20


def test_the_digest_does_not_depend_on_where_the_files_are(found, site, tmp_path_factory, monkeypatch):
    one = code_of(found())
    other = tmp_path_factory.mktemp("other")
    (site / "acme_pack").rename(other / "acme_pack")
    monkeypatch.syspath_prepend(str(other))
    assert code_of(scan([str(site)])[0]).digest == one.digest


def test_record_is_believed_in_no_file(found, site):
    one = found()
    assert damage(one.installed) == []
    (site / "acme_pack" / "plugin.py").write_text("A = 2\n")
    (site / "acme_pack" / "deep" / "part.py").unlink()
    assert damage(one.installed) == ["acme_pack/deep/part.py", "acme_pack/plugin.py"]


def test_a_hash_that_nobody_knows_agrees_with_nothing(found):
    one = found("acme_pack/__init__.py,nonsense=abc,0")
    assert damage(one.installed) == ["acme_pack/__init__.py"]


def test_without_a_record_nobody_knows(found):
    assert damage(found(record=False).installed) is None

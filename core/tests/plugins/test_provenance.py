"""Tests of `ml4t.live.plugins.provenance`: where a plugin comes from."""

from __future__ import annotations

import base64
import hashlib
import json
import sys

import attrs
import pytest

from ml4t.live.plugins import scan
from ml4t.live.plugins.code import code_of
from ml4t.live.plugins.provenance import provenance

METADATA = """Metadata-Version: 2.4
Name: acme-venue
Version: 1.0
Author-email: Ada <ada@example.org>
License-Expression: MIT
Project-URL: Documentation, https://docs.example.org
Project-URL: Source, https://code.example.org/acme
Requires-Python: >=3.11
Requires-Dist: ml4t-live<2,>=1.0.0.dev0
"""


@pytest.fixture
def told(install, site):
    """What is known of a plugin whose metadata has these files besides."""

    def tell(metadata=METADATA, **files):
        info = install("acme-venue", ["venue = acme_venue"], modules={"acme_venue": "raise SystemExit\n"})
        (info / "METADATA").write_text(metadata)
        for name, text in files.items():
            (info / name.replace("_json", ".json")).write_text(text)
        return provenance(scan([str(site)])[0])

    return tell


def test_it_is_what_the_metadata_and_the_installer_say(told, site):
    one = told(INSTALLER="pip\n", RECORD="acme_venue.py,,\nacme_venue-1.0.dist-info/RECORD,,\n")
    assert attrs.asdict(one) == {
        "distribution": "acme-venue",
        "version": "1.0",
        "entry_point": "venue = acme_venue",
        "place": str(site),
        "installed_as": "wheel",
        "installed_from": "",
        "installer": "pip",
        "author": "Ada <ada@example.org>",
        "home_page": "https://code.example.org/acme",
        "licence": "MIT",
        "requires_python": ">=3.11",
        "asks_for": "ml4t-live<2,>=1.0.0.dev0",
        "digest": code_of(scan([str(site)])[0]).digest,
        "files": "agree with RECORD",
    }
    assert "acme_venue" not in sys.modules


def test_files_that_are_not_those_of_the_wheel_are_named(told, site):
    assert told(RECORD="acme_venue.py,sha256=AAAA,17\n").files == "not as RECORD says: acme_venue.py"
    good = "acme_venue.py,sha256=" + urlsafe(site / "acme_venue.py") + ",17\n"
    assert provenance(written(site, good)).files == "agree with RECORD"


def urlsafe(file):
    return base64.urlsafe_b64encode(hashlib.sha256(file.read_bytes()).digest()).rstrip(b"=").decode()


def written(site, record):
    (site / "acme_venue-1.0.dist-info" / "RECORD").write_text(record)
    return scan([str(site)])[0]


def test_without_a_record_nobody_knows(told):
    one = told()
    assert (one.installed_as, one.files) == ("", "nobody knows: there is no RECORD")


@pytest.mark.parametrize(
    ("url", "more", "shown"),
    [
        ("https://me:token@example.org/a.whl?key=1#x", {"archive_info": {}}, "https://example.org/a.whl"),
        ("https://token@example.org:8443/a", {"vcs_info": {"commit_id": "abc"}}, "https://example.org:8443/a at abc"),
        ("file:///home/me/acme", {"dir_info": {}}, "file:///home/me/acme"),
    ],
)
def test_an_address_is_shown_without_what_may_be_a_secret(told, url, more, shown):
    assert told(direct_url_json=json.dumps({"url": url, **more})).installed_from == shown


@pytest.mark.parametrize("text", ["", "{", "[]", '{"url": 3}', '{"url": "http://[bad"}', '{"url": "x", "vcs_info": 3}'])
def test_a_damaged_address_is_none(told, text):
    assert told(direct_url_json=text).installed_from == ""


def test_an_editable_install_says_so(told):
    direct = {"url": "file:///home/me/acme", "dir_info": {"editable": True}}
    one = told(direct_url_json=json.dumps(direct))
    assert one.installed_as == "editable"
    assert one.files == "editable: the files are those of the source folder"


@pytest.mark.parametrize(
    ("lines", "home_page"),
    [
        ("Home-page: https://old.example.org\nProject-URL: Source, https://x.example.org", "https://old.example.org"),
        ("Project-URL: homepage, https://new.example.org", "https://new.example.org"),
        ("Project-URL: Changes, https://changes.example.org", "https://changes.example.org"),
        ("", ""),
    ],
)
def test_the_home_page_is_the_one_that_is_called_so_or_else_the_source(told, lines, home_page):
    assert told(f"Metadata-Version: 2.1\nName: acme-venue\nVersion: 1.0\n{lines}\n").home_page == home_page


def test_a_half_removed_distribution_has_a_provenance_too(told, site):
    told()
    (site / "acme_venue-1.0.dist-info" / "METADATA").unlink()
    one = provenance(scan([str(site)])[0])
    assert (one.entry_point, one.author, one.licence) == ("venue = acme_venue", "", "")

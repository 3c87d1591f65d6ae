"""A secret is shown to nobody, and a reference that leads nowhere says how to mend it."""

from __future__ import annotations

import copy
import json
import logging
import pickle
from pathlib import Path

import attrs
import msgspec
import pytest

from ml4t.live.config.problem import Mistake, SecretMistake
from ml4t.live.config.secret import Secret, SecretSource, is_reference

VALUE = "PK-7f3a9c"


@attrs.frozen
class Holder:
    key: Secret = attrs.field(converter=Secret.of)


@pytest.mark.parametrize("show", [repr, str, "{}".format, "{:>20}".format, lambda s: f"{s!r:s}", lambda s: "%s %r" % (s, s)])  # noqa: UP031
def test_no_way_to_show_it_shows_it(show):
    assert VALUE not in show(Secret(VALUE))
    assert "***" in show(Secret(VALUE))
    assert VALUE not in repr(Holder(VALUE)) + repr(attrs.asdict(Holder(VALUE)))


def test_logging_and_tracebacks_do_not_show_it(caplog):
    with caplog.at_level(logging.INFO):
        logging.getLogger("x").info("connecting with %s", Secret(VALUE))
    assert VALUE not in caplog.text


@pytest.mark.parametrize("store", [pickle.dumps, json.dumps, msgspec.json.encode, msgspec.msgpack.encode])
def test_it_is_not_stored_by_accident(store):
    with pytest.raises(TypeError) as caught:
        store(Secret(VALUE))
    assert VALUE not in str(caught.value)


def test_it_is_revealed_when_asked():
    assert Secret(VALUE).reveal() == VALUE
    assert Holder(VALUE).key.reveal() == VALUE
    assert Holder(Secret(VALUE)).key.reveal() == VALUE


def test_it_compares_and_copies_as_a_value():
    secret = Secret(VALUE)
    assert secret == Secret(VALUE)
    assert secret != Secret("other")
    assert secret != VALUE
    assert len({secret, Secret(VALUE)}) == 1
    assert copy.copy(secret) is secret
    assert copy.deepcopy([secret])[0] is secret
    assert Secret("schlüssel") == Secret("schlüssel")


def test_it_does_not_change_and_is_not_empty():
    with pytest.raises(AttributeError, match="cannot be changed"):
        Secret(VALUE).value = "x"
    for nothing in ("", None, 5):
        with pytest.raises(ValueError, match="not empty"):
            Secret(nothing)


@pytest.mark.parametrize(
    ("value", "expected"),
    [({"env": "A"}, True), ({"file": "a"}, True), ({"env": "A", "file": "a"}, False), ({"use": "x"}, False), ("env", False)],
)
def test_only_an_unmistakable_table_is_a_reference_anywhere(value, expected):
    assert is_reference(value) is expected


def source(folder: Path, resolver=None, **environ: str) -> SecretSource:
    return SecretSource(environ, folder, resolver)


def test_references_are_looked_up(tmp_path):
    (tmp_path / "key").write_text(f"{VALUE}\r\n")
    found = source(tmp_path, lambda scheme, name: f"{scheme}/{name}", KEY="k")
    assert found.resolve({"env": "KEY"}) == "k"
    assert found.resolve({"file": "key"}) == VALUE
    assert found.resolve({"file": str(tmp_path / "key")}) == VALUE
    assert found.resolve({"vault": "acme"}) == "vault/acme"
    assert found.revealed == {"k", VALUE, "vault/acme"}


def failing(scheme: str, name: str) -> str:
    raise OSError("no route to the vault")


@pytest.mark.parametrize(
    ("reference", "says"),
    [
        ({"env": "KEI"}, r"KEI is not set; did you mean KEY\?; run `export KEI="),
        ({"env": "BLANK"}, "BLANK is empty; run `export BLANK="),
        ({"file": "none"}, r"none cannot be read \(No such file or directory\); create it"),
        ({"file": "bytes"}, "not UTF-8"),
        ({"file": "blank"}, "is empty; write the secret"),
        ({"vault": "x"}, "failed: OSError: no route to the vault; mend it"),
        ({"env": "A", "file": "b"}, "exactly one key"),
        ({}, "exactly one key"),
        ({"env": 5}, "name in quotes"),
        ({"env": " "}, "name in quotes"),
    ],
)
def test_a_reference_that_leads_nowhere_says_so(reference, says, tmp_path):
    (tmp_path / "bytes").write_bytes(b"\xff\xfe\x00")
    (tmp_path / "blank").write_text(" \n")
    with pytest.raises(Mistake, match=says):
        source(tmp_path, failing, KEY="k", BLANK=" ").resolve(reference)


@pytest.mark.parametrize("resolver", [None, lambda scheme, name: None])
def test_a_scheme_that_nobody_knows_is_refused(resolver, tmp_path):
    with pytest.raises(SecretMistake, match="no installed plugin knows secrets of the scheme 'vault'; write a reference"):
        source(tmp_path, resolver).resolve({"vault": "x"})
    with pytest.raises(SecretMistake, match="the vault secret 'x' is empty"):
        source(tmp_path, lambda scheme, name: "").resolve({"vault": "x"})

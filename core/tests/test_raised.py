"""Tests of `ml4t.live.raised`."""

from __future__ import annotations

import json

import attrs
import pytest

from ml4t.live.raised import describe, describe_with_place
from ml4t.live.times import parse_duration


def _caught(action):
    with pytest.raises(BaseException) as caught:  # noqa: PT011 - whatever it is
        action()
    return describe_with_place(caught.value)


def test_the_text_of_an_exception_is_one_line():
    assert describe(ValueError("two\n  lines")) == "ValueError: two lines"
    assert describe(ValueError()) == "ValueError"


def test_an_exception_that_cannot_be_printed_is_named():
    class MuteError(Exception):
        def __str__(self):
            raise RuntimeError("no words")

    assert describe(MuteError()) == "MuteError"


@attrs.frozen
class Refusing:
    number: int = attrs.field(validator=lambda *_: json.loads("{"))


@pytest.mark.parametrize(
    "action",
    [
        pytest.param(lambda: {}["oops"], id="raised there"),
        pytest.param(lambda: json.loads("{"), id="raised by the standard library"),
        pytest.param(lambda: parse_duration("5 parsecs"), id="raised by core"),
        pytest.param(lambda: Refusing(1), id="raised behind generated code"),
    ],
)
def test_the_place_is_in_the_code_of_whoever_is_to_mend_it(action):
    assert f"(at {__file__}:" in _caught(action)
    assert _caught(action).endswith("in <lambda>)")


def test_an_exception_of_core_alone_has_its_place_in_core():
    with pytest.raises(ValueError, match="parsecs") as caught:
        parse_duration("5 parsecs")
    in_core = caught.value.with_traceback(caught.value.__traceback__.tb_next)

    assert "times.py:" in describe_with_place(in_core)


def test_a_syntax_error_is_at_the_line_that_cannot_be_read(tmp_path):
    path = tmp_path / "broken.py"

    said = _caught(lambda: compile("x = 1\ndef broken(:\n", str(path), "exec"))

    assert said == f"SyntaxError: invalid syntax (at {path}:2)"


def test_a_group_tells_each_of_its_exceptions():
    group = ExceptionGroup("two", [ValueError("one"), KeyError("other")])

    assert describe_with_place(group) == "ValueError: one; KeyError: 'other'"


def test_what_was_never_raised_has_no_place():
    assert describe_with_place(ValueError("x")) == "ValueError: x"

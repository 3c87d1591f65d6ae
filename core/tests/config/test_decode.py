"""Values are what they say they are: nothing is guessed into another type."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, time
from decimal import Decimal
from enum import Enum, StrEnum
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal

import attrs
import pytest

from ml4t.live.config.decode import make_converter
from ml4t.live.config.duration import Duration
from ml4t.live.config.problem import Mistake, Mistakes, dotted, problems_of
from ml4t.live.config.secret import Secret, SecretSource
from ml4t.live.config.table import structure_table

FOLDER = Path("/etc/trading")
CONVERTER = make_converter(FOLDER, SecretSource({"KEY": "k-1"}, FOLDER))


class Side(StrEnum):
    BUY = "buy"
    SELL = "sell"


class Level(Enum):
    ONE = 1
    TWO = 2


@attrs.frozen(kw_only=True)
class Inner:
    size: int = attrs.field(validator=attrs.validators.gt(0))
    tags: tuple[str, ...] = ()


HOUR = 3_600 * 10**9


@pytest.mark.parametrize(
    ("tp", "value", "expected"),
    [
        (bool, True, True),
        (int, 5, 5),
        (float, 5, 5.0),
        (float, 0.5, 0.5),
        (str, "x", "x"),
        (str, {"env": "KEY"}, "k-1"),
        (Secret, {"env": "KEY"}, Secret("k-1")),
        (Secret, Secret("x"), Secret("x")),
        (Path, "state", FOLDER / "state"),
        (Path, "/var/state", Path("/var/state")),
        (Decimal, "0.01", Decimal("0.01")),
        (Decimal, 2, Decimal(2)),
        (Duration, "1h", HOUR),
        (Duration | None, "1h", HOUR),
        (Duration | None, "off", None),
        (float | None, "off", None),
        (float | None, "None", None),
        (float | None, None, None),
        (str | None, "off", "off"),
        (Literal["fsync", "none"] | None, "none", "none"),
        (Literal["a", 1], 1, 1),
        (Side, "buy", Side.BUY),
        (Level, 2, Level.TWO),
        (int | str, "5", "5"),
        (tuple[str, ...], ["a", "b"], ("a", "b")),
        (tuple[int, str], [1, "b"], (1, "b")),
        (list[float], [1, 2], [1.0, 2.0]),
        (Sequence[int], [1], (1,)),
        (frozenset[str], ["a"], frozenset({"a"})),
        (set[int], [1], {1}),
        (tuple, [1, "x"], (1, "x")),
        (dict[str, float], {"a": 1}, {"a": 1.0}),
        (Mapping[str, tuple[int, ...]], {"a": [1]}, {"a": (1,)}),
        (dict[str, Any], {"a": {"env": "KEY"}, "b": [1]}, {"a": Secret("k-1"), "b": [1]}),
        (datetime, datetime(2026, 1, 31, tzinfo=UTC), datetime(2026, 1, 31, tzinfo=UTC)),
        (datetime, "2026-01-31T00:00:00Z", datetime(2026, 1, 31, tzinfo=UTC)),
        (date, date(2026, 1, 31), date(2026, 1, 31)),
        (time, time(9, 30), time(9, 30)),
        (Annotated[int, "a note"], 5, 5),
        (Inner, {"size": 1, "tags": ["x"]}, Inner(size=1, tags=("x",))),
        (tuple[Inner, ...], [{"size": 1}], (Inner(size=1),)),
        (Inner | None, "off", None),
    ],
)
def test_values_that_fit(tp, value, expected):
    decoded = CONVERTER.structure(value, tp)
    assert decoded == expected
    assert type(decoded) is type(expected)


@pytest.mark.parametrize(
    ("tp", "value", "says"),
    [
        (bool, "false", "true or false, written without quotes"),
        (bool, 1, "true or false"),
        (int, True, "whole number"),
        (int, 5.0, "write 5"),
        (int, "7497", "write 7497 without quotes"),
        (int, "many", "write digits"),
        (float, True, "must be a number"),
        (float, "1,000.5", "write 1000.5 without quotes"),
        (float, float("nan"), "not a finite number"),
        (float, float("-inf"), "not a finite number"),
        (float | None, float("nan"), "not a finite number"),
        (float | None, "of", "must be a number"),
        (str, 5, 'write "5" in quotes'),
        (str, ["x"], "write it in quotes"),
        (str, {"env": "NONE"}, "NONE is not set"),
        (str | None, {"env": "NONE"}, "NONE is not set"),
        (Secret, "PK-plain", "no place for a secret"),
        (Secret | None, "PK-plain", "no place for a secret"),
        (Decimal, 0.01, "write it in quotes"),
        (Decimal, "x", "must be a number"),
        (Decimal, "NaN", "not a finite number"),
        (Duration, 60, "duration in quotes"),
        (Duration, "soon", "is not a duration; write a number and a unit"),
        (Literal["fsync", "write"], "fsink", 'one of "fsync", "write"; did you mean fsync?'),
        (Literal[1, 2], True, "one of 1, 2"),
        (Side, "bye", 'one of "buy", "sell"; did you mean buy?'),
        (Side, "BUY", "did you mean buy?"),
        (int | bool, "x", "whole number; write digits, without quotes; or must be true or false"),
        (tuple[str, ...], "BTC", 'write ["BTC"]'),
        (tuple[str, ...], 5, "write it in [ ]"),
        (tuple[int, str], [1], "exactly 2 values"),
        (dict[str, int], [1], "must be a table"),
        (datetime, datetime(2026, 1, 31), "has no time zone"),  # noqa: DTZ001 - the point
        (datetime, "yesterday", "must be a date and time"),
        (date, datetime(2026, 1, 31, tzinfo=UTC), "must be a date such as"),
        (time, "09:30", "must be a time of day"),
        (Inner, 5, "must be a table"),
    ],
)
def test_values_that_do_not_fit(tp, value, says):
    with pytest.raises(Mistake) as caught:
        CONVERTER.structure(value, tp)
    assert says in str(caught.value)
    assert "PK-plain" not in str(caught.value)


def report(raw, cls, **options) -> dict[str, str]:
    with pytest.raises(Mistakes) as caught:
        structure_table(CONVERTER, raw, cls, **options)
    return {dotted(problem.route): problem.text for problem in problems_of(caught.value, ())}


@attrs.frozen(kw_only=True)
class Outer:
    also_accepts: ClassVar = {"count": "number"}

    inner: Inner
    many: tuple[Inner, ...] = ()
    table: dict[str, Inner] = attrs.field(factory=dict)
    number: int = attrs.field(default=1, validator=[attrs.validators.gt(0), attrs.validators.lt(10)])
    low: int = 1
    high: int = attrs.field(default=2, converter=attrs.Converter(lambda value, _: value * 1, takes_field=True))
    _hidden: str = attrs.field(default="x", validator=attrs.validators.matches_re("[a-z]"))
    made: int = attrs.field(init=False, default=0)

    @high.validator
    def _above(self, _, value):
        if value < self.low:
            raise ValueError(f"must not be below low ({self.low}); raise it")


def test_every_mistake_of_a_tree_is_found_at_once():
    raw = {
        "inner": {"size": "x", "tag": []},
        "many": [{"size": 1}, {"size": 0, "tags": "t"}, 5],
        "table": {"a": {}},
        "numbr": 1,
        "number": 50,
        "low": 5,
        "hidden": "X",
        "made": 1,
    }
    found = report(raw, Outer)
    assert found["inner.size"].startswith("must be a whole number")
    assert found["inner.tag"] == "unknown key; did you mean tags?"
    assert found["many[1].size"] == "must be > 0"
    assert "must be a list" in found["many[1].tags"]
    assert found["many[2]"].startswith("must be a table")
    assert found["table.a.size"].startswith("is missing")
    assert found["numbr"] == "unknown key; did you mean number?"
    assert found["number"] == "must be < 10"
    assert "must match regex" in found["hidden"]
    assert "made" in found
    assert len(found) == 10


def test_a_validator_that_compares_fields_sees_the_defaults():
    assert report({"inner": {"size": 1}, "high": 0}, Outer) == {"high": "must not be below low (1); raise it"}
    assert report({"inner": {"size": 1}, "high": 0, "number": 0}, Outer)["high"].startswith("must not be below")


def test_another_spelling_is_decoded_and_validated_like_the_field():
    assert report({"inner": {"size": 1}, "count": 0}, Outer)["count"] == "must be > 0"


def test_arguments_that_are_given_are_no_keys():
    made = structure_table(CONVERTER, {}, Outer, given={"inner": Inner(size=3)})
    assert made.inner.size == 3
    assert "inner" in report({"inner": {"size": 1}}, Outer, given={"inner": Inner(size=3)})


def test_a_class_that_cannot_be_resolved_blames_its_author():
    @attrs.frozen
    class Odd:
        x: NoSuchType  # noqa: F821 - the point

    with pytest.raises(Mistake, match="tell its author"):
        structure_table(CONVERTER, {"x": 1}, Odd)


def test_a_type_that_nobody_can_decode_is_one_problem():
    @attrs.frozen
    class Odd:
        x: type(CONVERTER)

    assert "x" in report({"x": 1}, Odd)


def test_a_constructor_that_fails_is_the_tables_problem():
    @attrs.frozen
    class Odd:
        x: int

        def __attrs_post_init__(self):
            raise LookupError("the table is not there")

    assert report({"x": 1}, Odd) == {"": "LookupError: the table is not there"}

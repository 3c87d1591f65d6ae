"""Which column of a file is what."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Literal

from attrs import frozen

from ml4t.live.feeds.problem import RecordingError

Kind = Literal["bar", "trade"]

_TIME = ("eventtime", "timestamp", "datetime", "ts", "time", "date", "t")
_SYMBOL = ("symbol", "asset", "ticker", "instrument", "sym")
_PRICE = ("price", "px", "last", "lastprice", "tradeprice", "p")
_SIZE = ("size", "qty", "quantity", "amount", "lastsize", "volume")

SYNONYMS: dict[Kind, dict[str, tuple[str, ...]]] = {
    "bar": {
        "time": _TIME,
        "symbol": _SYMBOL,
        "open": ("open", "o"),
        "high": ("high", "h"),
        "low": ("low", "l"),
        "close": ("close", "c"),
        "volume": ("volume", "vol", "v"),
        "adj_close": ("adjclose", "adjustedclose", "closeadj"),
    },
    "trade": {"time": _TIME, "symbol": _SYMBOL, "price": _PRICE, "size": _SIZE},
}
"""For each kind of row its fields in the order in which rows are read, and the names they go by, the likeliest first."""

_NEEDED: dict[Kind, tuple[str, ...]] = {"bar": ("time", "open", "high", "low", "close"), "trade": ("time", "price")}


@frozen
class Columns:
    """The kind of the rows, and the file's own name for each field that it has."""

    kind: Kind
    names: Mapping[str, str]

    def in_order(self) -> list[str]:
        """Return one of the file's names for every field of this kind; the time's where the file does not have the field."""
        return [self.names.get(field, self.names["time"]) for field in SYNONYMS[self.kind]]


def find_columns(
    names: Sequence[str],
    *,
    where: str,
    kind: Literal["auto", "bar", "trade"] = "auto",
    renamed: Mapping[str, str] | None = None,
) -> Columns:
    """Return what each of the file's columns is.

    Names are compared without case, spaces, dashes and underscores. Raises `RecordingError` that lists the file's columns
    when a needed one is missing or two claim to be the time.
    """
    known = {_plain(name): name for name in reversed(names)} | _renamed(names, where, renamed or {})
    chosen: Kind = kind if kind != "auto" else _see_kind(known)
    found = {}
    for field, synonyms in SYNONYMS[chosen].items():
        column = next((known[synonym] for synonym in synonyms if synonym in known), None)
        if column is not None:
            found[field] = column
    missing = [field for field in _NEEDED[chosen] if field not in found]
    if missing:
        raise RecordingError(
            f"{where}: no column for {', '.join(missing)} of a {chosen}; the columns are {_listed(names)}; "
            f'say which it is, as in columns = {{ "their name" = "{missing[0]}" }}'
        )
    if _plain(found["time"]) in {"time", "date"} and {"time", "date"} <= known.keys():
        raise RecordingError(
            f"{where}: {known['date']!r} and {known['time']!r} are both there and neither is a whole moment; "
            "join them into one column named timestamp"
        )
    return Columns(chosen, found)


def _see_kind(known: Mapping[str, str]) -> Kind:
    """A file with a price and no open, high and low holds trades."""
    fields = SYNONYMS["bar"]
    is_bar = all(any(name in known for name in fields[field]) for field in ("open", "high", "low"))
    return "trade" if not is_bar and any(name in known for name in _PRICE) else "bar"


def _renamed(names: Sequence[str], where: str, renamed: Mapping[str, str]) -> dict[str, str]:
    """Return the user's own names, under the likeliest name of the field that each stands for."""
    meant = {}
    fields = SYNONYMS["trade"] | SYNONYMS["bar"]
    for theirs, ours in renamed.items():
        if theirs not in names:
            raise RecordingError(f"{where}: columns names {theirs!r}, which is not there; the columns are {_listed(names)}")
        plain = _plain(ours)
        field = next((field for field, synonyms in fields.items() if plain in {_plain(field), *synonyms}), None)
        if field is None:
            raise RecordingError(f"{where}: columns: {theirs!r} cannot be {ours!r}; choose from {', '.join(fields)}")
        meant[fields[field][0]] = theirs
    return meant


def _plain(name: str) -> str:
    return re.sub(r"[\s_-]", "", name).lower()


def _listed(names: Sequence[str]) -> str:
    return ", ".join(map(repr, names)) or "none"

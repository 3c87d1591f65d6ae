"""What a start needs, after a repair: the kill switch, holdings and cash. What cannot be proven fails closed."""

from __future__ import annotations

import sqlite3
from typing import Any

import msgspec

from ml4t.live.journal.encoding import decode, encode
from ml4t.live.journal.kinds import RecordKind
from ml4t.live.model import Fill
from ml4t.live.portfolio import Portfolio

State = dict[tuple[str, str], str]

SWITCH = ("risk", "kill_switch")
BOOKS = ("account", "books")


def throw_switch(state: State, reason: str, now: int) -> str:
    """Put a thrown kill switch into `state` and return its JSON; one that was thrown before keeps its own reason."""
    held = _object(state.get(SWITCH))
    if held.get("on") is not True:
        stopped = {"scopes": held["scopes"]} if held.get("scopes") else {}  # these stay when the whole is resumed
        held = {"on": True, "reason": reason, "by": "journal repair", "at": now, **stopped}
    state[SWITCH] = encode(held)
    return state[SWITCH]


def must_throw(state: State, *, whole: bool, records: sqlite3.Connection) -> str:
    """Return why the kill switch must be thrown after this repair; empty when its state is proven."""
    row = records.execute("SELECT body FROM records WHERE kind = ? ORDER BY seq DESC LIMIT 1", (RecordKind.KILL_SWITCH,))
    last = _object((row.fetchone() or (None,))[0])
    held = _object(state.get(SWITCH))
    if not whole:
        return "the journal was repaired, and the state of the kill switch, the limits and the holdings could not all be read"
    if last.get("scope"):  # a stop of a symbol or a strategy has a switch of its own
        held = held.get("scopes", {}).get(last["scope"], {})
    if last.get("on") is True and held.get("on") is not True and held.get("at", 0) <= last.get("at", 0):
        return "the journal was repaired, and its records and its state disagree about the kill switch"
    return ""


def rebuild_books(state: State, connection: sqlite3.Connection, *, complete: bool) -> list[str]:
    """Make holdings and cash again from all fills, where the state does not have them; return what was done, in words.

    When no record was lost (`complete`) the fills are right and replace what was read, which may be out of date.
    """
    portfolio = Portfolio()
    for (text,) in connection.execute("SELECT body FROM fills ORDER BY rowid"):
        portfolio.apply(decode(Fill, text))
    if complete:
        for key in [key for key in state if key[0] == "position"]:
            del state[key]
    done = []
    for symbol, position in portfolio.positions.items():
        if ("position", symbol) not in state:
            state["position", symbol] = encode(position)
            done.append(f"the position in {symbol}, {position.quantity:g}, was counted from the fills")
    if BOOKS not in state:
        cash, since = _cash(connection)
        state[BOOKS] = encode({"cash": cash, "commission": portfolio.commission})
        done.append(f"the cash, {cash:g}, was counted from the fills since {since}")
    return done


def _cash(connection: sqlite3.Connection) -> tuple[float, str]:
    query = "SELECT seq, body FROM records WHERE kind = ? ORDER BY seq DESC LIMIT 1"
    row = connection.execute(query, (RecordKind.EQUITY,)).fetchone()
    after, cash = (0, 0.0) if row is None else (row[0], float(_object(row[1]).get("cash") or 0.0))
    later = Portfolio(cash)
    for (text,) in connection.execute("SELECT body FROM records WHERE kind = 'fill' AND seq > ? ORDER BY seq", (after,)):
        later.apply(decode(Fill, text))
    return later.cash, f"record {after}" if after else "the beginning, which is taken to be 0"


def _object(text: str | None) -> dict[str, Any]:
    try:
        value = msgspec.json.decode(text or "null")
    except msgspec.MsgspecError:
        return {}
    return value if isinstance(value, dict) else {}

"""What stands on a tape: frames in the order in which things happened, each a tuple that begins with its kind."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from enum import IntEnum
from numbers import Integral, Real
from typing import Any

import msgspec

from ml4t.live.model import Bar, Forecast, Funding, MarketEvent, Quote, Trade

VERSION = 1

Frame = Sequence[Any]


class Kind(IntEnum):
    """The kinds of frame, and what follows the kind in each."""

    RUN = 0
    """version, then a table: the run, its strategy, what its market state keeps, the last record of the journal before it"""
    EVENT = 1
    """the kind of event, the engine's time, the event's fields: the market took it in, or refused it"""
    PAST = 2
    """the same, of the history that a live run warms up with"""
    SLEEP = 3
    """a market state for that history begins with what is remembered"""
    INHERIT = 4
    """and is taken over"""
    REMEMBER = 5
    """a symbol and its history, taken back from an earlier run"""
    STARTED = 6
    """the number of the record that began the run"""
    CALL = 7
    """hook, timestamp, data, context, and the last record of the journal: the strategy is called"""
    ASK = 8
    """method, arguments, what was raised, answer: the strategy asks its broker"""
    RETURN = 9
    """what was raised, and the last record of the journal: the strategy returns"""
    HOLE = 10
    """why nothing more is on the tape, although the run went on"""
    END = 11
    """how many frames came before: the run ended in order"""


_EVENTS = (Trade, Quote, Bar, Funding)
_NUMBERS = {event: number for number, event in enumerate(_EVENTS)}
_HAPPENED = frozenset({Kind.EVENT, Kind.PAST})
# Plain numbers: an enum's member takes three times as long to encode.
EVENT, PAST, CALL, ASK, RETURN = (int(kind) for kind in (Kind.EVENT, Kind.PAST, Kind.CALL, Kind.ASK, Kind.RETURN))


def pack(value: Any) -> bytes:
    """Return a value as bytes: the same value gives the same bytes, and floats keep every bit.

    Numbers of other libraries are plain ones. Raises TypeError for what has no such form.
    """
    return _encode(value)


def pack_frames(frames: Sequence[Frame]) -> bytes:
    """Return frames as bytes; one of a market event is `(kind, engine's time, event)` before it is packed."""
    fields = msgspec.structs.astuple
    return _encode([(f[0], _NUMBERS[f[2].__class__], f[1], *fields(f[2])) if f[0] in _HAPPENED else f for f in frames])


def unpack(packed: bytes) -> Any:
    """Return the value that was packed; tuples come back as lists. Raises msgspec.DecodeError."""
    return _decode(packed)


def event_of(frame: Frame) -> tuple[MarketEvent, int]:
    """Return the market event of a frame as it was packed, and the engine's time."""
    _, number, now, *fields = frame
    return _EVENTS[number](*fields), now


def context_of(packed: Mapping[str, Any]) -> dict[str, Any]:
    """Return the context of a call from what was unpacked of it: its forecasts are forecasts again."""
    return {**packed, "forecasts": msgspec.convert(packed.get("forecasts", {}), dict[str, tuple[Forecast, ...]])}


def packed_time(moment: datetime) -> datetime | str:
    """Return a timestamp as a frame holds it: zones other than UTC, and none at all, are kept as text."""
    return moment if moment.tzinfo is UTC else moment.isoformat()


def time_of(packed: datetime | str) -> datetime:
    """Return the timestamp that was packed."""
    return packed if isinstance(packed, datetime) else datetime.fromisoformat(packed)


def _plain(value: Any) -> Any:
    if isinstance(value, Integral):
        return int(value)
    if isinstance(value, Real):
        return float(value)
    if isinstance(value, Mapping):
        return dict(value)
    if isinstance(value, str):
        return str.__str__(value)
    raise TypeError(f"a {type(value).__name__} cannot be written on a tape; hand over plain numbers, text, lists and tables")


_encode = msgspec.msgpack.Encoder(enc_hook=_plain).encode
_decode = msgspec.msgpack.Decoder().decode

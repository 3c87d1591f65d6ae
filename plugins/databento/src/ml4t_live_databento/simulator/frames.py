"""What a gateway once sent, to be sent again as it was: a DBN recording of a live session, or a download."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from databento_dbn import SymbolMappingMsg

from ml4t_live_databento.dbn_file import decoded_from, header_of
from ml4t_live_databento.translator import KINDS

SUFFIXES = (".dbn", ".dbn.zst")


def is_recording(path: str) -> bool:
    """Return whether a file has frames, by its name."""
    return path.endswith(SUFFIXES)


def instruments_in(path: Path) -> dict[str, int]:
    """Return the instrument that each symbol of a recording stands for first. Raises RecordingError."""
    found = {
        symbol: int(interval["symbol"])
        for symbol, intervals in header_of(path).mappings.items()
        for interval in intervals[:1]
        if interval["symbol"]
    }
    for _, record in frames_in(path):
        if isinstance(record, SymbolMappingMsg):
            found.setdefault(record.stype_in_symbol, record.instrument_id)
    return found


def frames_in(path: Path) -> Iterator[tuple[int, Any]]:
    """Yield when each record was sent, nanoseconds UTC, and the record. A bar is sent when it has ended."""
    decoded = decoded_from(path)
    next(decoded)
    lengths = {kind.rtype: kind.interval for kind in KINDS.values() if kind.rtype is not None}
    moment = 0
    for records in decoded:
        for record in records:
            is_bar = is_of("ohlcv", record)
            moment = max(moment, record.ts_index + (lengths.get(record.rtype, 0) if is_bar else 0))
            yield moment, record


def is_of(schema: str, record: Any) -> bool:
    """Return whether a record is one of a schema, or of a family of them such as `ohlcv`."""
    kinds = [kind for name, kind in KINDS.items() if name == schema or name.startswith(f"{schema}-")]
    rtype = record.rtype
    return any(isinstance(record, kind.record) and kind.rtype in {None, rtype} for kind in kinds)

"""Frames of market data, written by hand because they are sent a hundred thousand times a second."""

from __future__ import annotations

import struct
from collections.abc import Sequence

from ml4t_live_ib.simulator.protocol.fields import write
from ml4t_live_ib.simulator.venue.tape import PriceBar, Tape

LIVE, DELAYED = 1, 3
"""Kinds of market data, as the vendor numbers them."""

_DELAYED_TICKS = {1: 66, 2: 67, 4: 68, 45: 88}


def _frame(payload: str) -> bytes:
    data = payload.encode()
    return struct.pack(">I", len(data)) + data


def real_time_bar(request_id: int, bar: PriceBar) -> bytes:
    """Return a bar of five seconds."""
    return _frame(
        f"50\x003\x00{request_id}\x00{bar.time}\x00{bar.open}\x00{bar.high}\x00{bar.low}\x00{bar.close}\x00{bar.volume}\x00"
        f"{bar.wap}\x00{bar.trades}\x00"
    )


def tick_price(request_id: int, kind: int, price: float, size: float) -> bytes:
    """Return a price with its size: 1 bid, 2 ask, 4 last."""
    return _frame(f"1\x006\x00{request_id}\x00{kind}\x00{price}\x00{size}\x001\x00")


def quote(request_id: int, tape: Tape, second: int, data_type: int, *, trades: bool) -> bytes:
    """Return the touch and, where there are trades, the last one with its time."""
    kinds = _DELAYED_TICKS if data_type == DELAYED else {}
    parts = [
        tick_price(request_id, kinds.get(1, 1), tape.bid, tape.size),
        tick_price(request_id, kinds.get(2, 2), tape.ask, tape.size),
    ]
    if trades:
        parts.append(tick_price(request_id, kinds.get(4, 4), tape.last, tape.size))
        parts.append(_frame(f"46\x006\x00{request_id}\x00{kinds.get(45, 45)}\x00{second}\x00"))
    return b"".join(parts)


def quote_parameters(request_id: int, min_tick: str, data_type: int) -> bytes:
    """Return what comes before the first tick: the price step, and what kind of data it is."""
    return _frame(f"81\x00{request_id}\x00{min_tick}\x009c0001\x003\x00") + _frame(
        f"58\x001\x00{request_id}\x00{data_type}\x00"
    )


def snapshot_end(request_id: int) -> bytes:
    """Return the end of a snapshot."""
    return _frame(f"57\x001\x00{request_id}\x00")


def tick_by_tick(request_id: int, kind: str, tape: Tape, second: int) -> bytes:
    """Return one tick: Last, AllLast, BidAsk or MidPoint."""
    match kind:
        case "BidAsk":
            rest = f"3\x00{second}\x00{tape.bid}\x00{tape.ask}\x00{tape.size}\x00{tape.size}\x000\x00"
        case "MidPoint":
            rest = f"4\x00{second}\x00{(tape.bid + tape.ask) / 2}\x00"
        case _:
            number = 1 if kind == "Last" else 2
            exchange = tape.contract.primary or tape.contract.exchange
            rest = f"{number}\x00{second}\x00{tape.last}\x00{tape.size}\x000\x00{exchange}\x00\x00"
    return _frame(f"99\x00{request_id}\x00{rest}")


def historical_bars(request_id: int, first: str, end: str, rows: Sequence[tuple[str, PriceBar]]) -> bytes:
    """Return the answer to a historical request; every row has its time as text."""
    body = "".join(
        f"{when}\x00{bar.open}\x00{bar.high}\x00{bar.low}\x00{bar.close}\x00{write(bar.volume)}\x00{bar.wap}\x00{bar.trades}\x00"
        for when, bar in rows
    )
    return _frame(f"17\x00{request_id}\x00{first}\x00{end}\x00{len(rows)}\x00{body}")


def historical_update(request_id: int, when: str, bar: PriceBar) -> bytes:
    """Return the bar in progress of a historical request that is kept up to date."""
    return _frame(
        f"90\x00{request_id}\x00{bar.trades}\x00{when}\x00{bar.open}\x00{bar.close}\x00{bar.high}\x00{bar.low}\x00{bar.wap}\x00"
        f"{write(bar.volume)}\x00"
    )

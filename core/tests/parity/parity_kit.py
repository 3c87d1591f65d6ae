"""What the tests of tapes and replays are written with."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

from engine_kit import SECOND, trade

from ml4t.live.journal import JournalReader, StateDir
from ml4t.live.model import MarketEvent, Quote
from ml4t.live.parity import SessionParity, replay_session
from ml4t.live.tape import Shelf, TapeReader
from ml4t.live.tape.file import TapeFile, chunks
from ml4t.live.tape.frames import pack, unpack


def walk(count: int, seed: int = 1, symbols: str = "AB") -> list[MarketEvent]:
    """Trades and quotes, some seconds apart, of a market that also jumps."""
    rng = random.Random(f"{seed} walk")
    prices = dict.fromkeys(symbols, 100.0)
    made: list[MarketEvent] = []
    at = 0
    for _ in range(count):
        at += rng.choice((1, 3, 9, 40)) * SECOND
        symbol = rng.choice(symbols)
        prices[symbol] = price = round(prices[symbol] * (1 + rng.gauss(0, 0.003)), 4)
        made.append(trade(symbol, at, price, float(rng.randint(1, 9))))
        if rng.random() < 0.3:
            made.append(Quote(symbol, made[-1].event_time, price * 0.9999, price * 1.0001, 5.0, 6.0))
    return made


def state(folder: Path, mode: str = "shadow") -> StateDir:
    """The folder of a mode."""
    return StateDir(folder, mode)


def replayed(folder: Path, mode: str = "shadow", **options: Any) -> SessionParity:
    """The replay of the session in a state directory."""
    return replay_session(state(folder, mode), **options)


def check_same(folder: Path, mode: str = "shadow", *, runs: int = 1, least: int = 1, **options: Any) -> SessionParity:
    """Replay a session that has to be the same, with so many orders at least."""
    found = replayed(folder, mode, **options)
    assert found.same, [run.replay.divergence for run in found.runs if run.replay]
    assert len(found.runs) == runs
    assert sum(run.replay.orders for run in found.runs if run.replay) >= least
    return found


def intents(folder: Path, mode: str = "shadow") -> list[str]:
    """The ids of the orders that the journal has as intents."""
    with JournalReader(state(folder, mode).journal) as journal:
        return [record.subject for record in journal.records("intent")]


def tape_of(folder: Path, mode: str = "shadow", number: int = -1) -> Path:
    """The tape of a run, the last one unless told otherwise."""
    return Shelf(state(folder, mode)).tapes[number]


def frames_of(path: Path) -> list[Any]:
    """The frames of a tape, the first and the last included."""
    return [frame for chunk in chunks(path) if chunk is not None for frame in unpack(chunk)]


def rewrite(path: Path, change: Callable[[list[Any]], Iterable[Any]]) -> None:
    """Write a tape anew, with other frames and checksums that fit: what only the replay itself can find out."""
    frames = list(change(frames_of(path)))
    path.unlink()
    file = TapeFile(path)
    file.append(pack(frames))
    file.close()


def read_all(path: Path) -> tuple[Sequence[Any], TapeReader]:
    """The frames between the first and the last, and the reader that knows how the tape ends."""
    with TapeReader(path) as tape:
        return list(tape), tape

"""The market: what every contract trades at, moved by a random walk, by a file, or by hand."""

from __future__ import annotations

import csv
import itertools
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from ml4t.live.errors import ConfigError
from ml4t.live.times import NANOS
from ml4t_live_ib.simulator.config import SimulatorConfig
from ml4t_live_ib.simulator.venue.contract import Contract
from ml4t_live_ib.simulator.venue.tape import BAR_SECONDS, PriceBar, Tape
from ml4t_live_ib.simulator.venue.universe import Universe

Step = list[tuple[str, float]]
"""Symbols and the prices that they move to together."""


def replay_steps(path: str) -> Iterator[Step]:
    """Yield the steps of a CSV file with the columns time, symbol and price. Raises `ConfigError` naming the line."""
    with Path(path).open(newline="", encoding="utf-8") as file:
        rows = csv.DictReader(file)
        if missing := {"time", "symbol", "price"} - set(rows.fieldnames or ()):
            raise ConfigError([f"line 1: there is no column {', '.join(sorted(missing))}"], source=path)
        for _, step in itertools.groupby(rows, key=lambda row: row["time"]):
            yield [_priced(row, rows.line_num, path) for row in step]


def _priced(row: dict[str, str], line: int, path: str) -> tuple[str, float]:
    try:
        price = float(row["price"])
    except (TypeError, ValueError):
        price = 0.0
    if not 0 < price < float("inf"):
        raise ConfigError([f"line {line}: price {row['price']!r} is not a positive number"], source=path)
    return row["symbol"], price


class Market:
    """Tapes by contract. `on_price` and `on_bar` are called for every change of a price and for every closed bar."""

    def __init__(self, universe: Universe, config: SimulatorConfig) -> None:
        self.universe = universe
        self.on_price: list[Callable[[Tape], None]] = []
        self.on_bar: list[Callable[[Tape, PriceBar], None]] = []
        self.volatility = config.volatility
        self._seed = config.seed
        self._tapes: dict[int, Tape] = {}
        self._moves_by_itself = config.interval > 0
        self._steps = replay_steps(config.data) if config.data else None
        now = int(time.time())
        self._begin = now - now % BAR_SECONDS
        if not self._moves_by_itself:
            self._begin -= config.head_start // NANOS // BAR_SECONDS * BAR_SECONDS
        self._next_bar = self._begin
        self._told: dict[int, int] = {}

    def tape(self, contract: Contract) -> Tape:
        """Return the market of a contract; it begins to move when somebody first looks at it."""
        tape = self._tapes.get(contract.con_id)
        if tape is None:
            price = self.universe.first_price(contract)
            tape = self._tapes[contract.con_id] = Tape(contract, price, self._begin, self._seed)
            if self._moves_by_itself:
                tape.begin = self._next_bar
                tape.trade(contract.round(price), 100.0, int(time.time()), float(contract.min_tick))
        return tape

    def price(self, contract: Contract, price: float) -> None:
        """Let the market be there, without a spread, until it moves on."""
        tape = self.tape(contract)
        tape.trade(price, 100.0, self._second(contract))
        self._tell(tape)

    def emit(self, contract: Contract, price: float, size: float) -> int:
        """Let a trade happen and return its time, seconds since 1970 UTC.

        In a market that moves only when told to it is a five-second bar of its own, right after the last one.
        """
        tape = self.tape(contract)
        second = self._second(contract)
        tape.trade(price, size, second)
        self._tell(tape)
        if not self._moves_by_itself:
            self._told[contract.con_id] = self._next_bar = second
            self._close(tape, second)
        return second - second % BAR_SECONDS

    def _second(self, contract: Contract) -> int:
        if self._moves_by_itself:
            return int(time.time())
        last = self._told.get(contract.con_id)
        return self._next_bar if last is None else max(last + BAR_SECONDS, self._next_bar)

    def step(self) -> None:
        """Move every price that somebody looks at once."""
        if self._steps is not None:
            self._replay(next(self._steps, []))
            return
        for tape in list(self._tapes.values()):
            moved = tape.last * (1 + tape.rng.gauss(0, self.volatility))
            size = float(tape.rng.randrange(1, 10) * 100)
            self._move(tape, tape.contract.round(moved), size)

    def _replay(self, step: Step) -> None:
        for symbol, price in step:
            contract = self.universe.named(symbol)
            if contract is not None:
                self._move(self.tape(contract), price, 100.0)

    def _move(self, tape: Tape, price: float, size: float) -> None:
        tape.trade(price, size, int(time.time()), 2 * float(tape.contract.min_tick))
        self._tell(tape)

    def close_bars(self, now: float) -> None:
        """Close every bar that has ended by now, in seconds since 1970 UTC."""
        while self._next_bar + BAR_SECONDS <= now:
            for tape in list(self._tapes.values()):
                self._close(tape, self._next_bar)
            self._next_bar += BAR_SECONDS

    def _close(self, tape: Tape, start: int) -> None:
        bar = tape.close_bar(start)
        for tell in self.on_bar:
            tell(tape, bar)

    def _tell(self, tape: Tape) -> None:
        for tell in self.on_price:
            tell(tape)

"""The books of one account: cash and holdings, kept from fills and marked to the market."""

from __future__ import annotations

import json
from collections.abc import Mapping
from math import isfinite
from pathlib import Path
from types import MappingProxyType
from typing import Any

from attrs import asdict

from ml4t.live.model import Fill, Position
from ml4t.live.private_file import write_private

DUST = 1e-12
"""What is left of a position, relative to the most that was held of it, that counts as nothing: floats do not add up."""


VERSION = 1
"""Of the file that `VirtualPortfolio.save` writes."""


class Holding:
    """One symbol's line in the books; mutable, because it is marked on every tick."""

    __slots__ = ("average_price", "mark", "multiplier", "opened_at", "peak", "quantity", "realised_pnl", "symbol")

    def __init__(self, symbol: str, multiplier: float = 1.0) -> None:
        self.symbol = symbol
        self.quantity = 0.0
        self.peak = 0.0
        """The largest absolute quantity since it was opened."""
        self.average_price = 0.0
        self.mark = 0.0
        self.realised_pnl = 0.0
        self.multiplier = multiplier
        self.opened_at = 0

    @property
    def market_value(self) -> float:
        """Signed value at the mark; the price at which it was opened is its first mark."""
        return self.quantity * self.mark * self.multiplier

    def position(self) -> Position:
        """Return the line as a position."""
        return Position(
            self.symbol, self.quantity, self.average_price, self.mark, self.realised_pnl, self.multiplier, self.opened_at
        )


class Portfolio:
    """Cash and holdings of one account.

    Average cost, signed quantities: selling short brings in cash and leaves a negative market value, so equity does not
    move when a position is opened. Marks change equity by the signed quantity times the change of price.
    """

    def __init__(self, cash: float = 0.0) -> None:
        self.cash = cash
        self.equity = cash
        self.commission = 0.0
        self._holdings: dict[str, Holding] = {}

    @property
    def positions(self) -> Mapping[str, Position]:
        """The holdings that are not zero."""
        # A list, because a strategy's own thread may ask while a fill is being booked.
        return {symbol: holding.position() for symbol, holding in list(self._holdings.items()) if holding.quantity}

    @property
    def holdings(self) -> Mapping[str, Holding]:
        """The lines of the books, flat ones included."""
        return self._holdings

    @property
    def realised(self) -> Mapping[str, float]:
        """What the symbols have earned that are flat now."""
        return {symbol: holding.realised_pnl for symbol, holding in list(self._holdings.items()) if not holding.quantity}

    def position(self, symbol: str) -> Position | None:
        """Return a holding, None when flat."""
        holding = self._holdings.get(symbol)
        return holding.position() if holding is not None and holding.quantity else None

    def quantity(self, symbol: str) -> float:
        """Return the signed quantity held."""
        holding = self._holdings.get(symbol)
        return 0.0 if holding is None else holding.quantity

    def realised_pnl(self, symbol: str) -> float:
        """Return what a symbol has earned, in account currency, commissions not taken off."""
        holding = self._holdings.get(symbol)
        return 0.0 if holding is None else holding.realised_pnl

    def multiplier(self, symbol: str) -> float:
        """Return how many units of the underlying one unit of a symbol stands for."""
        holding = self._holdings.get(symbol)
        return 1.0 if holding is None else holding.multiplier

    def set_multiplier(self, symbol: str, multiplier: float) -> None:
        """Say how many units of the underlying one unit of a symbol stands for; a position that is open keeps its own."""
        holding = self._holdings.setdefault(symbol, Holding(symbol, multiplier))
        if not holding.quantity:
            holding.multiplier = multiplier

    def apply(self, fill: Fill, corrected: Fill | None = None) -> Position:
        """Book a fill and return the symbol's position after it (quantity 0 when flat).

        One that takes the place of a `corrected` fill is booked after the opposite of that one: cash, quantity and equity are
        then as if it had been right from the start; how profit is split between realised and open may differ.
        """
        if corrected is not None:
            self._move(corrected, -1.0)
        return self._move(fill, 1.0)

    def _move(self, fill: Fill, direction: float) -> Position:
        holding = self._holdings.get(fill.symbol)
        if holding is None:
            holding = self._holdings[fill.symbol] = Holding(fill.symbol)
        signed = fill.signed_quantity * direction
        commission = fill.commission * direction
        self.cash -= signed * fill.price * holding.multiplier + commission
        self.commission += commission
        if signed:
            _book(holding, signed, fill.price, fill.time)
        self._anchor()
        return holding.position()

    def mark(self, symbol: str, price: float) -> bool:
        """Revalue a holding; return True when equity changed."""
        holding = self._holdings.get(symbol)
        if holding is None or not holding.quantity or price == holding.mark:
            return False
        self.equity += holding.quantity * (price - holding.mark) * holding.multiplier
        holding.mark = price
        return True

    def restore(
        self,
        cash: float,
        positions: Mapping[str, Position],
        commission: float = 0.0,
        realised: Mapping[str, float] = MappingProxyType({}),
    ) -> None:
        """Replace the books by those given; `realised` is what the symbols earned that are flat now."""
        self.cash = cash
        self.commission = commission
        self._holdings.clear()  # in place: the engine's hot path holds on to this very dict
        self._holdings.update({symbol: _holding(position) for symbol, position in positions.items()})
        for symbol in realised.keys() - positions.keys():
            self._holdings[symbol] = _holding(Position(symbol, 0.0, 0.0, realised_pnl=realised[symbol]))
        self._anchor()

    def state(self) -> dict[str, Any]:
        """Return the account's line as plain values: cash and commission paid."""
        return {"cash": self.cash, "commission": self.commission}

    def _anchor(self) -> None:
        # Marks move equity incrementally; recomputing it at every fill keeps rounding from adding up over years.
        self.equity = self.cash + sum(holding.market_value for holding in self._holdings.values())


class VirtualPortfolio(Portfolio):
    """The books of a shadow account: nothing in them is real but the prices."""

    def __init__(self, initial_cash: float = 100_000.0) -> None:
        super().__init__(initial_cash)
        self.initial_cash = initial_cash

    def save(self, path: str | Path) -> None:
        """Write the books to a JSON file, private to the user; a crash leaves the old file or the new one.

        Raises ValueError when a number in the books is not finite, OSError when the file cannot be written.
        """
        body = {
            "version": VERSION,
            "initial_cash": self.initial_cash,
            **self.state(),
            "holdings": [{**asdict(holding.position()), "peak": holding.peak} for _, holding in sorted(self._holdings.items())],
        }
        write_private(Path(path), json.dumps(body, indent=2, allow_nan=False) + "\n")

    @classmethod
    def load(cls, path: str | Path) -> VirtualPortfolio:
        """Return the books that `save` wrote, to the last bit.

        Raises OSError when there is no such file, ValueError when it holds something else.
        """
        try:
            return cls._of(json.loads(Path(path).read_text(encoding="utf-8"), parse_constant=_no_number))
        except (ArithmeticError, AttributeError, KeyError, TypeError, ValueError) as error:
            raise ValueError(f"{path} does not hold the books of a portfolio: {error!r}") from error

    @classmethod
    def _of(cls, body: Mapping[str, Any]) -> VirtualPortfolio:
        if body["version"] != VERSION:
            raise ValueError(f"version {body['version']!r} is not {VERSION}")
        portfolio = cls(_number(body["initial_cash"]))
        lines = [dict(line) for line in body["holdings"]]
        peaks = {line["symbol"]: _number(line.pop("peak")) for line in lines}
        positions = {line["symbol"]: Position(**line) for line in lines}
        if len(positions) < len(lines):
            raise ValueError("a symbol is in it twice")
        for position in positions.values():
            for value in asdict(position, filter=lambda field, _: field.name != "symbol").values():
                _number(value)
        portfolio.restore(_number(body["cash"]), positions, _number(body["commission"]))
        for symbol, peak in peaks.items():
            portfolio._holdings[symbol].peak = peak
        return portfolio


def _book(holding: Holding, signed: float, price: float, time: int) -> None:
    before = holding.quantity
    after = before + signed
    if not before:
        _open(holding, price, time)
    elif before * signed > 0.0:
        holding.average_price = (holding.average_price * before + price * signed) / after
    else:
        closed = min(abs(signed), abs(before))
        direction = 1.0 if before > 0.0 else -1.0
        holding.realised_pnl += closed * (price - holding.average_price) * direction * holding.multiplier
        if abs(after) <= DUST * holding.peak:  # dust would count as a position for ever
            after = 0.0
        elif before * after < 0.0:  # through zero: the rest is a new position
            _open(holding, price, time)
    holding.quantity = after
    holding.peak = max(holding.peak, abs(after))


def _open(holding: Holding, price: float, time: int) -> None:
    holding.opened_at = time
    holding.peak = 0.0
    holding.average_price = price
    # A mark from before says nothing of a position that did not exist: opening at the fill's price moves no equity.
    holding.mark = price


def _holding(position: Position) -> Holding:
    holding = Holding(position.symbol, position.multiplier)
    holding.quantity = position.quantity
    holding.peak = abs(position.quantity)
    holding.average_price = position.average_price
    holding.mark = position.average_price if position.mark is None else position.mark
    holding.realised_pnl = position.realised_pnl
    holding.opened_at = position.opened_at
    return holding


def _number(value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not isfinite(value):
        raise ValueError(f"{value!r} is not a finite number")
    return value


def _no_number(text: str) -> float:
    raise ValueError(f"{text} is not a finite number")

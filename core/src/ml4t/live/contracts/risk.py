"""The contract of a risk check."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Protocol, runtime_checkable

from ml4t.live.contracts.market import MarketView
from ml4t.live.model import Order, Position, Verdict


class RiskView(Protocol):
    """What a check may look at: the books as the engine knows them at this moment.

    Open orders, sent or not, known or unknown, are exposure: use `projected` rather than `position` for a limit on what
    is held.
    """

    @property
    def now(self) -> int:
        """The time of the decision, nanoseconds UTC."""
        ...

    @property
    def market(self) -> MarketView:
        """The state of the market."""
        ...

    @property
    def positions(self) -> Mapping[str, Position]:
        """The holdings that are not zero, by symbol."""
        ...

    @property
    def open_orders(self) -> Sequence[Order]:
        """Every order that may still trade, the one being checked not among them."""
        ...

    @property
    def equity(self) -> float:
        """Cash plus the signed value of all positions at their marks."""
        ...

    @property
    def cash(self) -> float:
        """Cash in the account."""
        ...

    def position(self, symbol: str) -> float:
        """Return the signed quantity held."""
        ...

    def projected(self, symbol: str) -> tuple[float, float]:
        """Return the lowest and highest signed quantity that open orders could still lead to."""
        ...

    def worst_case(self, order: Order) -> float:
        """Return the largest absolute quantity that `order`, on top of all open ones, could lead to on its side."""
        ...

    def exposures(self) -> Iterable[tuple[str, float]]:
        """Return each symbol that is held or being ordered with its worst-case absolute quantity."""
        ...

    def submitted_since(self, since: int) -> int:
        """Return how many orders passed the gate after `since` (nanoseconds UTC)."""
        ...

    def repeated(self, order: Order, since: int) -> Order | None:
        """Return the last order that passed the gate after `since` and asked for the same as `order`, None without one."""
        ...

    @property
    def open_count(self) -> int:
        """How many orders may still trade."""
        ...

    def mark(self, symbol: str) -> float | None:
        """Return the last trusted price of a symbol, or else what its holding was last valued at; None if unknown."""
        ...

    def price(self, order: Order) -> float | None:
        """Return the price to value `order` at: the highest of the last trusted price and its own; None without a last one."""
        ...

    def reduces(self, order: Order) -> bool:
        """Return True when `order`, with every open order on its side filled first, can only bring the position nearer zero."""
        ...


@runtime_checkable
class RiskCheck(Protocol):
    """One rule that every order must pass.

    A check is pure: same order and view, same verdict. It is fast (a time budget is enforced) and changes nothing.
    Whatever it raises is a refusal. `exempts_reducing` (class attribute, default False) declares that orders which only
    reduce risk pass without being asked.
    """

    def check(self, order: Order, view: RiskView) -> Verdict:
        """Return `ALLOW`, or `refuse(code, reason, limit=..., value=...)`."""
        ...

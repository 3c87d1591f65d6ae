"""The contract of a risk check."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Protocol, runtime_checkable

from ml4t.live.contracts.market import MarketView
from ml4t.live.model import Order, Position, Verdict


class TallyLine(Protocol):
    """What one strategy did in one symbol."""

    @property
    def quantity(self) -> float:
        """The signed quantity that its fills add up to."""
        ...

    def result(self, mark: float | None) -> float | None:
        """Return the day's result at `mark`, commissions deducted; None when it is held and no mark is known."""
        ...


class MomentView(Protocol):
    """When something happened."""

    def since(self, moment: int) -> int:
        """Return how often it happened after `moment` (nanoseconds UTC)."""
        ...


class TallyView(Protocol):
    """What has been counted. The day is that of the loss limits."""

    @property
    def messages(self) -> MomentView:
        """Orders sent, orders refused, and cancels."""
        ...

    @property
    def fills(self) -> MomentView:
        """Executions."""
        ...

    @property
    def started(self) -> int:
        """The first order sent since this process began, nanoseconds UTC; 0 before it."""
        ...

    @property
    def sent_since_start(self) -> int:
        """Orders sent since this process began."""
        ...

    @property
    def value_sent(self) -> float:
        """The value of the orders sent today, in account currency."""
        ...

    @property
    def messages_today(self) -> int:
        """Orders sent, orders refused, and cancels of today."""
        ...

    @property
    def fills_today(self) -> int:
        """Executions of today."""
        ...

    @property
    def losing_streak(self) -> int:
        """Closing orders in a row, today, that lost money."""
        ...

    @property
    def last_loss_at(self) -> int:
        """When the last of them traded, nanoseconds UTC; 0 without one."""
        ...

    def orders_of(self, order: Order) -> int:
        """Return how many orders the decision behind `order` has sent in its symbol."""
        ...

    def of_symbol(self, symbol: str) -> Mapping[str, TallyLine]:
        """Return the day's lines of a symbol by strategy."""
        ...

    def of_strategy(self, strategy: str) -> Mapping[str, TallyLine]:
        """Return the day's lines of a strategy by symbol."""
        ...


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

    def reserves(self, order: Order) -> float:
        """Return how much of an order counts on its side: for one that is not open yet, how much it would add.

        An exit counts as far as its entry has traded; of orders of which one cancels the others, only the largest counts.
        """
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
        """Return the price to value `order` at: the highest of the last trusted price and its own; None without a last one.

        A last price that is not above zero is none.
        """
        ...

    def reduces(self, order: Order) -> bool:
        """Return True when `order`, with every open order on its side filled first, can only bring the position nearer zero."""
        ...

    def shorts(self, order: Order) -> bool:
        """Return True when selling would end below zero even after every open buy."""
        ...

    def open_in(self, symbol: str) -> int:
        """Return how many orders in a symbol may still trade."""
        ...

    @property
    def buying_power(self) -> float | None:
        """What may still be bought or sold short, open orders deducted; None when it is not known."""
        ...

    @property
    def tallies(self) -> TallyView:
        """What has been counted: messages, executions, turnover, results."""
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

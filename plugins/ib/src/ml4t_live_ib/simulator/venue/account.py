"""The account: cash, holdings, and what the vendor reports about them."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from attrs import define

from ml4t_live_ib.simulator.venue.contract import Contract


@define
class Holding:
    """A position. `price` is the average price per unit, without commissions."""

    contract: Contract
    quantity: float = 0.0
    price: float = 0.0
    realized: float = 0.0

    @property
    def average_cost(self) -> float:
        """The average cost as the vendor tells it: price times multiplier."""
        return self.price * self.contract.point_value

    def apply(self, signed: float, price: float) -> float:
        """Take a trade; return what it has earned."""
        closed = min(abs(signed), abs(self.quantity)) if signed * self.quantity < 0 else 0.0
        earned = closed * (price - self.price) * self.contract.point_value * (1 if self.quantity > 0 else -1)
        quantity = round(self.quantity + signed, 9)
        if closed == 0:
            self.price = (self.price * self.quantity + price * signed) / quantity if quantity else 0.0
        elif quantity * self.quantity <= 0:
            self.price = price if quantity else 0.0
        self.quantity = quantity
        self.realized += earned
        return earned


class Account:
    """Cash and holdings of one account, in USD; `price_of` says what a contract is worth now."""

    def __init__(self, name: str, cash: float, price_of: Callable[[Contract], float]) -> None:
        self.name = name
        self.start = cash
        self.cash = cash
        self.realized = 0.0
        self.holdings: dict[int, Holding] = {}
        self._price_of = price_of

    def apply(self, contract: Contract, signed: float, price: float) -> float:
        """Take a trade; return what it has earned, commissions not deducted."""
        holding = self.holdings.setdefault(contract.con_id, Holding(contract))
        earned = holding.apply(signed, price)
        self.cash += earned if contract.is_settled_daily else -signed * price * contract.point_value
        self.realized += earned
        return earned

    def restart(self) -> None:
        """Forget everything that was applied."""
        self.cash, self.realized = self.start, 0.0
        self.holdings.clear()

    def charge(self, commission: float) -> None:
        """Pay a commission."""
        self.cash -= commission

    @property
    def open_holdings(self) -> list[Holding]:
        """What is held."""
        return [holding for holding in self.holdings.values() if holding.quantity]

    def value_of(self, holding: Holding) -> float:
        """Return what a holding adds to the equity: its value, or its gain where that is settled daily."""
        price = self._price_of(holding.contract) - (holding.price if holding.contract.is_settled_daily else 0.0)
        return holding.quantity * price * holding.contract.point_value

    def unrealized(self, holding: Holding) -> float:
        """Return what closing a holding now would earn."""
        return (self._price_of(holding.contract) - holding.price) * holding.quantity * holding.contract.point_value

    @property
    def equity(self) -> float:
        """Cash and the value of what is held."""
        return self.cash + sum(self.value_of(holding) for holding in self.open_holdings)

    def values(self) -> Iterator[tuple[str, str, str]]:
        """Yield tag, value and currency of what the vendor reports."""
        gross = sum(abs(self._price_of(h.contract) * h.quantity * h.contract.point_value) for h in self.open_holdings)
        equity = self.equity
        yield "AccountType", "INDIVIDUAL", ""
        yield "Currency", "USD", "USD"
        yield "Cushion", f"{max(0.0, 1 - gross / 2 / equity) if equity > 0 else 0.0:.6f}", ""
        for tag, value in (
            ("NetLiquidation", equity),
            ("TotalCashValue", self.cash),
            ("TotalCashBalance", self.cash),
            ("CashBalance", self.cash),
            ("SettledCash", self.cash),
            ("EquityWithLoanValue", equity),
            ("BuyingPower", max(0.0, 4 * equity - gross)),
            ("AvailableFunds", max(0.0, equity - gross / 4)),
            ("ExcessLiquidity", max(0.0, equity - gross / 4)),
            ("InitMarginReq", gross / 4),
            ("MaintMarginReq", gross / 4),
            ("GrossPositionValue", gross),
            ("UnrealizedPnL", sum(self.unrealized(holding) for holding in self.open_holdings)),
            ("RealizedPnL", self.realized),
        ):
            yield tag, f"{value:.2f}", "USD"

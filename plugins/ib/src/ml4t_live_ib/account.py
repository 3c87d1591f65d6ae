"""What IB says of an account's money."""

from __future__ import annotations

from collections.abc import Iterable

from ib_async import AccountValue

from ml4t.live.errors import BrokerConnectionError
from ml4t.live.model import Account


def kind_of(account: str) -> str:
    """Return `paper` or `live`: the names of paper accounts begin with D (DU, DF, DI)."""
    return "paper" if account.startswith("D") else "live"


class Money:
    """The values of one account, by tag and currency."""

    def __init__(self, account: str, values: Iterable[AccountValue]) -> None:
        self._account = account
        self._values = {(each.tag, each.currency): each.value for each in values if each.account == account}

    def as_account(self, now: int) -> Account:
        """Return the account in its base currency. Raises BrokerConnectionError when IB has not told enough of it."""
        base = self._base()
        cash = self._number("TotalCashValue", base)
        if cash is None:
            cash = self._number("TotalCashBalance", "BASE")
        equity = self._number("NetLiquidation", base)
        if cash is None or equity is None:
            raise BrokerConnectionError(f"IB has not said what account {self._account} holds in cash and is worth")
        return Account(
            account=self._account,
            kind=kind_of(self._account),
            currency=base,
            cash=cash,
            equity=equity,
            time=now,
            buying_power=self._number("BuyingPower", base),
        )

    def rate(self, currency: str) -> float:
        """Return what one unit of a currency is worth in the base currency; 1 when IB does not say."""
        rate = self._number("ExchangeRate", currency)
        return 1.0 if rate is None else rate

    def _base(self) -> str:
        return next((currency for tag, currency in self._values if tag == "NetLiquidation" and currency != "BASE"), "USD")

    def _number(self, tag: str, currency: str) -> float | None:
        value = self._values.get((tag, currency))
        try:
            return None if value is None else float(value)
        except ValueError:
            return None

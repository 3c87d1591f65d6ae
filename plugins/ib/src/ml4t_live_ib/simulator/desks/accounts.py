"""Accounts as clients see them: positions, values, profit and loss; asked for once, and told when they change."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterator, Mapping

from ml4t_live_ib.simulator.protocol import answer_tables as answers
from ml4t_live_ib.simulator.protocol.fields import Values
from ml4t_live_ib.simulator.protocol.message import Message
from ml4t_live_ib.simulator.protocol.stamps import Clock
from ml4t_live_ib.simulator.session import Session
from ml4t_live_ib.simulator.venue.account import Account, Holding
from ml4t_live_ib.simulator.venue.order import Execution, Refused


class AccountDesk:
    """Answers about the accounts, and tells who has subscribed to them."""

    def __init__(
        self,
        accounts: Mapping[str, Account],
        price_of: Callable[[Holding], float],
        clock: Clock,
        sessions: Callable[[], list[Session]],
    ) -> None:
        self._accounts = accounts
        self._price_of = price_of
        self._clock = clock
        self._sessions = sessions
        self._moved: set[str] = set()

    def _account(self, name: str) -> Account:
        account = self._accounts.get(name or next(iter(self._accounts)))
        if account is None:
            raise Refused(321, f"Error validating request.-'bW' : cause - Invalid account code '{name}'.")
        return account

    # --- requests

    def positions(self, session: Session, _: Values) -> Iterator[tuple[Message, Values]]:
        """Answer reqPositions and go on telling."""
        session.wants_positions = True
        for account in self._accounts.values():
            for holding in account.open_holdings:
                yield answers.POSITION, self._as_position(account, holding)

    def cancel_positions(self, session: Session, _: Values) -> None:
        """Handle cancelPositions."""
        session.wants_positions = False

    def updates(self, session: Session, values: Values) -> Iterator[tuple[Message, Values]]:
        """Answer reqAccountUpdates and go on telling; the end carries the account's name."""
        account = self._account(values["account"])
        values["account"] = account.name
        if not values["subscribe"]:
            session.accounts_watched.discard(account.name)
            return
        session.accounts_watched.add(account.name)
        yield from self._report(account)

    def multi(self, session: Session, values: Values) -> Iterator[tuple[Message, Values]]:
        """Answer reqAccountUpdatesMulti."""
        account = self._account(values["account"])
        for tag, value, currency in account.values():
            yield (
                answers.ACCOUNT_MULTI,
                {"reqId": values["reqId"], "account": account.name, "tag": tag, "value": value, "currency": currency},
            )

    def summary(self, session: Session, values: Values) -> Iterator[tuple[Message, Values]]:
        """Answer reqAccountSummary: the tags that were asked for, of every account."""
        wanted = {tag.strip() for tag in values["tags"].split(",")}
        for account in self._accounts.values():
            for tag, value, currency in account.values():
                if tag in wanted or any(each.startswith("$LEDGER") for each in wanted):
                    yield (
                        answers.ACCOUNT_SUMMARY,
                        {"reqId": values["reqId"], "account": account.name, "tag": tag, "value": value, "currency": currency},
                    )

    def pnl(self, session: Session, values: Values) -> Iterator[tuple[Message, Values]]:
        """Answer reqPnL."""
        account = self._account(values["account"])
        unrealized = sum(account.unrealized(holding) for holding in account.open_holdings)
        daily = unrealized + account.realized
        yield (
            answers.PNL,
            {"reqId": values["reqId"], "dailyPnL": daily, "unrealizedPnL": unrealized, "realizedPnL": account.realized},
        )

    # --- news

    def executed(self, execution: Execution) -> None:
        """Tell of the position that an execution has changed, and of the account's values once the batch is done."""
        account = self._accounts[execution.order.account]
        holding = account.holdings[execution.order.contract.con_id]
        for session in self._sessions():
            if session.wants_positions:
                session.send(answers.POSITION, self._as_position(account, holding))
        if not self._moved:
            asyncio.get_running_loop().call_soon(self._tell_values)
        self._moved.add(account.name)

    def _tell_values(self) -> None:
        moved, self._moved = self._moved, set()
        for session in self._sessions():
            for name in moved & session.accounts_watched:
                for message, values in self._report(self._accounts[name]):
                    session.send(message, values)

    def _report(self, account: Account) -> Iterator[tuple[Message, Values]]:
        for tag, value, currency in account.values():
            yield answers.ACCOUNT_VALUE, {"tag": tag, "value": value, "currency": currency, "account": account.name}
        for holding in account.holdings.values():
            yield answers.PORTFOLIO_VALUE, self._as_portfolio(account, holding)
        yield answers.ACCOUNT_TIME, {"time": f"{self._clock.at(time.time()):%H:%M}"}

    def _as_position(self, account: Account, holding: Holding) -> Values:
        return holding.contract.values | {
            "account": account.name,
            "position": holding.quantity,
            "avgCost": holding.average_cost,
        }

    def _as_portfolio(self, account: Account, holding: Holding) -> Values:
        price = self._price_of(holding)
        return holding.contract.values | {
            "exchange": holding.contract.primary,  # this message has the primary exchange in that place
            "position": holding.quantity,
            "marketPrice": price,
            "marketValue": price * holding.quantity * holding.contract.point_value,
            "averageCost": holding.average_cost,
            "unrealizedPNL": account.unrealized(holding),
            "realizedPNL": holding.realized,
            "account": account.name,
        }

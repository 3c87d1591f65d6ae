"""What does not change: contracts, price steps, the clock."""

from __future__ import annotations

import datetime as dt
import time
from collections.abc import Iterator

from ml4t_live_ib.simulator.protocol import answer_tables as answers
from ml4t_live_ib.simulator.protocol.fields import Each, Values, fields
from ml4t_live_ib.simulator.protocol.message import Message
from ml4t_live_ib.simulator.protocol.stamps import Clock
from ml4t_live_ib.simulator.session import Session
from ml4t_live_ib.simulator.venue.contract import Contract
from ml4t_live_ib.simulator.venue.order import Refused
from ml4t_live_ib.simulator.venue.universe import Universe

_ORDER_TYPES = "ACTIVETIM,DAY,FOK,GTC,IOC,LMT,LOC,MIT,MKT,MOC,OPG,STP,STPLMT,TRAIL,WHATIF"
_OPTION_CHAIN = Message(
    75,
    "securityDefinitionOptionParameter",
    (
        *fields("reqId:i exchange underlyingConId:i tradingClass multiplier"),
        Each("expirations", fields("date")),
        Each("strikes", fields("strike:f")),
    ),
)
_OLDEST = dt.datetime(2016, 1, 4, 14, 30, tzinfo=dt.UTC)
_DAYS_OF_HOURS = 6


class ReferenceDesk:
    """Answers from the universe of contracts."""

    def __init__(self, universe: Universe, accounts: tuple[str, ...], clock: Clock) -> None:
        self._universe = universe
        self._accounts = accounts
        self._clock = clock

    def contract_details(self, session: Session, values: Values) -> Iterator[tuple[Message, Values]]:
        """Answer reqContractDetails. Raises `Refused` with 200 when nothing fits."""
        found = self._universe.find(values)
        if not found:
            raise Refused(200, "No security definition has been found for the request")
        for contract in found:
            yield answers.CONTRACT_DETAILS, self._as_details(contract) | {"reqId": values["reqId"]}

    def _as_details(self, contract: Contract) -> Values:
        hours = self._hours()
        return contract.values | {
            "marketName": contract.trading_class,
            "minTick": float(contract.min_tick),
            "orderTypes": _ORDER_TYPES,
            "validExchanges": ",".join((contract.exchange, *contract.exchanges)),
            "underConId": contract.underlying,
            "longName": contract.long_name,
            "primaryExchange": contract.primary,
            "contractMonth": contract.expiry[:6],
            "timeZoneId": contract.zone,
            "tradingHours": hours,
            "liquidHours": hours,
            "marketRuleIds": str(self._rule_id(contract)),
            "realExpirationDate": contract.expiry,
            "stockType": contract.stock_type,
            "minSize": float(contract.min_size),
            "sizeIncrement": float(contract.size_step),
            "suggestedSizeIncrement": 100.0 if contract.kind == "STK" else float(contract.size_step),
        }

    def _hours(self) -> str:
        """Return the hours of the next days: the simulated market never closes by itself."""
        first = self._clock.at(time.time()).date()
        days = (first + dt.timedelta(n) for n in range(_DAYS_OF_HOURS))
        return ";".join(f"{day:%Y%m%d}:0000-{day:%Y%m%d}:2359" for day in days)

    def _rule_id(self, contract: Contract) -> int:
        ticks = sorted({each.min_tick for each in self._universe}, key=float)
        return ticks.index(contract.min_tick) + 26

    def market_rule(self, session: Session, values: Values) -> None:
        """Handle reqMarketRule: the price step, the same at every price."""
        ticks = sorted({each.min_tick for each in self._universe}, key=float)
        place = (values["marketRuleId"] or 0) - 26
        if not 0 <= place < len(ticks):
            raise Refused(321, f"Error validating request.-'bW' : cause - Market rule {values['marketRuleId']} is unknown")
        increments = [{"lowEdge": 0.0, "increment": float(ticks[place])}]
        session.send(answers.MARKET_RULE, values | {"increments": increments})

    def matching_symbols(self, session: Session, values: Values) -> None:
        """Handle reqMatchingSymbols: what begins like the pattern, or has it in its name."""
        pattern = values["pattern"].upper()
        found = [
            {
                "conId": each.con_id,
                "symbol": each.symbol,
                "secType": each.kind,
                "primaryExchange": each.primary or each.exchange,
                "currency": each.currency,
                "derivatives": [{"secType": "OPT"}] if each.kind == "STK" else [],
                "description": each.long_name,
            }
            for each in self._universe
            if each.kind != "OPT" and (each.symbol.startswith(pattern) or pattern in each.long_name.upper())
        ]
        session.send(answers.SYMBOL_SAMPLES, {"reqId": values["reqId"], "contracts": found[:16]})

    def option_chain(self, session: Session, values: Values) -> Iterator[tuple[Message, Values]]:
        """Answer reqSecDefOptParams."""
        options = self._universe.chain(values["conId"])
        if options:
            yield (
                _OPTION_CHAIN,
                {
                    "reqId": values["reqId"],
                    "exchange": "SMART",
                    "underlyingConId": values["conId"],
                    "tradingClass": values["symbol"],
                    "multiplier": "100",
                    "expirations": [{"date": each} for each in sorted({option.expiry for option in options})],
                    "strikes": [{"strike": each} for each in sorted({option.strike for option in options})],
                },
            )

    def head_timestamp(self, session: Session, values: Values) -> None:
        """Handle reqHeadTimeStamp: how far the made-up past reaches."""
        if not self._universe.find(values):
            raise Refused(200, "No security definition has been found for the request")
        text = str(int(_OLDEST.timestamp())) if values["formatDate"] == 2 else f"{_OLDEST:%Y%m%d-%H:%M:%S}"
        session.send(answers.HEAD_TIMESTAMP, {"reqId": values["reqId"], "time": text})

    def current_time(self, session: Session, _: Values) -> None:
        """Handle reqCurrentTime."""
        session.send(answers.CURRENT_TIME, {"time": int(time.time())}, probe=True)

    def managed_accounts(self, session: Session, _: Values) -> None:
        """Handle reqManagedAccts."""
        session.send(answers.MANAGED_ACCOUNTS, {"accounts": ",".join(self._accounts)})

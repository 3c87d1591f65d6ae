"""What IB knows of instruments: looked up once, and kept for as long as the connection."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any, cast

import structlog
from attrs import frozen
from ib_async import IB, Contract, ContractDetails, PriceIncrement
from ib_async.wrapper import RequestError

from ml4t.live.errors import LiveError
from ml4t_live_ib.codes import sentence
from ml4t_live_ib.instruments import to_contract, to_symbol
from ml4t_live_ib.rules import Rules
from ml4t_live_ib.session import Session

_log = structlog.get_logger("ml4t_live_ib")

NAMED_BY_DETAILS = frozenset({"FUT", "FOP"})
"""The kinds whose spelling cannot be told from what an order, an execution or a position says of the contract."""


class UnknownInstrument(LiveError):
    """IB has no such instrument, several, or one that trades no more; the text says what to write instead."""


@frozen
class Listed:
    """An instrument as IB lists it: the complete contract, and the rules of its prices and sizes."""

    symbol: str
    contract: Contract
    rules: Rules
    last_day: str = ""
    """The last day on which it trades, as in `20261218`; empty for what does not expire."""
    sessions: tuple[tuple[float, float], ...] = ()
    """The regular hours of the next days, seconds since 1970 UTC; empty when IB does not say them."""

    def trades(self, moment: float) -> bool:
        """Return whether it is in its regular hours (seconds since 1970 UTC); False when they are not known."""
        return any(start <= moment < end for start, end in self.sessions)


class Contracts:
    """Finds the instrument of a symbol, and the symbol of a contract."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._listed: dict[str, Listed] = {}
        self._symbols: dict[int, str] = {}
        self._turn = asyncio.Lock()

    def forget(self) -> None:
        """Look everything up anew from now on: rules change, and instruments expire."""
        self._listed.clear()
        self._turn = asyncio.Lock()

    async def find(self, symbol: str) -> Listed:
        """Return what IB lists under a symbol. Raises UnknownInstrument, or the session's failure."""
        async with self._turn:  # many orders of one instrument at once look it up once
            listed = self._listed.get(symbol) or await self._look_up(symbol)
            self._listed[symbol] = listed
        if listed.last_day and listed.last_day < f"{datetime.now(UTC):%Y%m%d}":
            raise UnknownInstrument(f"{symbol} has expired: {listed.last_day} was its last day")
        return listed

    def symbol(self, contract: Contract) -> str:
        """Return the symbol of a contract. For one that `learn` has not seen that may be its number."""
        known = self._symbols.get(contract.conId)
        if known is None:
            known = f"#{contract.conId}" if contract.secType in NAMED_BY_DETAILS else to_symbol(contract)
        return known

    async def learn(self, contracts: Iterable[Contract]) -> None:
        """Make sure that `symbol` can spell these contracts."""
        unknown = {each.conId: each for each in contracts if each.secType in NAMED_BY_DETAILS and each.conId}
        for con_id in unknown.keys() - self._symbols.keys():
            for each in await self._details(Contract(conId=con_id)):
                self._keep(each)

    # ------------------------------------------------------------------ inside

    async def _look_up(self, symbol: str) -> Listed:
        try:
            wanted = to_contract(symbol)
        except ValueError as error:
            raise UnknownInstrument(str(error)) from None
        found = [each for each in await self._details(wanted) if each.contract is not None]
        if wanted.secType:
            found = [each for each in found if each.contract and each.contract.secType == wanted.secType]
        if len(found) != 1:
            raise UnknownInstrument(await self._why_not(symbol, wanted, found))
        (details,) = found
        contract = details.contract
        assert contract is not None
        if wanted.exchange == "SMART":
            contract.exchange = "SMART"  # the details name the exchange where it is listed, and would send orders there
        spelling = self._keep(details)
        if spelling != symbol:
            raise UnknownInstrument(f"write {spelling!r} instead of {symbol!r}")
        rules = Rules.of(details, await self._market_rule(details))
        expires = contract.lastTradeDateOrContractMonth[:8]
        last_day = (details.realExpirationDate or expires)[:8] if expires else ""
        return Listed(symbol, contract, rules, last_day, _sessions(details))

    async def _why_not(self, symbol: str, wanted: Contract, found: list[ContractDetails]) -> str:
        if not found and wanted.tradingClass:
            wanted.tradingClass = ""
            found = await self._details(wanted)
        spellings = sorted({self._keep(each) for each in found} - {symbol})
        if spellings:
            return f"IB lists no {symbol!r} (IB 200); write one of {', '.join(map(repr, spellings[:8]))}"
        if found:
            return f"IB lists {len(found)} instruments as {symbol!r} (IB 200); name one by its number, as in '#{_id(found[0])}'"
        return f"IB lists no {symbol!r} (IB 200); look the name up in TWS, under Contract Info"

    async def _details(self, contract: Contract) -> list[ContractDetails]:
        try:
            return await self._session.ask(f"what {to_symbol(contract)} is", lambda ib: ib.reqContractDetailsAsync(contract))
        except RequestError as error:
            if error.code == 200:
                return []
            raise UnknownInstrument(sentence(error.code, error.message)) from None

    def _keep(self, details: ContractDetails) -> str:
        assert details.contract is not None
        symbol = to_symbol(details.contract, month=details.contractMonth[:6])
        if details.contract.secType in NAMED_BY_DETAILS:
            self._symbols[details.contract.conId] = symbol
        return symbol

    async def _market_rule(self, details: ContractDetails) -> list[PriceIncrement] | None:
        """Return the ticks by price of the exchange that orders go to, None when there is one tick only."""
        assert details.contract is not None
        rules = dict(zip(details.validExchanges.split(","), details.marketRuleIds.split(","), strict=False))
        number = rules.get(details.contract.exchange, "")
        if not number.isdigit():
            return None

        async def ask(ib: IB) -> list[PriceIncrement]:
            # Not `reqMarketRuleAsync`: that one gives up after a second of its own, and takes silence for no rule.
            wrapper, client = cast(Any, ib.wrapper), cast(Any, ib.client)
            answer: asyncio.Future[list[PriceIncrement]] = wrapper.startReq(f"marketRule-{number}")
            client.reqMarketRule(int(number))
            return await answer

        return await self._session.ask(f"the ticks of {to_symbol(details.contract)}", ask)


def _sessions(details: ContractDetails) -> tuple[tuple[float, float], ...]:
    try:
        return tuple((each.start.timestamp(), each.end.timestamp()) for each in details.liquidSessions())
    except (KeyError, ValueError, OSError, TypeError):  # a time zone under a name of IB's own, or hours in another form
        _log.info(f"the hours of {to_symbol(details.contract or Contract())} are not known: {details.liquidHours!r}")
        return ()


def _id(details: ContractDetails) -> int:
    return details.contract.conId if details.contract is not None else 0

"""Ticks of the past: what has traded since the simulator began, as far as it remembers."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from ml4t_live_ib.simulator.desks.data import DataDesk
from ml4t_live_ib.simulator.protocol import answer_tables as answers
from ml4t_live_ib.simulator.protocol.fields import Values
from ml4t_live_ib.simulator.protocol.message import Message
from ml4t_live_ib.simulator.protocol.stamps import Clock
from ml4t_live_ib.simulator.session import Session
from ml4t_live_ib.simulator.venue.market import Market
from ml4t_live_ib.simulator.venue.order import Refused
from ml4t_live_ib.simulator.venue.tape import Tick

_MOST = 1_000


class PastTicksDesk:
    """Answers reqHistoricalTicks."""

    def __init__(self, market: Market, data: DataDesk, clock: Clock) -> None:
        self._market = market
        self._data = data
        self._clock = clock

    def historical_ticks(self, _session: Session, values: Values) -> Iterator[tuple[Message, Values]]:
        """Answer from a start on, or up to an end; the second in which an answer ends is whole."""
        contract = self._data.past_of(values, ("TRADES", "BID_ASK", "MIDPOINT"))
        count = values["numberOfTicks"]
        if not 0 < count <= _MOST or bool(values["startDateTime"]) == bool(values["endDateTime"]):
            raise Refused(321, "Error validating request.-'bT' : cause - Either a start or an end, and 1 to 1000 ticks")
        found = self._found(list(self._market.tape(contract).ticks), values, count)
        exchange = contract.primary or contract.exchange
        match values["whatToShow"]:
            case "BID_ASK":
                yield _answer(answers.HISTORICAL_TICKS_BID_ASK, values, [_touch(each) for each in found])
            case "MIDPOINT":
                yield _answer(answers.HISTORICAL_TICKS, values, [_middle(each) for each in found])
            case _:
                rows = [{"time": each.time, "price": each.price, "size": each.size, "exchange": exchange} for each in found]
                yield _answer(answers.HISTORICAL_TICKS_LAST, values, rows)

    def _found(self, ticks: Sequence[Tick], values: Values, count: int) -> Sequence[Tick]:
        try:
            moment = self._clock.parse(values["startDateTime"] or values["endDateTime"])
        except ValueError:
            raise Refused(10314, "End Date/Time: The date, time, or time-zone entered is invalid.") from None
        if values["endDateTime"]:
            return [each for each in ticks if each.time < moment][-count:]
        later = [each for each in ticks if each.time >= moment]
        return [each for number, each in enumerate(later) if number < count or each.time == later[count - 1].time]


def _answer(message: Message, values: Values, rows: list[Values]) -> tuple[Message, Values]:
    return message, {"reqId": values["reqId"], "ticks": rows, "done": True}


def _touch(tick: Tick) -> Values:
    return {"time": tick.time, "priceBid": tick.bid, "priceAsk": tick.ask, "sizeBid": tick.size, "sizeAsk": tick.size}


def _middle(tick: Tick) -> Values:
    return {"time": tick.time, "price": (tick.bid + tick.ask) / 2, "size": 0.0}

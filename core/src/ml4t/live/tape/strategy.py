"""A strategy whose calls go on a tape."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from ml4t.live.contracts.market import MarketView
from ml4t.live.tape.broker import TapedBroker
from ml4t.live.tape.frames import CALL, RETURN, pack, packed_time
from ml4t.live.tape.tape import Tape


class TapedStrategy:
    """Calls `strategy` with a broker whose answers are noted, and notes every call before it and every return after it.

    `last_record` tells how far the journal is: the orders of a call are between the two. With `moving`, the market goes on
    during a call, and a strategy that looks at it ends the tape: what it saw depends on the moment, which nobody can repeat.
    """

    def __init__(self, strategy: Any, tape: Tape, last_record: Callable[[], int], *, moving: bool = False) -> None:
        self._strategy = strategy
        self._tape = tape
        self._last_record = last_record
        self._brokers: dict[int, TapedBroker] = {}
        self._seen = self._moving if moving else _as_it_is

    def on_start(self, broker: Any) -> None:
        """Call the strategy's own, when it has one."""
        self._optional("on_start", broker)

    def on_data(self, timestamp: datetime, data: Mapping[str, Any], context: Mapping[str, Any], broker: Any) -> None:
        """Call the strategy's own."""
        rest = {name: value for name, value in context.items() if name != "market"}
        self._begin("on_data", packed_time(timestamp), data, rest)
        self._end(lambda: self._strategy.on_data(timestamp, data, self._seen(context), self._taped(broker)))

    def on_end(self, broker: Any) -> None:
        """Call the strategy's own, when it has one."""
        self._optional("on_end", broker)

    def _optional(self, hook: str, broker: Any) -> None:
        method = getattr(self._strategy, hook, None)
        if method is not None:
            self._begin(hook, None, None, None)
            self._end(lambda: method(self._taped(broker)))

    def _begin(self, hook: str, timestamp: datetime | str | None, data: Any, context: Any) -> None:
        try:
            packed = pack([data, context])  # at once: the strategy may change what it is handed
        except Exception as error:  # noqa: BLE001 - the strategy is called whatever the tape can hold
            self._tape.give_up(str(error))
        else:
            self._tape.note((CALL, hook, timestamp, packed, self._last_record()))

    def _end(self, call: Callable[[], None]) -> None:
        raised = ""
        try:
            call()
        except BaseException as error:
            raised = type(error).__name__
            raise
        finally:
            self._tape.note((RETURN, raised, self._last_record()))

    def _moving(self, context: Mapping[str, Any]) -> Mapping[str, Any]:
        return {**context, "market": MovingMarket(context["market"], self._tape)}

    def _taped(self, broker: Any) -> TapedBroker:
        known = self._brokers.get(id(broker))
        if known is None:
            known = self._brokers[id(broker)] = TapedBroker(broker, self._tape)
        return known


class MovingMarket:
    """A market that goes on while it is looked at; whoever does ends the tape."""

    def __init__(self, market: MarketView, tape: Tape) -> None:
        self._market = market
        self._tape = tape

    def __getattr__(self, name: str) -> Any:
        self._tape.give_up("the strategy has a thread of its own and looks at a market that moves meanwhile: context['market']")
        return getattr(self._market, name)


def _as_it_is(context: Mapping[str, Any]) -> Mapping[str, Any]:
    return context

"""What a session is told besides data: which instrument a symbol is, that an interval is over, and what went wrong."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, NoReturn

import structlog
from databento_dbn import ErrorMsg, SymbolMappingMsg, SystemMsg

from ml4t.live.errors import UNKNOWN_SYMBOL, FeedRefused
from ml4t_live_databento.config import DatabentoFeedConfig
from ml4t_live_databento.instruments import Instruments
from ml4t_live_databento.refusals import session_error
from ml4t_live_databento.sdk import ErrorCode, SystemCode
from ml4t_live_databento.translator import Translator

_log = structlog.get_logger("ml4t.live.databento")


def _nothing() -> None:
    """Do nothing."""


def _ignore(_: int) -> None:
    """Do nothing."""


class Session:
    """Hears the records of one connection, and translates them.

    `alive` is called when the gateway says that data are on their way: a symbol was mapped, an interval is over. A heartbeat
    says no such thing. `told_time` is given the gateway's clock, nanoseconds UTC, when it tells it; `caught_up` is called at
    the end of a replay.
    """

    def __init__(
        self,
        config: DatabentoFeedConfig,
        symbols: tuple[str, ...],
        *,
        backfilled: bool = False,
        alive: Callable[[], None] = _nothing,
        told_time: Callable[[int], None] = _ignore,
        caught_up: Callable[[], None] = _nothing,
    ) -> None:
        self._symbols = symbols
        self._instruments = Instruments(symbols)
        self._unknown: list[str] = []
        self._left_out: set[str] = set()
        self._told_time = told_time
        self._alive = alive
        self._caught_up = caught_up
        self.translator = Translator(config.schema, self._instruments.ids, quiet_bars=config.quiet_bars, backfilled=backfilled)
        self._translate = self.translator.hear
        self._controls: dict[type, Callable[[Any], None]] = {
            SymbolMappingMsg: self._map,
            SystemMsg: self._note,
            ErrorMsg: self._err,
        }

    def hear(self, record: Any) -> None:
        """Take in a record. Raises FeedDisconnected or FeedRefused when the session cannot go on."""
        control = self._controls.get(type(record))
        if control is not None:
            control(record)
            return
        try:
            self._translate(record)
        except Exception as error:  # noqa: BLE001 - a record that cannot be read costs none of the others
            _log.error("a record cannot be read", record=repr(record), error=repr(error))

    def _map(self, record: SymbolMappingMsg) -> None:
        self._told_time(record.ts_event)
        symbol = record.stype_in_symbol
        if self._instruments.assign(symbol, record.instrument_id):
            # A continuous future has rolled: the contract before does not trade under its name any more.
            _log.warning("the symbol stands for another instrument now", symbol=symbol, instrument=record.stype_out_symbol)
            self.translator.intervals.forget(symbol)
        self._alive()

    def _note(self, record: SystemMsg) -> None:
        code = record.code
        if code == SystemCode.END_OF_INTERVAL:
            self.translator.end_interval(record.ts_event)
            self._alive()
        elif code == SystemCode.SUBSCRIPTION_ACK:
            if self._unknown and not self._instruments.ids:
                self._refuse_all()
        elif code == SystemCode.REPLAY_COMPLETED:
            self.translator.finish()
            self._caught_up()
        elif code == SystemCode.SLOW_READER_WARNING:
            _log.warning("Databento's gateway has to wait for this machine, and data are late", said=record.msg)

    def _err(self, record: ErrorMsg) -> None:
        if record.code != ErrorCode.SYMBOL_RESOLUTION_FAILED:
            raise session_error(record.code, record.err)
        named = [symbol for symbol in self._symbols if _is_named(symbol, record.err)]
        self._unknown.append(record.err)
        self._left_out.update(named)
        _log.error("Databento does not know these symbols", symbols=named or "it does not say which", said=record.err)
        if self._left_out.issuperset(self._symbols) or len(self._symbols) == 1:
            self._refuse_all()

    def _refuse_all(self) -> NoReturn:
        raise FeedRefused(
            f"Databento knows none of {', '.join(self._symbols)} ({'; '.join(self._unknown)}); check the spelling and the "
            "dataset, and whether the instrument has expired",
            code=UNKNOWN_SYMBOL,
        )


def _is_named(symbol: str, text: str) -> bool:
    """True when a sentence names a symbol by itself: `ES` is not named by `ES.c.0`, and a sentence may end behind it."""
    return re.search(rf"(?<![\w.]){re.escape(symbol)}(?!\w|\.\w)", text) is not None

"""What a session is told besides data: which instrument a symbol is, that an interval is over, and what went wrong."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import structlog
from databento_dbn import ErrorMsg, SymbolMappingMsg, SystemMsg

from ml4t.live.errors import UNKNOWN_SYMBOL, FeedRefused
from ml4t_live_databento.config import DatabentoFeedConfig
from ml4t_live_databento.refusals import session_error
from ml4t_live_databento.sdk import ErrorCode, SystemCode
from ml4t_live_databento.translator import Translator

_log = structlog.get_logger("ml4t.live.databento")


def _nothing() -> None:
    """Do nothing."""


class Session:
    """Hears the records of one connection, and translates them.

    `alive` is called when the gateway says that data are on their way: a symbol was mapped, an interval is over. A heartbeat
    says no such thing. `caught_up` is called at the end of a replay.
    """

    def __init__(
        self,
        config: DatabentoFeedConfig,
        symbols: tuple[str, ...],
        *,
        backfilled: bool = False,
        alive: Callable[[], None] = _nothing,
        caught_up: Callable[[], None] = _nothing,
    ) -> None:
        self._symbols = symbols
        self._ids: dict[int, str] = {}
        self._instruments: dict[str, int] = {}
        self._unknown: dict[str, str] = {}
        self._alive = alive
        self._caught_up = caught_up
        self.translator = Translator(config.schema, self._ids, quiet_bars=config.quiet_bars, backfilled=backfilled)
        self._translate = self.translator.hear
        self._controls: dict[type, Callable[[Any], None]] = {
            SymbolMappingMsg: self._map,
            SystemMsg: self._note,
            ErrorMsg: self._refuse,
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
        symbol, instrument = record.stype_in_symbol, record.instrument_id
        if symbol not in self._symbols:
            return
        before = self._instruments.get(symbol)
        if before is not None and before != instrument:
            # A continuous future has rolled: the contract before must not trade under its name any more.
            _log.warning("the symbol stands for another instrument now", symbol=symbol, instrument=record.stype_out_symbol)
            self._ids.pop(before, None)
            self.translator.intervals.forget(symbol)
        self._ids[instrument] = symbol
        self._instruments[symbol] = instrument
        self._alive()

    def _note(self, record: SystemMsg) -> None:
        code = record.code
        if code == SystemCode.END_OF_INTERVAL:
            self.translator.end_interval(record.ts_event)
            self._alive()
        elif code == SystemCode.REPLAY_COMPLETED:
            self.translator.finish()
            self._caught_up()
        elif code == SystemCode.SLOW_READER_WARNING:
            _log.warning("Databento's gateway has to wait for this machine, and data are late", said=record.msg)

    def _refuse(self, record: ErrorMsg) -> None:
        if record.code != ErrorCode.SYMBOL_RESOLUTION_FAILED:
            raise session_error(record.code, record.err)
        words = set(re.split(r"[\s,'\"`\[\]:;()]+", record.err))
        named = [symbol for symbol in self._symbols if symbol in words or f"'{symbol}'" in record.err]
        self._unknown.update(dict.fromkeys(named, record.err))
        _log.error("Databento does not know these symbols", symbols=named or "it does not say which", said=record.err)
        if not self._ids and set(self._symbols) <= set(self._unknown or self._symbols):
            raise FeedRefused(
                f"Databento knows none of {', '.join(self._symbols)} ({record.err}); check the spelling and the dataset, and "
                "whether the instrument has expired",
                code=UNKNOWN_SYMBOL,
            )

"""The classes of alpaca-py that are used, imported without the warning that its import gives."""

from __future__ import annotations

import warnings

with warnings.catch_warnings():
    # alpaca-py is written for the old client of websockets, whose import says that it is deprecated.
    warnings.filterwarnings("ignore", r"websockets\.", DeprecationWarning)
    from alpaca.common.enums import BaseURL
    from alpaca.common.exceptions import APIError
    from alpaca.data.live.websocket import DataStream
    from alpaca.trading.client import TradingClient
    from alpaca.trading.stream import TradingStream

__all__ = ["APIError", "BaseURL", "DataStream", "TradingClient", "TradingStream"]

"""The websockets that ccxt opens: it opens a lost one anew without a word, and makes futures for callers that do not come."""

from __future__ import annotations

import asyncio
from typing import Any

from ml4t_live_crypto.sdk import errors


class Futures(dict[str, "asyncio.Future[Any]"]):
    """The futures of one websocket. What they end with counts as seen: otherwise asyncio logs it when nobody asks."""

    def __setitem__(self, name: str, future: asyncio.Future[Any]) -> None:
        future.add_done_callback(_see)
        super().__setitem__(name, future)


def mind_clients(exchange: Any) -> None:
    """Let an exchange of ccxt's open each of its websockets once, and keep their futures so.

    ccxt tells a loss to those who wait at that moment. Who asks later, because he was busy with what he heard before, would get
    a new websocket, and never learn that something was missed: he gets a NetworkError.
    """
    open_one = exchange.client
    opened: dict[str, Any] = {}

    def client(url: str) -> Any:
        found = open_one(url)
        if opened.setdefault(url, found) is not found:
            raise errors.NetworkError("the websocket was lost while nobody waited for it")
        if not isinstance(found.futures, Futures):
            found.futures = Futures()
        return found

    exchange.client = client


def _see(future: asyncio.Future[Any]) -> None:
    if not future.cancelled():
        future.exception()

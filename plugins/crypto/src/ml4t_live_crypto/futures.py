"""What ccxt waits for, taken note of: it makes futures for callers that do not always come."""

from __future__ import annotations

import asyncio
from typing import Any


class Futures(dict[str, "asyncio.Future[Any]"]):
    """The futures of one websocket. What they end with counts as seen: otherwise asyncio logs it when nobody asks."""

    def __setitem__(self, name: str, future: asyncio.Future[Any]) -> None:
        future.add_done_callback(_see)
        super().__setitem__(name, future)


def see_all(exchange: Any) -> None:
    """Let every websocket that an exchange of ccxt's opens from now on keep its futures so."""
    open_one = exchange.client

    def client(url: str) -> Any:
        opened = open_one(url)
        if not isinstance(opened.futures, Futures):
            opened.futures = Futures()
        return opened

    exchange.client = client


def _see(future: asyncio.Future[Any]) -> None:
    if not future.cancelled():
        future.exception()

"""Requests to OKX: signed, bounded in time and number, and what cannot be proved says so."""

from __future__ import annotations

import asyncio
import json
import random
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from types import TracebackType
from typing import Any

import aiohttp
from attrs import frozen
from yarl import URL

from ml4t.live.adapters import Pace
from ml4t.live.errors import BrokerConnectionError, OutcomeUnknown
from ml4t_live_okx.config import Connection, OKXBrokerConfig
from ml4t_live_okx.errors import TOO_MANY, UNSURE, Refused, error_of
from ml4t_live_okx.signing import request_time, signature

PREFIX = "/api/v5/"
PAGE = 100
"""Orders or fills in one answer, the most that OKX gives."""
TRIES = 5
"""How often a question or a cancel is asked again when the rate limit was reached."""
PATIENCE_SECONDS = 3.0
"""How long an order may wait for its turn; after that it is refused, because its price is old."""
_DECIDED = frozenset({"0", "1", "2"})
"""The codes of answers that say for each order what became of it."""
_LOST = (aiohttp.ClientError, TimeoutError, OSError)


@frozen
class Answer:
    """What came back. An answer that is not OKX's own has its HTTP status as its code."""

    status: int
    code: str
    words: str
    data: list[Any]


class Rest:
    """Requests under one key, or without one. To be closed; as a context manager it is."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._pace = Pace(connection.requests_per_second, 1.0)
        self._session: aiohttp.ClientSession | None = None

    async def __aenter__(self) -> Rest:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def get(self, path: str, query: Mapping[str, str] | None = None) -> list[Any]:
        """Ask. Raises BrokerConnectionError, and Refused."""
        target = str(URL(PREFIX + path).with_query(query or {}))
        answer = await self._asked("GET", target)
        if answer.code != "0":
            raise error_of(answer.code, answer.words)
        return answer.data

    async def pages(self, path: str, query: Mapping[str, str], number: str) -> AsyncIterator[Mapping[str, Any]]:
        """Yield everything there is, the newest first, page by page; `number` is the id that pages count by."""
        after: dict[str, str] = {}
        while page := await self.get(path, {**query, **after, "limit": str(PAGE)}):
            for said in page:
                yield said
            after = {"after": page[-1][number]}

    async def submit(self, path: str, body: Any) -> Sequence[Mapping[str, str]]:
        """Send orders or amendments, once; return for each what became of it.

        Raises Refused when none of them was taken, OutcomeUnknown when nobody can tell.
        """
        try:
            async with asyncio.timeout(PATIENCE_SECONDS):
                await self._pace.turn()
        except TimeoutError:
            raise Refused(
                f"{self._connection.requests_per_second} requests in a second are as many as may be sent; send fewer orders, "
                "or raise requests_per_second if the account allows more",
                venue_code="rate_limit",
            ) from None
        try:
            answer = await self._exchange("POST", PREFIX + path, json.dumps(body))
        except _LOST as error:
            raise OutcomeUnknown(f"OKX did not answer to an order: {_what(error)}") from None
        if answer.status >= 500 or answer.code in UNSURE:
            raise OutcomeUnknown(f"OKX answers {answer.code} to an order: {answer.words}")
        return self._decided(answer)

    async def cancel(self, path: str, body: Any) -> Sequence[Mapping[str, str]]:
        """Send cancels, which may be sent again; return for each what became of it. Raises as `get`."""
        answer = await self._asked("POST", PREFIX + path, json.dumps(body), urgent=True)
        if answer.code in UNSURE:
            raise error_of(answer.code, answer.words)
        return self._decided(answer)

    async def close(self) -> None:
        """Close the connections; what is under way is given up."""
        session, self._session = self._session, None
        if session is not None:
            await session.close()

    @staticmethod
    def _decided(answer: Answer) -> Sequence[Mapping[str, str]]:
        if answer.code in _DECIDED and answer.data:
            return answer.data
        error = error_of(answer.code, answer.words)
        if isinstance(error, Refused):
            raise error
        # Whatever it was, OKX said so before it looked at the order.
        raise Refused(str(error), venue_code=answer.code)

    async def _asked(self, method: str, target: str, body: str = "", *, urgent: bool = False) -> Answer:
        for attempt in range(TRIES):
            await self._pace.turn(urgent=urgent)
            try:
                answer = await self._exchange(method, target, body)
            except _LOST as error:
                where = self._connection.rest
                raise BrokerConnectionError(
                    f"OKX does not answer at {where} ({_what(error)}); check the network, and url if one is set"
                ) from None
            if answer.code in TOO_MANY and attempt < TRIES - 1:
                # Jitter, so that several programs on one account do not all come back at once.
                await asyncio.sleep(2.0**attempt * random.uniform(0.25, 0.5))  # noqa: S311
                continue
            if answer.status >= 500 and answer.code not in UNSURE:
                raise BrokerConnectionError(f"OKX answers {answer.status}: {answer.words}; it is tried again")
            return answer
        raise AssertionError("the last try returns or raises")

    async def _exchange(self, method: str, target: str, body: str = "") -> Answer:
        headers = {"Content-Type": "application/json", **self._signed(method, target, body)}
        url = URL(self._connection.rest + target, encoded=True)
        async with self._client().request(method, url, data=body or None, headers=headers) as response:
            return _answer(response.status, await response.read())

    def _signed(self, method: str, target: str, body: str) -> dict[str, str]:
        headers = {"x-simulated-trading": "1"} if self._connection.demo else {}
        if not isinstance(self._connection, OKXBrokerConfig):
            return headers
        stamp = request_time(time.time_ns())
        return {
            **headers,
            "OK-ACCESS-KEY": self._connection.api_key.reveal(),
            "OK-ACCESS-SIGN": signature(self._connection.secret_key.reveal(), stamp + method + target + body),
            "OK-ACCESS-TIMESTAMP": stamp,
            "OK-ACCESS-PASSPHRASE": self._connection.passphrase.reveal(),
        }

    def _client(self) -> aiohttp.ClientSession:
        if self._session is None:
            seconds = self._connection.timeout_seconds
            self._session = aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=seconds))
        return self._session


def _answer(status: int, body: bytes) -> Answer:
    """Read an answer, which may be a proxy's and no JSON at all."""
    try:
        said = json.loads(body)
        return Answer(status, str(said["code"]), str(said.get("msg", "")), list(said.get("data") or ()))
    except (ValueError, KeyError, TypeError, AttributeError):
        return Answer(status, str(status), "an answer that is not OKX's", [])


def _what(error: Exception) -> str:
    # The text of a request's error may quote what was sent; its kind is what helps.
    return "time-out" if isinstance(error, TimeoutError) else type(error).__name__

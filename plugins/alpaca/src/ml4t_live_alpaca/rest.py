"""Requests to Alpaca through its SDK: off the loop, each bounded in time, and what cannot be proved says so."""

from __future__ import annotations

import asyncio
import json
import random
import threading
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

import requests
import structlog

from ml4t.live.adapters import Pace
from ml4t.live.errors import UNAUTHORIZED, BrokerConnectionError, BrokerRefused, OutcomeUnknown
from ml4t_live_alpaca.config import Connection
from ml4t_live_alpaca.sdk import APIError, BaseURL, TradingClient

THREADS = 8
"""Requests that may be under way at the same time."""
TRIES = 5
"""How often a question or a cancel is asked again when the rate limit was reached."""
PATIENCE_SECONDS = 3.0
"""How long an order may wait for its turn; after that it is refused, because its price is old."""

T = TypeVar("T")
_log = structlog.get_logger("ml4t.live.alpaca")


class RequestRefused(BrokerRefused):
    """Alpaca said no, with an HTTP status besides its own code."""

    def __init__(self, reason: str, *, status: int, code: str) -> None:
        self.status = status
        super().__init__(reason, code=code)

    @property
    def is_duplicate(self) -> bool:
        """True when Alpaca has an order under this client order id already."""
        return self.status == 422 and "client_order_id" in str(self)


class _TimedSession(requests.Session):
    """A session whose requests end in time; the SDK gives them no time-out."""

    def __init__(self, seconds: float) -> None:
        super().__init__()
        self._seconds = seconds

    def request(self, method: str, url: str, *args: Any, **options: Any) -> requests.Response:  # type: ignore[override]
        return super().request(method, url, *args, **{"timeout": self._seconds, **options})


class _Client(TradingClient):
    """The SDK's client, raw answers, with time-outs and without its own repeats: it would send a lost order again."""

    def __init__(self, connection: Connection) -> None:
        super().__init__(
            connection.api_key.reveal(),
            connection.secret_key.reveal(),
            paper=connection.paper,
            raw_data=True,
            url_override=connection.url.rstrip("/") or None,
        )
        self._session.close()
        self._session = _TimedSession(connection.timeout_seconds)
        self._retry = 0

    def close(self) -> None:
        """Close the connections."""
        self._session.close()


class Rest:
    """Asks and tells Alpaca, from a bounded number of threads, each with a client of its own."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._where = connection.url or (BaseURL.TRADING_PAPER if connection.paper else BaseURL.TRADING_LIVE).value
        self._pace = Pace(connection.requests_per_minute, 60.0)
        self._pool = ThreadPoolExecutor(THREADS, thread_name_prefix="alpaca")
        self._local = threading.local()
        self._clients: list[_Client] = []

    async def get(self, path: str, query: Mapping[str, Any] | None = None) -> Any:
        """Ask the trading API. Raises BrokerConnectionError and RequestRefused."""
        return await self._ask(lambda client: client.get(path, dict(query or {})))

    async def history(self, version: str, path: str, query: Mapping[str, Any]) -> Any:
        """Ask the market-data API. Raises as `get`."""
        base = self._connection.url.rstrip("/") or BaseURL.DATA.value
        return await self._ask(lambda client: client.get(path, dict(query), base_url=base, api_version=version))

    async def cancel(self, path: str) -> None:
        """Send a cancel, which may be sent again. Raises as `get`."""
        await self._ask(lambda client: client.delete(path), urgent=True)

    async def submit(self, path: str, body: Mapping[str, Any]) -> Any:
        """Send an order, once. Raises RequestRefused when it was not taken, OutcomeUnknown when nobody can tell."""
        return await self._once(lambda client: client.post(path, dict(body)))

    async def change(self, path: str, body: Mapping[str, Any]) -> Any:
        """Send a replacement, once. Raises as `submit`."""
        return await self._once(lambda client: client.patch(path, dict(body)))

    def close(self) -> None:
        """Close the connections; what is under way ends with its time-out."""
        self._pool.shutdown(wait=False, cancel_futures=True)
        for client in self._clients:
            client.close()

    async def _ask(self, request: Callable[[_Client], Any], *, urgent: bool = False) -> Any:
        for attempt in range(TRIES):
            await self._pace.turn(urgent=urgent)
            try:
                return await self._run(request)
            except APIError as error:
                status = error.status_code
                if status == 429 and attempt < TRIES - 1:
                    # Jitter, so that several programs on one account do not all come back at once.
                    await asyncio.sleep(2.0**attempt * random.uniform(0.25, 0.5))  # noqa: S311
                    continue
                if status is None or status >= 500 or status == 429:
                    raise BrokerConnectionError(f"Alpaca answers {status}: {_words(error)[1]}") from None
                raise self._refusal(error) from None
            except (requests.RequestException, TimeoutError) as error:
                raise BrokerConnectionError(
                    f"Alpaca does not answer at {self._where} ({_what(error)}); check the network, and url if one is set"
                ) from None
        raise AssertionError("the last try returns or raises")

    async def _once(self, request: Callable[[_Client], Any]) -> Any:
        if self._pace.delay() > PATIENCE_SECONDS:
            raise RequestRefused(
                f"{self._connection.requests_per_minute} requests in a minute are as many as may be sent; "
                "send fewer orders, or raise requests_per_minute if the account allows more",
                status=429,
                code="rate_limit",
            )
        await self._pace.turn()
        try:
            return await self._run(request)
        except APIError as error:
            if error.status_code is None or error.status_code >= 500:
                raise OutcomeUnknown(f"Alpaca answers {error.status_code} to an order: {_words(error)[1]}") from None
            raise self._refusal(error) from None
        except (requests.RequestException, TimeoutError) as error:
            raise OutcomeUnknown(f"Alpaca did not answer to an order: {_what(error)}") from None

    async def _run(self, request: Callable[[_Client], T]) -> T:
        """Run a request on a thread. One that is given up before it has begun is never sent."""
        loop = asyncio.get_running_loop()
        async with asyncio.timeout(self._connection.timeout_seconds):
            return await loop.run_in_executor(self._pool, lambda: request(self._client()))

    def _client(self) -> _Client:
        client: _Client | None = getattr(self._local, "client", None)
        if client is None:
            client = self._local.client = _Client(self._connection)
            self._clients.append(client)
        return client

    def _refusal(self, error: APIError) -> RequestRefused:
        status = error.status_code
        code, words = _words(error)
        if status == 401 or words.rstrip(".") == "forbidden":
            code = UNAUTHORIZED
            kind = "paper" if self._connection.paper else "live"
            words = (
                f"Alpaca refuses the API key ({status}: {words}); check api_key and secret_key, and that they are those of "
                f"the {kind} account, as paper = {str(self._connection.paper).lower()} says"
            )
        return RequestRefused(words, status=status, code=code)


def _words(error: APIError) -> tuple[str, str]:
    """Return the code and the message of an answer, which may be a proxy's and no JSON at all."""
    try:
        answer = json.loads(str(error))
        return str(answer.get("code", error.status_code)), str(answer["message"])
    except (ValueError, KeyError, AttributeError):
        return str(error.status_code), "no reason given"


def _what(error: Exception) -> str:
    # The text of a request's error may quote the address with its query; its kind is what helps.
    return "time-out" if isinstance(error, TimeoutError | requests.Timeout) else type(error).__name__

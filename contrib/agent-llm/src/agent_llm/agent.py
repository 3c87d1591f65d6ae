"""The agent."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

import aiohttp
import structlog

from agent_llm.answer import Completion, Refused, completion, forecasts
from agent_llm.budget import Budget
from agent_llm.config import LlmConfig
from agent_llm.prompt import body
from ml4t.live.clock import Clock, SystemClock
from ml4t.live.contracts import ForecastRequest
from ml4t.live.errors import LiveError
from ml4t.live.feeds.retry_after import seconds_to_retry
from ml4t.live.model import Forecast
from ml4t.live.times import NANOS, to_datetime

LEAST_PAUSE_SECONDS = 30.0
"""How long nothing is asked after a 429 that does not say."""

_MACHINE = SystemClock()
_log = structlog.get_logger("ml4t.live.llm")


class LlmAgent:
    """Asks a language model for the direction of every symbol, once for all of them.

    It abstains when the budget of the day is used up, when the model refuses, while the server wants a pause, and on recorded
    data. Whatever else goes wrong is raised as LiveError, and core pauses it. Neither the key nor what a server said about a
    failure is ever repeated. What it has spent today survives a restart.
    """

    def __init__(self, config: LlmConfig, *, clock: Clock = _MACHINE) -> None:
        self.config = config
        self.version = config.model
        self._clock = clock
        self._budget = Budget(config)
        self._not_before = 0
        self._told = ""

    async def forecast(self, request: ForecastRequest) -> list[Forecast]:
        """Return what the model expects. Raises LiveError."""
        prices = {symbol: price for symbol in request.symbols if (price := request.market.price(symbol)) is not None}
        if not prices or self._rests(request):
            return []
        prompt = json.dumps(body(request, list(prices), self.config)).encode()
        reserved = self._budget.reserve(len(prompt), request.time)
        if reserved is None:
            day = f"{to_datetime(request.time):%Y-%m-%d}"
            self._tell(f"the budget of {day} is used up; the model is not asked any more on that day")
            return []
        said = completion(await self._answer(prompt))
        self._settle(said, reserved)
        try:
            return forecasts(said, request.horizon, prices, self.config.max_move)
        except Refused as error:
            _log.warning("no forecast", why=str(error))
            return []

    def state(self) -> dict[str, Any]:
        """Return what has been spent today."""
        return self._budget.state()

    def restore(self, state: Mapping[str, Any]) -> None:
        """Take it back."""
        self._budget.restore(state)

    def _rests(self, request: ForecastRequest) -> bool:
        if not request.live_mode and not self.config.on_recorded:
            self._tell(
                "recorded data: the model is not asked, because it may know what came of them; on_recorded = true asks it"
            )
            return True
        return self._clock.monotonic() < self._not_before

    def _settle(self, said: Completion, reserved: float) -> None:
        if said.usage is not None:
            self._budget.settle(reserved, said.usage.prompt_tokens, said.usage.completion_tokens)

    async def _answer(self, prompt: bytes) -> bytes:
        """Return what the server sends. The texts of its errors, and aiohttp's, may quote what was sent: neither is told."""
        headers = {"Content-Type": "application/json"}
        if self.config.api_key is not None:
            headers["Authorization"] = f"Bearer {self.config.api_key.reveal()}"
        try:
            async with (
                self._clock.timeout(self.config.timeout_seconds),
                aiohttp.ClientSession() as session,
                # A redirection would take the key to somebody else.
                session.post(self.config.url, data=prompt, headers=headers, allow_redirects=False) as response,
            ):
                self._check(response)
                return await self._content(response)
        except TimeoutError:
            raise LiveError(f"the model does not answer within {self.config.timeout_seconds:g} s") from None
        except (aiohttp.ClientError, OSError) as error:
            host = urlsplit(self.config.url).netloc
            raise LiveError(f"{host} cannot be reached ({type(error).__name__}); check url and the network") from None

    def _check(self, response: aiohttp.ClientResponse) -> None:
        if response.status == 429:
            asked = seconds_to_retry(response.headers.get("Retry-After"), self._clock.now()) or 0.0
            pause = max(asked, LEAST_PAUSE_SECONDS)
            self._not_before = self._clock.monotonic() + round(pause * NANOS)
            raise LiveError(f"the server wants fewer requests; the model is not asked for {pause:.0f} s")
        if response.status in {401, 403}:
            raise LiveError(f"the server answers {response.status}: it does not take this key; check api_key")
        if response.status != 200:
            raise LiveError(f"the server answers {response.status}")

    async def _content(self, response: aiohttp.ClientResponse) -> bytes:
        """Return the body, and stop reading where it is too long."""
        most = self.config.max_answer_bytes
        content = bytearray()
        async for part in response.content.iter_any():
            content += part
            if len(content) > most:
                raise LiveError(f"the answer is longer than {most} bytes; raise max_answer_bytes if it should be")
        return bytes(content)

    def _tell(self, what: str) -> None:
        """Say a thing once, until there is another to say."""
        if what != self._told:
            self._told = what
            _log.warning(what)

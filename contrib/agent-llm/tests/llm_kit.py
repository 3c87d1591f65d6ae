"""A stub of a server of chat completions, and requests to an agent."""

from __future__ import annotations

import asyncio
import json

from agent_llm.agent import LlmAgent
from agent_llm.config import LlmConfig
from ml4t.live.contracts import ForecastRequest
from ml4t.live.market import MarketState
from ml4t.live.model import Trade
from ml4t.live.testing.http_server import HttpServer, Response
from ml4t.live.times import NANOS

KEY = "sk-stub-4711-0815"
TIME = 1_767_623_400 * NANOS
"""2026-01-05 14:30 UTC."""
HOUR = 3_600 * NANOS


def opinion(symbol="AAPL", direction="up", confidence=0.6, price=101.0, **more):
    return {"symbol": symbol, "direction": direction, "confidence": confidence, "price": price, **more}


def chat(content, *, finish="stop", tokens=(1_000, 100), **message):
    """Return what a server answers with."""
    text = content if isinstance(content, str) or content is None else json.dumps(content)
    said = {"choices": [{"index": 0, "message": {"role": "assistant", "content": text, **message}, "finish_reason": finish}]}
    if tokens is not None:
        said["usage"] = {"prompt_tokens": tokens[0], "completion_tokens": tokens[1], "total_tokens": sum(tokens)}
    return Response.json({"id": "chatcmpl-1", "object": "chat.completion", **said})


class Stub(HttpServer):
    """Answers with `says`, oldest first, and then with one opinion."""

    def __init__(self):
        super().__init__()
        self.says = []
        self.asked = []

    def answer(self, request):
        self.asked.append(request)
        if request.headers.get("authorization") != f"Bearer {KEY}":
            return Response.json({"error": {"message": f"Incorrect API key provided: {request.headers}"}}, 401)
        return self.says.pop(0) if self.says else chat({"forecasts": [opinion()]})


def config(stub, **options):
    prices = {"budget_per_day": 1.0, "price_in": 1.0, "price_out": 4.0}
    url = f"{stub.url}/v1/chat/completions"
    return LlmConfig(**{"url": url, "model": "stub-1", "api_key": KEY, "timeout_seconds": 5.0, **prices, **options})


def agent(stub, **options):
    return LlmAgent(config(stub, **options))


def request(*symbols, time=TIME, live_mode=True, count=100):
    market = MarketState(500)
    for number in range(count):
        for symbol in symbols or ("AAPL", "MSFT"):
            moment = TIME - (count - number) * NANOS
            market.apply(Trade(symbol, moment, 100.0 + number / count, 1.0), moment)
    return ForecastRequest(symbols or ("AAPL", "MSFT"), HOUR, time, market, live_mode=live_mode)


def ask(of, asked=None):
    return asyncio.run(of.forecast(asked or request()))

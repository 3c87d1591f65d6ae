"""Agents of the stub, and requests to them."""

from __future__ import annotations

import asyncio

from agent_llm.agent import LlmAgent
from agent_llm.config import LlmConfig
from agent_llm.stub import KEY
from ml4t.live.contracts import ForecastRequest
from ml4t.live.market import MarketState
from ml4t.live.model import Trade
from ml4t.live.times import NANOS

TIME = 1_767_623_400 * NANOS
"""2026-01-05 14:30 UTC."""
HOUR = 3_600 * NANOS


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

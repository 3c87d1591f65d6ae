"""What the model is asked: numbers about the market, and nothing that anybody else has written."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from agent_llm.config import LlmConfig
from ml4t.live.contracts import ForecastRequest
from ml4t.live.errors import LiveError
from ml4t.live.times import format_duration, to_datetime

SCHEMA: dict[str, Any] = {
    "type": "object",
    "additionalProperties": False,
    "required": ["forecasts"],
    "properties": {
        "forecasts": {
            "type": "array",
            "items": {
                "type": "object",
                "additionalProperties": False,
                "required": ["symbol", "direction", "confidence", "price"],
                "properties": {
                    "symbol": {"type": "string"},
                    "direction": {"type": "string", "enum": ["up", "down", "sideways"]},
                    "confidence": {"type": "number"},
                    "price": {"type": ["number", "null"]},
                },
            },
        }
    },
}

_TASK = (
    "You forecast prices. For each symbol say which way its price will have gone at the horizon, the probability between 0 and "
    "1 that this is right, and the price that you expect, or null. Leave out symbols that you have no opinion on. Answer with "
    "one JSON object and nothing else, of this schema: "
)


def body(request: ForecastRequest, symbols: Sequence[str], config: LlmConfig) -> dict[str, Any]:
    """Return the body of a request, with as many prices as fit. Raises LiveError when nothing fits."""
    system = " ".join(filter(None, [_TASK + json.dumps(SCHEMA), config.instructions]))
    count = config.prices
    while len(system) + len(user := _user(request, symbols, count)) > config.max_prompt_chars:
        if count == 1:
            raise LiveError(
                f"a prompt of {len(symbols)} symbols is longer than {config.max_prompt_chars} characters; ask about fewer, or "
                "raise max_prompt_chars"
            )
        count //= 2
    messages = [{"role": "system", "content": system}, {"role": "user", "content": user}]
    wanted: dict[str, Any] = {"model": config.model, "messages": messages, "max_tokens": config.max_tokens, "stream": False}
    if config.temperature is not None:
        wanted["temperature"] = config.temperature
    return wanted | _format(config)


def _user(request: ForecastRequest, symbols: Sequence[str], count: int) -> str:
    said = {
        "now": f"{to_datetime(request.time):%Y-%m-%dT%H:%M:%SZ}",
        "horizon": format_duration(request.horizon),
        "symbols": [_symbol(request, symbol, count) for symbol in symbols],
    }
    return json.dumps(said, separators=(",", ":"))


def _symbol(request: ForecastRequest, symbol: str, count: int) -> dict[str, Any]:
    view = request.market.symbols[symbol]
    known = {"symbol": symbol, "price": view.price, "bid": view.bid, "ask": view.ask, "volatility": view.volatility}
    return {**known, "last_prices": list(view.prices)[-count:]}


def _format(config: LlmConfig) -> dict[str, Any]:
    if config.response_format == "none":
        return {}
    if config.response_format == "json_object":
        return {"response_format": {"type": "json_object"}}
    schema = {"name": "forecasts", "strict": True, "schema": SCHEMA}
    return {"response_format": {"type": "json_schema", "json_schema": schema}}

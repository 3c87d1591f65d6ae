"""A server of chat completions on this machine, which answers as it is told to: no model, and no cost."""

from __future__ import annotations

import json
from typing import Any

from ml4t.live.testing.http_server import HttpServer, Request, Response

KEY = "sk-stub-4711-0815"


def opinion(
    symbol: str = "AAPL", direction: str = "up", confidence: object = 0.6, price: float | None = 101.0, **more: object
) -> dict[str, object]:
    """Return what a model says of a symbol."""
    return {"symbol": symbol, "direction": direction, "confidence": confidence, "price": price, **more}


def chat(
    content: object, *, finish: str = "stop", tokens: tuple[int, int] | None = (1_000, 100), **message: object
) -> Response:
    """Return what a server answers with; `tokens` is how many it counts for prompt and answer."""
    text = content if isinstance(content, str) or content is None else json.dumps(content)
    said: dict[str, Any] = {
        "choices": [{"index": 0, "message": {"role": "assistant", "content": text, **message}, "finish_reason": finish}]
    }
    if tokens is not None:
        said["usage"] = {"prompt_tokens": tokens[0], "completion_tokens": tokens[1], "total_tokens": sum(tokens)}
    return Response.json({"id": "chatcmpl-1", "object": "chat.completion", **said})


class Stub(HttpServer):
    """Answers with `says`, oldest first, and then that every symbol goes up by a percent. What it was asked is in `asked`."""

    def __init__(self) -> None:
        super().__init__()
        self.says: list[Response] = []
        self.asked: list[Request] = []

    def answer(self, request: Request) -> Response:
        """Answer whoever has the key."""
        self.asked.append(request)
        if request.headers.get("authorization") != f"Bearer {KEY}":
            return Response.json({"error": {"message": f"Incorrect API key provided: {request.headers}"}}, 401)
        return self.says.pop(0) if self.says else chat({"forecasts": _rising(request)})


def _rising(request: Request) -> list[dict[str, object]]:
    user = json.loads(json.loads(request.body)["messages"][-1]["content"])
    return [opinion(each["symbol"], price=round(each["price"] * 1.01, 6)) for each in user["symbols"]]

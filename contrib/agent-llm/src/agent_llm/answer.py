"""What the model has answered. Nothing of it is believed before it has been checked."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from ml4t.live.errors import LiveError
from ml4t.live.model import Direction, Forecast


class Opinion(msgspec.Struct, forbid_unknown_fields=True):
    """What is said of one symbol."""

    symbol: str
    direction: Literal["up", "down", "sideways"]
    confidence: Annotated[float, Meta(ge=0, le=1)]
    price: Annotated[float, Meta(gt=0)] | None = None


class Opinions(msgspec.Struct, forbid_unknown_fields=True):
    """What the model was told to answer with."""

    forecasts: list[Opinion]


class Usage(msgspec.Struct):
    """How many tokens were used."""

    prompt_tokens: Annotated[int, Meta(ge=0)]
    completion_tokens: Annotated[int, Meta(ge=0)]


class Message(msgspec.Struct):
    """What the model wrote, or why it will not."""

    content: str | None = None
    refusal: str | None = None


class Choice(msgspec.Struct):
    """One answer."""

    message: Message
    finish_reason: str | None = None


class Completion(msgspec.Struct):
    """What a server sends; what else it sends does not matter."""

    choices: list[Choice]
    usage: Usage | None = None


class Refused(LiveError):
    """The model will not answer."""


def completion(content: bytes) -> Completion:
    """Return what a server has sent. Raises LiveError for what is no completion."""
    try:
        return msgspec.json.decode(content, type=Completion)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise LiveError(f"the server answers with something that is no completion: {error}") from None


def forecasts(said: Completion, horizon: int, prices: Mapping[str, float], max_move: float) -> list[Forecast]:
    """Return the forecasts in an answer about the symbols of `prices`, which are the last ones.

    Raises Refused, and LiveError when any part of it is not as it should be: half an answer is none.
    """
    if not said.choices:
        raise LiveError("the server answers without a choice")
    choice = said.choices[0]
    if choice.message.refusal or choice.finish_reason == "content_filter":
        raise Refused("the model refuses to answer")
    if choice.finish_reason == "length":
        raise LiveError("the answer was cut off at max_tokens; raise it, or ask about fewer symbols")
    try:
        opinions = msgspec.json.decode(choice.message.content or "", type=Opinions).forecasts
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise LiveError(f"the model does not answer as it was told to: {error}") from None
    _check(opinions, prices, max_move)
    return [
        Forecast(each.symbol, horizon, price=each.price, direction=Direction(each.direction), confidence=each.confidence)
        for each in opinions
    ]


def _check(opinions: list[Opinion], prices: Mapping[str, float], max_move: float) -> None:
    named = [each.symbol for each in opinions]
    if strange := set(named) - prices.keys():
        raise LiveError(f"the model speaks of {len(strange)} symbols that it was not asked about")
    if len(set(named)) != len(named):
        raise LiveError("the model speaks of one symbol twice")
    for each in opinions:
        last = prices[each.symbol]
        if each.price is not None and abs(each.price / last - 1.0) > max_move:
            raise LiveError(f"the model expects {each.price:g} of {each.symbol}, which is at {last:g}: beyond max_move")

"""What the errors of the market-data stream mean for who listens."""

from __future__ import annotations

from ml4t.live.errors import NOT_SUBSCRIBED, UNAUTHORIZED, FeedDisconnected, FeedRefused

_REFUSED = {
    400: "it cannot read what was asked for",
    402: "check api_key and secret_key",
    405: "the plan allows fewer symbols on one connection (30 with the free one); listen to fewer",
    409: "the plan does not include these data; use feed = 'iex', or subscribe to them at Alpaca",
    410: "the endpoint has no such data; crypto has no statuses, and halts are told of stocks only",
}
"""By number, what to do about an error that trying again does not mend."""
_CODES = {402: UNAUTHORIZED, 405: NOT_SUBSCRIBED, 409: NOT_SUBSCRIBED}
"""By number, the framework's code of a refusal."""
_LOST = {
    401: "it wants the keys again",
    403: "it has the keys already",
    404: "the keys came too late",
    406: "another connection with this key is open, and Alpaca allows one; stop the other program, or give it a key of its own",
    407: "this program read too slowly; listen to fewer symbols, or to bars instead of trades and quotes",
    500: "something went wrong at Alpaca",
}
"""By number, what is known about an error after which a new connection may work."""
_WORDS = {
    "auth failed": 402,
    "auth timeout": 404,
    "symbol limit exceeded": 405,
    "connection limit exceeded": 406,
    "slow client": 407,
    "insufficient subscription": 409,
}
"""The numbers of the errors that the SDK passes on without them."""


def stream_error(code: int, words: str) -> FeedDisconnected | FeedRefused:
    """Return the error of the framework's for one of the stream's."""
    if code in _REFUSED:
        return FeedRefused(f"Alpaca's market data: {words} ({code}): {_REFUSED[code]}", code=_CODES.get(code, ""))
    return FeedDisconnected(f"Alpaca's market data: {words} ({code}): {_LOST.get(code, 'no such error is documented')}")


def code_of(words: str) -> int:
    """Return the number of an error that is known by its words, 0 when it is not."""
    return _WORDS.get(words, 0)

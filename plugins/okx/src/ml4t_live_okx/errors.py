"""What OKX's codes mean, and what can be done about them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from ml4t.live.errors import UNAUTHORIZED, BrokerConnectionError, BrokerRefused, FeedDisconnected, FeedRefused

TOO_MANY = frozenset({"50011", "50061"})
"""Too many requests: nothing was done."""
UNSURE = frozenset({"50001", "50004", "50013", "50026", "51149"})
"""The service is not available, timed out or is busy: nobody knows whether it was done."""
WRONG_TIME = frozenset({"50102", "50112", "60004", "60006"})
NO_SUCH_ORDER = "51603"
NO_SUCH_INSTRUMENT = "51001"
DUPLICATES = frozenset({"51016", "51065"})
"""The client order id, or that of an algo order, is there already."""
NOT_CANCELLED = "51400"
"""It has traded, was cancelled, or has been triggered and is another order now."""
CANCELLING = "51410"
"""The order is being cancelled already."""

_KEYS = {
    **dict.fromkeys(("50103", "50111", "50119", "60005", "60032"), "check api_key"),
    **dict.fromkeys(("50104", "50105", "60024"), "check passphrase: it is the one that was chosen when the API key was made"),
    **dict.fromkeys(("50106", "50113", "60007"), "check secret_key"),
    "50100": "the API key is frozen; ask OKX",
    "50101": "the keys are not of this environment; set demo = true for keys of demo trading, demo = false for others",
    "50110": "add this machine's address to those that the API key allows, at OKX",
    "50114": "give the API key the permission to trade, at OKX",
    "50120": "give the API key the permission to trade, at OKX",
    "60009": "check api_key, secret_key and passphrase",
}
"""What to do about a login that is refused, by code."""
_ORDERS = {
    "51008": "",
    "51010": "change the account mode at OKX to one that trades this",
    "51020": "order more of it",
    "51027": "name the next one",
    "51121": "order a multiple of the lot size",
}
_MAINTENANCE = "OKX is under maintenance or overloaded; it is tried again"
_CLOCK = "this machine's clock is wrong; set it (NTP)"


class Refused(BrokerRefused):
    """OKX said no; `venue_code` is its number."""

    def __init__(self, reason: str, *, venue_code: str, code: str = "") -> None:
        self.venue_code = venue_code
        super().__init__(reason, code=code or venue_code)


def error_of(code: str, words: str) -> BrokerConnectionError | Refused:
    """Return the error of the framework's for an answer of OKX's that is none."""
    said = f"{words.rstrip('.') or 'no reason given'} ({code})"
    if code in _KEYS:
        return Refused(f"OKX refuses the API key: {said}; {_KEYS[code]}", venue_code=code, code=UNAUTHORIZED)
    if code in WRONG_TIME:
        return BrokerConnectionError(f"OKX refuses the time of a request: {said}; {_CLOCK}, and it is tried again")
    if code in UNSURE:
        return BrokerConnectionError(f"OKX answers: {said}; {_MAINTENANCE}")
    if code in TOO_MANY:
        return BrokerConnectionError(f"OKX answers: {said}; lower requests_per_second, or run fewer programs at once")
    remedy = _ORDERS.get(code, "")
    return Refused(f"OKX: {said}{'; ' if remedy else ''}{remedy}", venue_code=code)


@contextmanager
def as_feed_errors() -> Iterator[None]:
    """Raise what a request or a websocket ends with as a feed does: FeedDisconnected, and FeedRefused."""
    try:
        yield
    except BrokerConnectionError as error:
        raise FeedDisconnected(str(error)) from None
    except BrokerRefused as error:
        raise FeedRefused(str(error), code=error.code) from None

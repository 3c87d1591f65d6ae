"""What ccxt's exceptions mean, and what can be done about them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager

import aiohttp

from ml4t.live.errors import (
    NOT_SUBSCRIBED,
    UNAUTHORIZED,
    UNKNOWN_SYMBOL,
    BrokerConnectionError,
    BrokerRefused,
    FeedDisconnected,
    FeedRefused,
    OutcomeUnknown,
)
from ml4t_live_crypto.sdk import errors as theirs

_SENTENCES: tuple[tuple[type[Exception], str, str], ...] = (
    (theirs.PermissionDenied, UNAUTHORIZED, "give the API key that permission, and this machine's address, at the exchange"),
    (theirs.AccountSuspended, UNAUTHORIZED, "the account is suspended; ask the exchange"),
    (
        theirs.AuthenticationError,
        UNAUTHORIZED,
        "check api_key, secret_key and password; set sandbox = true for keys of the test environment, false for others",
    ),
    (theirs.RestrictedLocation, UNAUTHORIZED, "the exchange does not serve this place"),
    (theirs.BadSymbol, UNKNOWN_SYMBOL, "write spot as BTC/USDT and linear swaps as BTC/USDT:USDT"),
    (theirs.NotSupported, NOT_SUBSCRIBED, "ccxt cannot do this at this exchange"),
)
"""What is refused for good, with what to do about it."""
_OFFENDED: tuple[tuple[type[Exception], str], ...] = (
    (theirs.InvalidNonce, "this machine's clock is wrong; set it (NTP), and it is tried again"),
    (theirs.RateLimitExceeded, "lower requests_per_second, or run fewer programs at once; it is tried again"),
    (theirs.DDoSProtection, "lower requests_per_second, or run fewer programs at once; it is tried again"),
    (theirs.OnMaintenance, "it is under maintenance, and tried again"),
    (theirs.RequestTimeout, "it does not answer in time; check the network, and timeout_seconds"),
    (theirs.ExchangeNotAvailable, "it cannot be reached or is overloaded; check the network, and url if one is set"),
    (theirs.NetworkError, "the connection was lost; it is tried again"),
)
"""What passes, with what to do meanwhile."""
TURNED_AWAY = (theirs.RateLimitExceeded, theirs.DDoSProtection, theirs.InvalidNonce)
"""What an exchange says before it has looked at what was asked for: nothing was done."""
_UNSURE = (theirs.OperationFailed,)
_QUOTED = 300
_QUERY = re.compile(r"\?\S*")


def said(error: Exception) -> str:
    """Return what an exception of ccxt's says, shortened, and without the query of a request, which has a signature in it."""
    text = _QUERY.sub("", " ".join(str(error).split()))
    return (text[:_QUOTED] + "..." if len(text) > _QUOTED else text) or type(error).__name__


def refusal(exchange: str, error: Exception) -> BrokerRefused:
    """Return the refusal that an exception of ccxt's is, with what to do about it."""
    for kind, code, remedy in _SENTENCES:
        if isinstance(error, kind):
            return BrokerRefused(f"{exchange} refuses: {said(error)}; {remedy}", code=code)
    for kind, remedy in _OFFENDED:
        if isinstance(error, kind):
            return BrokerRefused(f"{exchange} refuses: {said(error)}; {remedy}", code=type(error).__name__)
    return BrokerRefused(f"{exchange} refuses: {said(error)}", code=type(error).__name__)


def loss(exchange: str, error: Exception) -> BrokerConnectionError:
    """Return the loss that an exception of ccxt's is."""
    for kind, remedy in _OFFENDED:
        if isinstance(error, kind):
            return BrokerConnectionError(f"{exchange}: {said(error)}; {remedy}")
    return BrokerConnectionError(f"{exchange}: {said(error)}; it is tried again")


def _is_for_good(error: Exception) -> bool:
    return isinstance(error, tuple(kind for kind, _, _ in _SENTENCES))


@contextmanager
def as_questions(exchange: str) -> Iterator[None]:
    """Raise what a question ends with as a broker does: BrokerConnectionError, and BrokerRefused for what is for good."""
    try:
        yield
    except theirs.BaseError as error:
        raise (refusal if _is_for_good(error) else loss)(exchange, error) from None
    except (aiohttp.ClientError, OSError) as error:
        what = type(error).__name__
        raise BrokerConnectionError(f"{exchange}: the connection was lost ({what}); it is tried again") from None


@contextmanager
def as_orders(exchange: str) -> Iterator[None]:
    """Raise what an order ends with: BrokerRefused when it is known not to work, OutcomeUnknown when nobody can tell."""
    try:
        yield
    except TURNED_AWAY as error:
        raise refusal(exchange, error) from None
    except _UNSURE as error:
        raise OutcomeUnknown(f"{exchange} did not answer to an order: {said(error)}") from None
    except theirs.ExchangeError as error:
        if isinstance(error.__cause__, aiohttp.ClientError):  # ccxt says so of an answer that broke off
            raise OutcomeUnknown(f"{exchange} did not answer to an order: {said(error)}") from None
        raise refusal(exchange, error) from None
    except (theirs.BaseError, aiohttp.ClientError, OSError) as error:
        raise OutcomeUnknown(f"{exchange} did not answer to an order: {said(error)}") from None


@contextmanager
def as_feed_errors(exchange: str) -> Iterator[None]:
    """Raise what a request or a stream ends with as a feed does: FeedDisconnected, and FeedRefused."""
    try:
        with as_questions(exchange):
            yield
    except BrokerConnectionError as error:
        raise FeedDisconnected(str(error)) from None
    except BrokerRefused as error:
        raise FeedRefused(str(error), code=error.code) from None

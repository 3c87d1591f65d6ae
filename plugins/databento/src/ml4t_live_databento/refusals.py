"""What the gateway refuses, and whether trying again can help."""

from __future__ import annotations

from collections.abc import Mapping

from ml4t.live.errors import NOT_SUBSCRIBED, UNAUTHORIZED, FeedDisconnected, FeedRefused
from ml4t_live_databento.sdk import REPLAY_DATA_AGED_OUT, Code, ErrorCode

TRANSIENT = ("limit", "maintenance", "unavailable", "internal", "temporar", "try again", "timed out", "timeout")
"""Words of a refusal of the login that passes by itself: everything else has to be mended by somebody."""
LICENCE = ("licen", "subscri", "entitle", "dataset")
KEY = "check api_key: Databento's web page shows it under API keys"

_WORDS: Mapping[Code, str] = {
    ErrorCode.CONNECTION_LIMIT_EXCEEDED: "too many connections of this team are open; close another one, and it is tried again",
    ErrorCode.INTERNAL_ERROR: "something went wrong at Databento; it is tried again",
    ErrorCode.SKIPPED_RECORDS_AFTER_SLOW_READING: (
        "this machine read too slowly and records were left out; they are fetched from the replay"
    ),
}


class ReplayTooOld(FeedDisconnected):
    """The gateway does not keep what was to be replayed that far back."""


def login_refused(text: str) -> FeedDisconnected | FeedRefused:
    """Return the error of a login that the gateway refused with these words."""
    said = text.lower()
    if any(word in said for word in TRANSIENT):
        return FeedDisconnected(f"Databento's gateway takes no login now ({text}); it is tried again")
    if any(word in said for word in LICENCE):
        return FeedRefused(f"Databento refuses the login ({text}); check dataset, and its licence", code=NOT_SUBSCRIBED)
    return FeedRefused(f"Databento refuses the login ({text}); {KEY}", code=UNAUTHORIZED)


def session_error(code: object, text: str) -> FeedDisconnected | FeedRefused:
    """Return the error that a record of one ends the session with."""
    if code in (ErrorCode.AUTH_FAILED, ErrorCode.API_KEY_DEACTIVATED):
        return FeedRefused(f"Databento refuses the API key ({text}); {KEY}", code=UNAUTHORIZED)
    if code == ErrorCode.INVALID_SUBSCRIPTION:
        return FeedRefused(
            f"Databento refuses the subscription ({text}); check dataset, schema and stype_in, and the licence",
            code=NOT_SUBSCRIBED,
        )
    if code == REPLAY_DATA_AGED_OUT:
        return ReplayTooOld(f"Databento does not replay what was asked for: {text}")
    words = _WORDS.get(code) if isinstance(code, ErrorCode) else None
    return FeedDisconnected(f"Databento ends the session: {text}" + (f"; {words}" if words else ""))

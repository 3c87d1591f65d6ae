"""Why a download failed, and whether trying again can help."""

from __future__ import annotations

from collections.abc import Mapping

import requests
from databento.common.error import BentoError, BentoHttpError

from ml4t.live.errors import NOT_SUBSCRIBED, UNAUTHORIZED, UNKNOWN_SYMBOL, FeedDisconnected, FeedRefused
from ml4t_live_databento.refusals import KEY

BUSY = frozenset({408, 429, 500, 502, 503, 504})
"""What passes by itself."""
BROKEN = "the download from Databento broke off, or is damaged"
REQUEST = "check start, end, symbols, stype_in, dataset and schema"
LICENCE = "check dataset, and the licence and the payment of the account"
REMEDIES: Mapping[int, tuple[str, str]] = {
    401: (KEY, UNAUTHORIZED),
    402: (LICENCE, NOT_SUBSCRIBED),
    403: (LICENCE, NOT_SUBSCRIBED),
    404: (REQUEST, UNKNOWN_SYMBOL),
}
"""By HTTP status."""


class DownloadInterrupted(FeedDisconnected):
    """A download failed for what passes by itself: `retry_after` is how many seconds Databento asks to wait, if it does."""

    def __init__(self, reason: str, retry_after: float | None = None) -> None:
        self.retry_after = retry_after
        super().__init__(reason)


def download_failed(error: BentoError | requests.RequestException, url: str) -> DownloadInterrupted | FeedRefused:
    """Return the error of a download from `url` that the SDK has given up."""
    if isinstance(error, BentoHttpError):
        return _refused(error)
    if isinstance(error, BentoError):
        return DownloadInterrupted(BROKEN)
    what = "does not answer in time" if isinstance(error, requests.Timeout) else "cannot be reached"
    return DownloadInterrupted(f"Databento's history at {url} {what}")


def _refused(error: BentoHttpError) -> DownloadInterrupted | FeedRefused:
    status = error.http_status
    said = f"{status}: {_words(error)}"
    if status in BUSY:
        return DownloadInterrupted(f"Databento's history is not to be had now ({said})", _seconds(error.headers))
    remedy, code = REMEDIES.get(status, (REQUEST, NOT_SUBSCRIBED))
    return FeedRefused(f"Databento refuses the download ({said}); {remedy}", code=code)


def _words(error: BentoHttpError) -> str:
    """Return what Databento says, on one line: the SDK adds a case and the address of a page to it."""
    detail = (error.json_body or {}).get("detail")
    said = detail.get("message") if isinstance(detail, Mapping) else error.message
    return " ".join(str(said or "it does not say why").split())


def _seconds(headers: Mapping[str, str]) -> float | None:
    try:
        return float(headers["Retry-After"])
    except (KeyError, ValueError):
        return None

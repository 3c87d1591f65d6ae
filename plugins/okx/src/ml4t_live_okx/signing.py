"""How OKX wants requests and logins signed."""

from __future__ import annotations

import base64
import hashlib
import hmac
from datetime import UTC, datetime

LOGIN_TARGET = "GET/users/self/verify"
"""What the signature of a login is about, after its time."""


def signature(secret: str, text: str) -> str:
    """Return the signature of a text: HMAC-SHA256 in base64."""
    return base64.b64encode(hmac.new(secret.encode(), text.encode(), hashlib.sha256).digest()).decode()


def request_time(nanoseconds: int) -> str:
    """Return the time of a request, nanoseconds UTC, as its header has it: ISO 8601 with milliseconds."""
    seconds, rest = divmod(nanoseconds, 1_000_000_000)
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%dT%H:%M:%S}.{rest // 1_000_000:03d}Z"

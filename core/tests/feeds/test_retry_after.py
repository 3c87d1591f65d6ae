"""`Retry-After` in both of its forms, and in none."""

from __future__ import annotations

import pytest

from ml4t.live.feeds.retry_after import seconds_to_retry
from ml4t.live.times import NANOS

NOW = 1_767_623_400 * NANOS
"""2026-01-05 14:30:00 UTC."""


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        ("120", 120.0),
        (" 0 ", 0.0),
        ("Mon, 05 Jan 2026 14:31:30 GMT", 90.0),
        ("Mon, 05 Jan 2026 14:00:00 GMT", 0.0),
        ("soon", None),
        ("-5", None),
        ("Mon, 05 Jan 2026 14:31:30 -0000", None),  # a time without a zone
        ("", None),
        (None, None),
    ],
)
def test_what_a_source_says(header, seconds):
    assert seconds_to_retry(header, NOW) == seconds

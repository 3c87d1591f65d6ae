"""The error of a file that cannot be replayed."""

from __future__ import annotations

from ml4t.live.errors import FeedRefused


class RecordingError(FeedRefused, ValueError):
    """A recording cannot be replayed as it is: the message says what is wrong, where, and what to do.

    A `FeedRefused`, because reading the same file again would not help, and a `ValueError`, because it is one.
    """

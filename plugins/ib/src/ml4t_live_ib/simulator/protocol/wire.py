"""Frames of the TWS socket protocol: a length of four bytes, then fields of text that each end with NUL."""

from __future__ import annotations

import struct
from collections.abc import Iterable, Iterator

GREETING = b"API\0"
"""The first four bytes of a client; everything after them is framed."""

LONGEST = 0xFFFFFF
"""The longest payload that TWS takes, in bytes; a longer one means that the stream is broken."""


class WireError(Exception):
    """What arrived is not the TWS protocol; the connection is of no use any more."""


def frame(texts: Iterable[str]) -> bytes:
    """Return the frame of these fields."""
    payload = "".join(f"{text}\0" for text in texts).encode()
    return struct.pack(">I", len(payload)) + payload


class Splitter:
    """Cuts a client's byte stream into messages, however the network has cut it."""

    def __init__(self) -> None:
        self._data = bytearray()
        self._greeted = False

    def feed(self, data: bytes) -> Iterator[list[str]]:
        """Take bytes and yield the messages that are whole, each as its fields. Raises `WireError`."""
        self._data += data
        if not self._greeted and not self._greet():
            return
        while len(self._data) >= 4:
            (length,) = struct.unpack_from(">I", self._data)
            if length > LONGEST:
                raise WireError(f"a message of {length} bytes was announced; {LONGEST} is the most")
            if len(self._data) < 4 + length:
                return
            payload = bytes(self._data[4 : 4 + length])
            del self._data[: 4 + length]
            yield payload.decode(errors="backslashreplace").removesuffix("\0").split("\0")

    def _greet(self) -> bool:
        if not GREETING.startswith(self._data[:4]):
            raise WireError(f"a client begins with {GREETING!r}, this one began with {bytes(self._data[:4])!r}")
        if len(self._data) < 4:
            return False
        del self._data[:4]
        self._greeted = True
        return True

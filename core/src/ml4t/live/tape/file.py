"""The file of a tape: chunks, each with its length and checksums, appended and never changed.

The checksum of a chunk goes on from the one before, so that none can be taken out, put in or moved.
"""

from __future__ import annotations

import os
import struct
import zlib
from collections.abc import Iterator
from pathlib import Path

from ml4t.live.errors import LiveError

_MAGIC = b"ml4t-live tape\n\x00"
_HEAD = struct.Struct("<II")
_CHECK = struct.Struct("<I")
_OVERHEAD = _HEAD.size + _CHECK.size


class TapeDamaged(LiveError):
    """A tape is not what was written; the text says where."""


class TapeFile:
    """A new file that is appended to, private to its owner. Raises OSError when the disk refuses."""

    def __init__(self, path: Path) -> None:
        self._descriptor = os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY | getattr(os, "O_BINARY", 0), 0o600)
        self._checksum = 0
        self.size = 0
        """How many bytes are in it."""
        try:
            self._write(_MAGIC)
        except BaseException:
            self.close()
            raise

    def append(self, chunk: bytes) -> None:
        """Add a chunk; one that does not fit on the disk leaves nothing of itself behind."""
        checksum = zlib.crc32(chunk, self._checksum)
        head = _HEAD.pack(len(chunk), checksum)
        self._write(head + _CHECK.pack(zlib.crc32(head)) + chunk)
        self._checksum = checksum

    def close(self) -> None:
        """Let go of the file."""
        os.close(self._descriptor)

    def _write(self, data: bytes) -> None:
        left = memoryview(data)
        try:
            while left:
                left = left[os.write(self._descriptor, left) :]
        except OSError:
            os.ftruncate(self._descriptor, self.size)
            os.lseek(self._descriptor, self.size, os.SEEK_SET)
            raise
        self.size += len(data)


def chunks(path: Path) -> Iterator[bytes | None]:
    """Yield the chunks of a file, and None where the last one is cut off. Raises TapeDamaged, OSError."""
    checksum = 0
    with path.open("rb") as file:
        magic = file.read(len(_MAGIC))
        if magic != _MAGIC[: len(magic)]:
            raise TapeDamaged(f"{path} is no tape of ml4t-live")
        if len(magic) < len(_MAGIC):
            yield None
            return
        while head := file.read(_OVERHEAD):
            place = file.tell() - len(head)
            if len(head) < _OVERHEAD:
                yield None
                return
            if zlib.crc32(head[: _HEAD.size]) != _CHECK.unpack(head[_HEAD.size :])[0]:
                raise _damaged(path, place)
            length, expected = _HEAD.unpack(head[: _HEAD.size])
            chunk = file.read(length)
            if len(chunk) < length:
                yield None
                return
            checksum = zlib.crc32(chunk, checksum)
            if checksum != expected:
                raise _damaged(path, place)
            yield chunk


def _damaged(path: Path, place: int) -> TapeDamaged:
    return TapeDamaged(f"{path} has been changed or damaged: the checksum at byte {place:,} does not fit; it proves nothing")

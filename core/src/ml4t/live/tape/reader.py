"""A tape that is read."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from pathlib import Path
from typing import Any

import msgspec

from ml4t.live.tape.file import TapeDamaged, chunks
from ml4t.live.tape.frames import VERSION, Frame, Kind, unpack


class TapeReader:
    """The frames of a tape, a chunk in memory at a time.

    What is said of the end is known when it has been reached: `ended` in order, `hole` with why there is one, `torn` when the
    last frames were cut off. Raises TapeDamaged for a file that is not what was written, or that a later version has written.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.ended = False
        self.torn = False
        self.hole = ""
        self._frames = self._read()
        first = next(self._frames, None)
        if first is not None and first[0] != Kind.RUN:
            raise TapeDamaged(f"{path} does not begin with its run")
        if first is not None and first[1] > VERSION:
            raise TapeDamaged(f"{path} is of version {first[1]}, and this ml4t-live reads up to {VERSION}; upgrade it")
        self.run: dict[str, Any] | None = None if first is None else first[2]
        """What was recorded, None when the process was killed before it could say."""

    def __iter__(self) -> Iterator[Frame]:
        """Iterate over what follows, once."""
        return self._frames

    def __enter__(self) -> TapeReader:
        return self

    def __exit__(self, *_: object) -> None:
        self._frames.close()

    def _read(self) -> Generator[Frame, None, None]:
        count = 0
        for chunk in chunks(self.path):
            if chunk is None:
                self.torn = True
                return
            try:
                frames = unpack(chunk)
            except msgspec.DecodeError as error:
                raise TapeDamaged(f"{self.path} cannot be read: {error}") from error
            for frame in frames:
                if frame[0] == Kind.HOLE:
                    self.hole = frame[1]
                elif frame[0] == Kind.END:
                    self._check(count, frame[1])
                    self.ended = True
                else:
                    count += 1
                    yield frame

    def _check(self, count: int, expected: int) -> None:
        if count != expected:
            raise TapeDamaged(f"{self.path} holds {count} frames, and its end says {expected}")

"""A tape that is being recorded: frames are noted at once, and written off the way of the events."""

from __future__ import annotations

import contextlib
import threading
from collections import deque
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from ml4t.live.clock import Clock
from ml4t.live.tape.file import TapeFile
from ml4t.live.tape.frames import VERSION, Frame, Kind, pack_frames

CAPACITY = 250_000
"""Frames that may wait for the disk; more than that is a hole."""

_CHUNK = 512
_HURRY = 4_096  # in a storm the thread does not wait for its time
_PAUSE_SECONDS = 0.25


class Tape:
    """Takes frames from any thread, in order, and never holds up who notes them or raises.

    A thread writes them four times a second; `inline`, the caller writes every 512, so that the same run makes the same
    file. What cannot be written (a full disk, `most_bytes` reached, a value without a form, a writer that is too far behind)
    makes a hole: the rest of the run is counted in `lost`, `hole` says why, and `on_hole` is called with that once, on the
    thread that found it.
    """

    def __init__(self, path: Path, run: Mapping[str, Any], clock: Clock, *, inline: bool, most_bytes: int) -> None:
        self.hole = ""
        self.lost = 0
        self.on_hole: Callable[[str], None] | None = None
        self._most = most_bytes
        self._inline = inline
        self._clock = clock
        self._room = _CHUNK if inline else min(_HURRY, CAPACITY)
        self._waiting: deque[Frame] = deque()
        self._count = 0
        self._given_up = ""
        self._file: TapeFile | None = None
        self._stopped = False
        self._wake = threading.Event()
        self._writing = threading.Lock()
        self._thread: threading.Thread | None = None
        try:
            self._file = TapeFile(path)
        except OSError as error:
            self._break(str(error))
            return
        self._write([(Kind.RUN, VERSION, run)])
        if not inline:
            self._thread = threading.Thread(target=self._work, name="ml4t-live-tape", daemon=True)
            self._thread.start()

    def note(self, frame: Frame) -> None:
        """Take a frame; what is in it must not be changed any more."""
        if len(self._waiting) >= self._room and not self._make_room():
            self.lost += 1
            return
        self._waiting.append(frame)

    def give_up(self, why: str) -> None:
        """Let the tape end here: what comes next cannot be written."""
        if not self._given_up:
            self._given_up = why
            self._room = 0
            if self._inline:
                self._drain()

    def close(self) -> None:
        """Write what is left and that the run ended in order. Again changes nothing."""
        if self._stopped:
            return
        self._stopped = True
        self._wake.set()
        if self._thread is not None:
            self._thread.join()
        self._drain()
        self._room = 0
        if self._file is not None:
            if not self.hole:
                self._write([(Kind.END, self._count)])
            self._file.close()
            self._file = None

    def _make_room(self) -> bool:
        if not self._room:
            return False
        if self._inline:
            self._drain()
        elif len(self._waiting) < CAPACITY:
            self._wake.set()
        else:
            self.give_up(f"{CAPACITY:,} frames waited for the disk")
        return self._room > 0

    def _work(self) -> None:
        while not self._stopped:
            self._clock.wait(self._wake, _PAUSE_SECONDS)
            self._wake.clear()
            self._drain()

    def _drain(self) -> None:
        waiting = self._waiting
        with self._writing:  # a strategy on a thread of its own notes frames as well
            while waiting and not self.hole:
                self._write([waiting.popleft() for _ in range(min(len(waiting), _CHUNK))])
            if self._given_up and not self.hole:
                self._break(self._given_up)

    def _write(self, frames: list[Frame]) -> None:
        if self._file is None:
            return
        try:
            packed = pack_frames(frames)
            if self._file.size + len(packed) > self._most:
                raise OSError(f"the tape is full; engine.record_max_mib allows it {self._most / 2**20:.0f} MiB")
            self._file.append(packed)
        except Exception as error:  # noqa: BLE001 - whatever it is, it must not reach those who trade
            self.lost += len(frames)
            self._break(str(error))
        else:
            self._count += len(frames)

    def _break(self, why: str) -> None:
        self.hole = why
        self._room = 0
        self.lost += len(self._waiting)
        self._waiting.clear()
        if self._file is not None:
            with contextlib.suppress(OSError):  # the journal has it, too
                self._file.append(pack_frames([(Kind.HOLE, why)]))
        if self.on_hole is not None:
            self.on_hole(why)

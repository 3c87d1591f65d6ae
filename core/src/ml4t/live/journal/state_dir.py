"""The folder of one mode, and the lock that keeps a second process out of it (row 53 of the table of controls)."""

from __future__ import annotations

import contextlib
import os
import re
import sys
import weakref
from pathlib import Path
from types import TracebackType
from typing import Self

from ml4t.live.errors import StateLocked
from ml4t.live.journal.folders import make_folders, sync_folder

_MODE = re.compile(r"[a-z][a-z0-9_-]*")


class StateDir:
    """`<root>/<mode>/`: readable by its owner only, one process at a time.

    Shadow, paper and live are separate folders, so that the state of one is never read by another.
    """

    def __init__(self, root: Path, mode: str) -> None:
        if not _MODE.fullmatch(mode):
            raise ValueError(f"{mode!r} cannot name a mode; use shadow, paper or live")
        self.root = Path(root)
        self.mode = mode

    @property
    def path(self) -> Path:
        """The folder itself."""
        return self.root / self.mode

    @property
    def journal(self) -> Path:
        """The journal's file."""
        return self.path / "journal.sqlite3"

    @property
    def log(self) -> Path:
        """The log's file."""
        return self.path / "live.log"

    @property
    def heartbeat(self) -> Path:
        """The file that tells how the run is."""
        return self.path / "heartbeat.json"

    def create(self) -> Self:
        """Make the folder, 0700 whatever the umask says; one that is there is tightened."""
        make_folders(self.root)
        if not self.path.exists():
            self.path.mkdir(mode=0o700, exist_ok=True)
            sync_folder(self.root)
        self.path.chmod(0o700)
        return self

    def touch(self, path: Path) -> Path:
        """Create a file in the folder, or tighten the one that is there, to 0600; return its path."""
        os.close(_open_private(path))
        return path

    def lock(self) -> StateLock:
        """Take the folder for this process until the lock is released or the process ends, however it ends.

        Raises StateLocked, with the pid of the process that has it, at once.
        """
        return StateLock(self.create().path / "lock")


class StateLock:
    """A held lock; `release()` it or use it in a `with`."""

    def __init__(self, path: Path) -> None:
        self._descriptor = _open_private(path)
        try:
            _take(self._descriptor)
        except OSError as error:
            holder = os.pread(self._descriptor, 32, 0).decode(errors="replace").strip() if hasattr(os, "pread") else ""
            self._close()
            raise StateLocked(
                f"{path.parent} is in use by process {holder or '(unknown)'}; stop that run, or name another --state-dir"
            ) from error
        os.ftruncate(self._descriptor, 0)
        os.write(self._descriptor, f"{os.getpid()}\n".encode())
        _held.add(self)

    def release(self) -> None:
        """Let the next process in; a second call does nothing."""
        _held.discard(self)
        self._close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.release()

    def _close(self) -> None:
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1


def _open_private(path: Path) -> int:
    descriptor = os.open(path, os.O_CREAT | os.O_RDWR, 0o600)
    if hasattr(os, "fchmod"):
        os.fchmod(descriptor, 0o600)
    return descriptor


if sys.platform == "win32":
    import msvcrt

    _FAR = 0x7FFF_0000  # Windows forbids reading a locked byte: lock one behind the pid

    def _take(descriptor: int) -> None:
        os.lseek(descriptor, _FAR, os.SEEK_SET)
        msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
        os.lseek(descriptor, 0, os.SEEK_SET)

else:
    import fcntl

    def _take(descriptor: int) -> None:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)


_held: weakref.WeakSet[StateLock] = weakref.WeakSet()


def _let_go_after_fork() -> None:
    # A forked child shares the lock, and would keep the folder taken after a crash of the process that runs.
    for lock in list(_held):
        with contextlib.suppress(OSError):
            lock._close()  # noqa: SLF001
    _held.clear()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_let_go_after_fork)

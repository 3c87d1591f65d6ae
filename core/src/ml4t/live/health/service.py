"""What a service manager such as systemd is told, over the datagram socket that it names (the protocol of sd_notify)."""

from __future__ import annotations

import contextlib
import os
import socket
from collections.abc import Mapping

import structlog

LONGEST = 200
"""Characters of a value, such as a status; a datagram that is too long would be refused as a whole."""

_log = structlog.get_logger("ml4t.live.service")


class ServiceManager:
    """The socket of a service manager. `watchdog_seconds` is within what time it wants to hear, None when it does not.

    Nothing here raises or waits: a manager that cannot be reached is no reason to stop a run, and is logged once.
    """

    def __init__(self, address: str, watchdog_seconds: float | None = None) -> None:
        self.watchdog_seconds = watchdog_seconds
        self._address = f"\0{address[1:]}" if address.startswith("@") else address
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.setblocking(False)
        self._complained = False

    @classmethod
    def from_environment(cls, environ: Mapping[str, str] = os.environ) -> ServiceManager | None:
        """Return the manager that started this process, None when there is none or it cannot be understood."""
        address = environ.get("NOTIFY_SOCKET", "")
        if not address:
            return None
        if address[0] not in "/@" or len(address) < 2 or not hasattr(socket, "AF_UNIX"):
            _log.warning("NOTIFY_SOCKET names no socket that can be used", address=address)
            return None
        return cls(address, _watchdog_seconds(environ))

    def tell(self, **fields: int | str) -> bool:
        """Send one message, such as `tell(READY=1, STATUS="running")`; return False when it was not taken."""
        lines = (f"{name}={' '.join(str(value).split())[:LONGEST]}" for name, value in fields.items())
        try:
            self._socket.sendto("\n".join(lines).encode(errors="replace"), self._address)
        except BlockingIOError:  # its queue is full; whatever counts is said again
            return False
        except OSError as error:
            if not self._complained:
                self._complained = True
                _log.warning("the service manager cannot be told", address=self._address.replace("\0", "@"), error=str(error))
            return False
        return True

    def close(self) -> None:
        """Let the socket go."""
        with contextlib.suppress(OSError):
            self._socket.close()


def _watchdog_seconds(environ: Mapping[str, str]) -> float | None:
    """Return within what time this very process has to be heard, None when nobody watches it."""
    try:
        meant = int(environ.get("WATCHDOG_PID") or os.getpid()) == os.getpid()
        micros = int(environ.get("WATCHDOG_USEC") or 0)
    except ValueError:
        return None
    return micros / 1e6 if meant and micros > 0 else None

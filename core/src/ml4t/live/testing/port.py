"""A port of this machine at which nobody listens, and which nobody else is given."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import contextmanager

from ml4t.live.testing.rig import Address


class Port:
    """Keeps the address of a server that does not listen for a while.

    The system would give the number to the next server on the machine that asks for a free one, be it another test's.
    """

    def __init__(self) -> None:
        self._held: socket.socket | None = None

    def hold(self, address: Address) -> None:
        """Keep an address from now on: whoever connects is refused. Raises OSError when somebody has it."""
        self.release()
        held = socket.socket()
        held.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            held.bind(address)
        except OSError:
            held.close()
            raise
        self._held = held

    def release(self) -> None:
        """Let it be listened at; again changes nothing."""
        held, self._held = self._held, None
        if held is not None:
            held.close()


@contextmanager
def nobody() -> Iterator[Address]:
    """Yield an address at which nobody listens, until the end of the block."""
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        host, port = held.getsockname()
        yield host, port

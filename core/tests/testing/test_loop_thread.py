"""A thread with a loop of its own leaves nothing for the collector to complain of, wherever its end comes."""

from __future__ import annotations

import asyncio
import gc
import socket
import sys

import pytest

from ml4t.live.testing.chaos import ChaosProxy
from ml4t.live.testing.loop_thread import LoopThread, stop_accepting


class Served:
    """A server on a thread of its own, closed as simulators are."""

    def __init__(self):
        self.thread = LoopThread("served")
        self.server = None
        self.address = ("127.0.0.1", 0)

    def start(self):
        self.thread.start()
        self.thread.run(self.open)

    async def open(self):
        self.server = await asyncio.start_server(self.serve, *self.address)
        self.address = self.server.sockets[0].getsockname()

    async def serve(self, reader, writer):
        try:
            await reader.read()
        finally:
            writer.close()

    async def stop(self):
        await stop_accepting(self.server.sockets)
        self.server.close()

    def close(self):
        self.thread.run(self.stop)
        self.thread.close()


@pytest.fixture
def complaints(monkeypatch):
    """What could not be raised anywhere, of which pytest makes a failure of some test or other."""
    found = []
    monkeypatch.setattr(sys, "unraisablehook", lambda unraisable: found.append(str(unraisable.exc_value)))
    return found


@pytest.mark.parametrize("kind", ["server", "proxy"])
def test_a_connection_that_is_being_accepted_at_the_end_is_closed(kind, complaints):
    for _ in range(100):
        running = Served() if kind == "server" else ChaosProxy(("127.0.0.1", 1))
        running.start()
        with socket.create_connection(running.address):
            running.close()
        del running
    gc.collect()
    assert complaints == []

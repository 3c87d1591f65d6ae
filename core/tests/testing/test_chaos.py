"""The proxy does to bytes and connections what it says, and nothing else."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import threading
import time

import pytest

from ml4t.live.testing.chaos import ChaosProxy
from ml4t.live.testing.port import nobody

PATIENCE = 60.0


class Echo:
    """A server that sends back what it gets, and remembers it, on a thread of its own."""

    def __init__(self):
        self.heard = b""
        self.ended = threading.Semaphore(0)
        self._server = socket.create_server(("127.0.0.1", 0))
        self.address = self._server.getsockname()
        self._accepting = threading.Thread(target=self._serve, daemon=True)
        self._accepting.start()

    def _serve(self):
        with contextlib.suppress(OSError):
            while True:
                client, _ = self._server.accept()
                threading.Thread(target=self._echo, args=(client,), daemon=True).start()

    def _echo(self, client):
        with client, contextlib.suppress(OSError):
            while data := client.recv(65_536):
                self.heard += data
                client.sendall(data)
        self.ended.release()

    def wait_for(self, data):
        deadline = time.monotonic() + PATIENCE
        while self.heard != data:
            assert time.monotonic() < deadline, self.heard
            time.sleep(0.002)

    def close(self):
        """Wake the thread before its socket goes: it would go on to accept at whatever takes over the number."""
        self._server.shutdown(socket.SHUT_RDWR)
        self._accepting.join(PATIENCE)
        self._server.close()


@pytest.fixture
def echo():
    server = Echo()
    yield server
    server.close()


@pytest.fixture
def proxy(echo):
    with ChaosProxy(echo.address) as made:
        yield made


def client(proxy, timeout=PATIENCE):
    return socket.create_connection(proxy.address, timeout)


def read(sock, count):
    data = b""
    while len(data) < count and (more := sock.recv(count - len(data))):
        data += more
    return data


def read_one(proxy):
    with client(proxy) as sock:  # which may be reset already
        return sock.recv(1)


def is_silent(sock, seconds=0.1):
    """True when nothing arrives, no end either; only ever a lower bound of a silence."""
    sock.settimeout(seconds)
    try:
        sock.recv(1)
    except TimeoutError:
        return True
    finally:
        sock.settimeout(PATIENCE)
    return False


def test_it_passes_on_everything_and_the_end(proxy, echo):
    blob = bytes(range(256)) * 1_000
    with client(proxy) as sock:
        threading.Thread(target=sock.sendall, args=(blob,)).start()
        assert read(sock, len(blob)) == blob
        sock.shutdown(socket.SHUT_WR)
        assert echo.ended.acquire(timeout=PATIENCE)
        assert sock.recv(1) == b""
    assert echo.heard == blob


def test_frozen_nothing_moves_and_no_end_is_seen_and_thawed_everything_comes(proxy, echo):
    with client(proxy) as sock:
        sock.sendall(b"one")
        assert read(sock, 3) == b"one"
        proxy.freeze()
        sock.sendall(b"two")
        assert is_silent(sock)
        assert echo.heard == b"one"
        proxy.thaw()
        assert read(sock, 3) == b"two"


def test_half_open_the_server_hears_and_is_not_heard(proxy, echo):
    with client(proxy) as sock:
        proxy.half_open(True)
        sock.sendall(b"hello")
        echo.wait_for(b"hello")
        assert is_silent(sock)
        proxy.half_open(False)
        sock.sendall(b"again")
        assert read(sock, 5) == b"again", "what was swallowed never comes"


def test_a_fin_is_an_end_and_a_reset_is_an_error(proxy, echo):
    with client(proxy) as sock:
        sock.sendall(b"x")
        assert read(sock, 1) == b"x"
        proxy.finish()
        assert sock.recv(1) == b""
    assert echo.ended.acquire(timeout=PATIENCE)
    with client(proxy) as sock:
        sock.sendall(b"x")
        assert read(sock, 1) == b"x"
        proxy.reset()
        with pytest.raises(ConnectionResetError):
            sock.recv(1)
    assert echo.ended.acquire(timeout=PATIENCE)
    assert proxy.accepted == 2
    assert proxy.connections == 0


def test_refused_and_taken_again_on_the_same_port(proxy):
    with client(proxy) as before:
        before.sendall(b"x")
        assert read(before, 1) == b"x"
        proxy.refuse(True)
        with pytest.raises(ConnectionRefusedError):
            client(proxy)
        before.sendall(b"still here")
        assert read(before, 10) == b"still here"
        proxy.refuse(False)
        with client(proxy) as sock:
            sock.sendall(b"x")
            assert read(sock, 1) == b"x"


def test_a_black_hole_accepts_and_never_answers(proxy, echo):
    proxy.blackhole(True)
    with client(proxy) as sock:
        sock.sendall(b"x")
        assert is_silent(sock)
    assert echo.heard == b""


def test_latency_and_rate_are_at_least_what_is_asked(proxy):
    proxy.to_server.latency = proxy.to_client.latency = 0.1
    with client(proxy) as sock:
        began = time.monotonic()
        sock.sendall(b"x")
        assert read(sock, 1) == b"x"
        assert time.monotonic() - began >= 0.2
        proxy.to_server.latency = proxy.to_client.latency = 0.0
        proxy.to_client.rate = 10_000
        began = time.monotonic()
        sock.sendall(b"x" * 2_000)
        assert len(read(sock, 2_000)) == 2_000
        assert time.monotonic() - began >= 0.2


@pytest.mark.parametrize("count", [0, 1, 5, 4_096, 5_000])
def test_it_cuts_behind_exactly_so_many_bytes_in_each_direction(proxy, echo, count):
    blob = bytes(range(256)) * 40
    proxy.to_client.cut_after = count
    with client(proxy) as sock:
        with contextlib.suppress(OSError):
            sock.sendall(blob)
        assert read(sock, count) == blob[:count]
        with pytest.raises(ConnectionResetError):
            sock.recv(1)
    assert echo.ended.acquire(timeout=PATIENCE)
    echo.heard = b""
    proxy.to_server.cut_after = count
    with client(proxy) as sock, contextlib.suppress(OSError):
        sock.sendall(blob)
        while sock.recv(65_536):
            pass
    assert echo.ended.acquire(timeout=PATIENCE)
    assert echo.heard == blob[:count]


def test_it_flips_exactly_one_byte(proxy):
    proxy.to_client.corrupt_after = 5
    with client(proxy) as sock:
        sock.sendall(b"abc")
        assert read(sock, 3) == b"abc"
        sock.sendall(b"defgh")
        assert read(sock, 5) == b"de" + bytes([ord("f") ^ 0xFF]) + b"gh"
        sock.sendall(b"i")
        assert read(sock, 1) == b"i"


def test_a_server_that_is_not_there_is_a_reset(echo):
    with nobody() as address, ChaosProxy(address) as proxy, pytest.raises(ConnectionResetError):
        read_one(proxy)


def test_it_works_while_the_loop_of_the_program_is_blocked_and_leaves_nothing(echo):
    async def main():
        before = set(threading.enumerate())
        with ChaosProxy(echo.address) as proxy, client(proxy) as sock:
            sock.sendall(b"x")  # blocks this loop on purpose
            assert read(sock, 1) == b"x"
            assert asyncio.all_tasks() == {asyncio.current_task()}
        proxy.close()
        return set(threading.enumerate()) - before

    left = asyncio.run(main())
    assert not [thread for thread in left if thread.name == "chaos proxy"]


def test_while_it_refuses_nobody_else_is_given_its_port(proxy):
    proxy.refuse(True)
    with socket.socket() as other, pytest.raises(OSError, match="in use"):
        other.bind(proxy.address)
    proxy.refuse(False)
    with client(proxy) as sock:
        sock.sendall(b"x")
        assert read(sock, 1) == b"x"

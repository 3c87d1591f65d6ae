"""A confined process reaches its own sockets, and nothing else."""

from __future__ import annotations

import asyncio
import os
import socket
import subprocess
import sys
import threading

import pytest

from ml4t.live.confinement import OutOfBounds, confined

ELSEWHERE = "192.0.2.1"
"""An address of the documentation: nobody has it."""


@pytest.fixture
def stranger():
    """A server of another process, on this machine."""
    code = "import socket\ns = socket.create_server(('127.0.0.1', 0))\nprint(s.getsockname()[1], flush=True)\ninput()"
    process = subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    yield int(process.stdout.readline())
    process.communicate("\n")


@pytest.mark.parametrize("family", [socket.AF_INET, socket.AF_INET6])
def test_a_confined_process_reaches_its_own_servers(family):
    host = "127.0.0.1" if family is socket.AF_INET else "::1"
    with confined(), socket.create_server((host, 0), family=family) as server:
        port = server.getsockname()[1]
        with socket.create_connection((host, port)) as client:
            assert client.getpeername()[1] == port
        with socket.create_connection(("localhost", port)) if family is socket.AF_INET else client:
            pass


def test_an_event_loop_reaches_servers_of_another_thread():
    async def both():
        server = await asyncio.start_server(lambda reader, writer: writer.close(), "127.0.0.1", 0)
        async with server:
            _, writer = await asyncio.open_connection(*server.sockets[0].getsockname())
            writer.close()
            await writer.wait_closed()

    failed = []

    def run():
        try:
            asyncio.run(both())
        except OSError as error:
            failed.append(error)

    with confined():
        asyncio.run(both())
        thread = threading.Thread(target=run)
        thread.start()
        thread.join()
    assert not failed


def test_not_what_another_process_listens_on(stranger):
    with confined(), pytest.raises(OutOfBounds, match=f"127.0.0.1:{stranger} is not reached"):
        socket.create_connection(("127.0.0.1", stranger))
    socket.create_connection(("127.0.0.1", stranger)).close()


def test_not_a_port_that_was_closed_again(stranger):
    with confined():
        with socket.create_server(("127.0.0.1", 0)) as server:
            port = server.getsockname()[1]
        with pytest.raises(OutOfBounds):
            socket.create_connection(("127.0.0.1", port))


@pytest.mark.parametrize("host", [ELSEWHERE, "2001:db8::1", "::ffff:192.0.2.1", "0.0.0.0"])
def test_no_other_host_even_at_a_port_of_its_own(host):
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with confined(), socket.create_server(("127.0.0.1", 0)) as server, socket.socket(family) as client:
        with pytest.raises(OutOfBounds):
            client.connect((host, server.getsockname()[1]))
        with pytest.raises(OutOfBounds):
            client.connect_ex((host, server.getsockname()[1]))


def test_no_datagrams_either():
    with confined(), socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
        with pytest.raises(OutOfBounds):
            client.sendto(b"?", (ELSEWHERE, 53))
        with pytest.raises(OutOfBounds):
            client.sendmsg([b"?"], [], 0, (ELSEWHERE, 53))


@pytest.mark.parametrize("look_up", [lambda name: socket.getaddrinfo(name, 443), socket.gethostbyname])
def test_no_name_is_looked_up(look_up):
    with confined():
        with pytest.raises(OutOfBounds, match="looked up"):
            look_up("venue.example")
        assert look_up("localhost")
        assert look_up("127.0.0.1")


def test_an_event_loop_is_told_as_well():
    async def main():
        with pytest.raises(OutOfBounds):
            await asyncio.open_connection(ELSEWHERE, 443)

    with confined():
        asyncio.run(main())


def test_the_file_system_has_sockets_of_its_own(tmp_path):
    with confined(), socket.socket(socket.AF_UNIX) as server, socket.socket(socket.AF_UNIX) as client:
        server.bind(str(tmp_path / "s"))
        server.listen()
        client.connect(str(tmp_path / "s"))


def test_proxies_are_out_of_the_way_and_come_back(monkeypatch):
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:3128")
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:3128")
    with confined():
        assert not {"HTTPS_PROXY", "http_proxy"} & os.environ.keys()
    assert os.environ["HTTPS_PROXY"] == os.environ["http_proxy"] == "http://127.0.0.1:3128"

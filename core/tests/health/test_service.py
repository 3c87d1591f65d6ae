"""What a service manager hears, at a real datagram socket."""

from __future__ import annotations

import os
import socket
import sys

import pytest

from ml4t.live.health.service import LONGEST, ServiceManager

ADDRESSES = ["path"] + ["abstract"] * (sys.platform == "linux")


@pytest.fixture(params=ADDRESSES)
def heard(request, tmp_path):
    """A socket as systemd binds it, and what NOTIFY_SOCKET says of it."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listener:
        if request.param == "path":
            address = str(tmp_path / "notify")
            listener.bind(address)
        else:
            listener.bind("")  # the kernel gives it a name
            address = "@" + listener.getsockname()[1:].decode()
        listener.settimeout(60)
        yield listener, address


def manager(address, **environ):
    return ServiceManager.from_environment({"NOTIFY_SOCKET": address, **environ})


def test_a_message_is_one_datagram_of_lines(heard):
    listener, address = heard
    said = manager(address)
    assert said.tell(READY=1, EXTEND_TIMEOUT_USEC=30_000_000, STATUS="running, ok")
    assert listener.recv(4096) == b"READY=1\nEXTEND_TIMEOUT_USEC=30000000\nSTATUS=running, ok"
    said.close()


def test_a_status_cannot_smuggle_a_field_in_nor_grow_too_long(heard):
    listener, address = heard
    said = manager(address)
    assert said.tell(STATUS="why\nSTOPPING=1\r\n" + "x" * 100_000 + "\udcff")
    text = listener.recv(65_536).decode()
    assert text.startswith("STATUS=why STOPPING=1 x")
    assert "\n" not in text
    assert len(text) == LONGEST + len("STATUS=")
    said.close()


def test_a_full_queue_is_no_wait_and_no_error(heard):
    _, address = heard
    said = manager(address)
    told = [said.tell(WATCHDOG=1) for _ in range(10_000)]
    assert told[0] is True
    assert told[-1] is False
    said.close()


def test_a_manager_that_is_gone_is_no_error(tmp_path):
    said = manager(str(tmp_path / "nobody"))
    assert said.tell(READY=1) is False
    said.close()
    assert said.tell(READY=1) is False


@pytest.mark.parametrize("address", ["", "relative/path", "vsock:2:1234", "@", "/"])
def test_what_names_no_socket_is_no_manager(address):
    assert manager(address) is None


def test_outside_of_a_service_there_is_no_manager():
    assert ServiceManager.from_environment({}) is None


@pytest.mark.parametrize(
    ("environ", "seconds"),
    [
        ({}, None),
        ({"WATCHDOG_USEC": "20000000"}, 20.0),
        ({"WATCHDOG_USEC": "20000000", "WATCHDOG_PID": str(os.getpid())}, 20.0),
        ({"WATCHDOG_USEC": "20000000", "WATCHDOG_PID": "1"}, None),
        ({"WATCHDOG_USEC": "0"}, None),
        ({"WATCHDOG_USEC": "soon"}, None),
        ({"WATCHDOG_USEC": "-5"}, None),
    ],
)
def test_a_watchdog_counts_when_it_is_meant_for_this_process(tmp_path, environ, seconds):
    said = manager(str(tmp_path / "notify"), **environ)
    assert said.watchdog_seconds == seconds
    said.close()

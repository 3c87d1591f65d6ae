"""Keeps a process to itself: while it is confined it connects to sockets that it listens on itself, and to nothing else.

That is what makes a simulated run harmless whatever a plugin does with its options. Loopback is not enough of a rule: a real
gateway to a venue may listen on this very machine.
"""

from __future__ import annotations

import os
import socket
import sys
import threading
import weakref
from collections.abc import Iterator
from contextlib import contextmanager
from ipaddress import ip_address
from typing import Any

SENDING = frozenset({"socket.connect", "socket.sendto", "socket.sendmsg"})
LOOKING_UP = frozenset({"socket.getaddrinfo", "socket.gethostbyname"})
PROXIES = frozenset({"http_proxy", "https_proxy", "all_proxy", "ws_proxy", "wss_proxy"})
"""Variables, in small or capital letters, that send a client somewhere else than to the address it was given."""

_lock = threading.Lock()
_depth = 0
_watching = False
_bound: list[weakref.ref[socket.socket]] = []


class OutOfBounds(ConnectionRefusedError):
    """A confined process wanted to reach something else than itself."""


@contextmanager
def confined() -> Iterator[None]:
    """Inside the block, let no socket of this process reach anything that this process does not listen on itself.

    Whoever tries gets OutOfBounds, an OSError; so does who looks up the name of another host. Sockets of the file system,
    and other processes, are not watched. Proxies that the environment names are not used.
    """
    global _depth  # noqa: PLW0603 - a process is confined, not an object
    _watch()
    proxies = {name: os.environ.pop(name) for name in list(os.environ) if name.lower() in PROXIES}
    with _lock:
        _depth += 1
    try:
        yield
    finally:
        with _lock:
            _depth -= 1
        os.environ.update(proxies)


def _watch() -> None:
    """Install the hook, once: the interpreter has no way to take one out again."""
    global _watching  # noqa: PLW0603 - as above
    with _lock:
        if not _watching:
            sys.addaudithook(_on_event)
            _watching = True


def _on_event(event: str, arguments: tuple[Any, ...]) -> None:
    if not event.startswith("socket.") or not _depth:
        return
    if event == "socket.bind":
        _bound[:] = [each for each in _bound if each() is not None]
        _bound.append(weakref.ref(arguments[0]))
    elif event in SENDING and isinstance(arguments[1], tuple):  # a path is a socket of the file system
        host, port = arguments[1][:2]
        if not (_is_loopback(host) and port in _own_ports()):
            raise OutOfBounds(f"{host}:{port} is not reached: in a simulated run nothing is but its simulators")
    elif event in LOOKING_UP and not _is_loopback(arguments[0]):
        raise OutOfBounds(f"{arguments[0]!r} is not looked up: in a simulated run nothing is reached but its simulators")


def _own_ports() -> set[int]:
    ports = set()
    for reference in tuple(_bound):
        try:
            ports.add(reference().getsockname()[1])  # type: ignore[union-attr]
        except (AttributeError, OSError, IndexError, TypeError):  # gone, closed, or not of the network
            continue
    return ports


def _is_loopback(host: object) -> bool:
    if host is None or host in {"", "localhost", b"localhost"}:
        return True
    try:
        address = ip_address(host.decode() if isinstance(host, bytes) else str(host))
    except ValueError:
        return False
    return (getattr(address, "ipv4_mapped", None) or address).is_loopback

"""The contract of a simulator: a vendor on loopback, for who has no account, and for tests."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol, runtime_checkable


@runtime_checkable
class Simulator(Protocol):
    """A venue or a source that speaks the vendor's wire protocol on 127.0.0.1, on a thread of its own.

    Its factory is called with the config of its `SimulatorRecord`.
    """

    @property
    def address(self) -> tuple[str, int]:
        """Host and port; valid once started."""
        ...

    @property
    def options(self) -> Mapping[str, Any]:
        """What a feed or broker table of the plugin needs to reach it, as in a configuration file; valid once started.

        A table takes those that its config class has a field for. They say where it is and with which keys, and with them
        everything that could lead elsewhere.
        """
        ...

    @property
    def environ(self) -> Mapping[str, str]:
        """The variables that the references to secrets in `options` name."""
        ...

    def start(self) -> None:
        """Listen. Returns when clients can connect. Raises ConfigError when the port is taken."""
        ...

    def close(self) -> None:
        """Stop, and leave nothing running; calling it twice, or before `start`, is harmless."""
        ...

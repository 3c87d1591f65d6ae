"""The contract of a simulator: a vendor on loopback, for who has no account, and for tests."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol, runtime_checkable


@runtime_checkable
class Simulator(Protocol):
    """A venue or a source that speaks the vendor's wire protocol on 127.0.0.1, on a thread of its own.

    Its factory is called with the plugin's simulator config.
    """

    @property
    def options(self) -> Mapping[str, Any]:
        """What a feed or broker table of the plugin needs to reach it, as in a configuration file; valid once started."""
        ...

    @property
    def environ(self) -> Mapping[str, str]:
        """The variables that the references to secrets in `options` name."""
        ...

    def start(self) -> None:
        """Listen. Returns when clients can connect."""
        ...

    def close(self) -> None:
        """Stop, and leave nothing running; calling it twice is harmless."""
        ...

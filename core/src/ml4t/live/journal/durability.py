"""How much a commit must survive."""

from __future__ import annotations

from enum import StrEnum


class Durability(StrEnum):
    """What has happened to a record by the time that the journal calls it durable."""

    FSYNC = "fsync"
    """On the platter: survives the loss of power. One sync for all that was appended while the previous one ran."""
    WRITE = "write"
    """Handed to the operating system: survives the death of the process; the last commits may go with the power."""
    NONE = "none"
    """Queued in memory: for runs that can be repeated."""

    @property
    def synchronous(self) -> str:
        """The value of SQLite's `PRAGMA synchronous` that gives this, in WAL mode."""
        return _SYNCHRONOUS[self]


_SYNCHRONOUS = {Durability.FSYNC: "FULL", Durability.WRITE: "NORMAL", Durability.NONE: "OFF"}

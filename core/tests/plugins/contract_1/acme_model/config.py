"""The options."""

from __future__ import annotations

from attrs import frozen


@frozen(kw_only=True)
class StepsConfig:
    """Which symbols, and how far."""

    symbols: tuple[str, ...]
    """The symbols."""

    steps: int = 30
    """How many trades of each."""


@frozen(kw_only=True)
class ModelConfig:
    """How much is ordered."""

    quantity: float = 1.0
    """Units of every order."""


@frozen(kw_only=True)
class NotesConfig:
    """Where it is noted."""

    path: str = ""
    """A file that a line is added to for every event; empty: none."""

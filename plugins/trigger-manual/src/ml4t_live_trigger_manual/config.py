"""The options of the manual trigger."""

from __future__ import annotations

from attrs import field, frozen


@frozen(kw_only=True)
class ManualConfig:
    """Who may fire it, and for what."""

    people: tuple[str, ...] = field(default=(), converter=tuple)
    """The names that `--by` may have, or the owners of files; none means everybody."""

    needs_symbol: bool = False
    """True takes commands for one symbol only."""

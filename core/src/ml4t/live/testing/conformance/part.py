"""What the rigs of parts that need no venue have in common."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import AbstractAsyncContextManager
from types import TracebackType
from typing import Self, TypeVar

from attrs import define, field

R = TypeVar("R", bound="PartRig")

Maker = Callable[[], AbstractAsyncContextManager[R]]
"""Makes a rig for one scenario: a function that returns a rig will do, because a rig is its own context."""


@define(kw_only=True)
class PartRig:
    """A part and what is needed to try it. It owns nothing that would have to be closed.

    `exempt` names the scenarios that cannot be for this part, each with the reason.
    """

    exempt: Mapping[str, str] = field(factory=dict)
    patience: float = 1.0
    """Seconds that one answer may take at most, where the contract sets no budget."""

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, _kind: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        return None

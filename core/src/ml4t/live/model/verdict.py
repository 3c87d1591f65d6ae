"""What a risk check says of an order."""

from __future__ import annotations

from attrs import frozen


@frozen
class Verdict:
    """Allow or refuse, with the numbers that decided.

    `code` is stable and meant for machines, `reason` for people; `limit` and `value` are what was compared, in the unit that
    the check documents. Use `ALLOW` and `refuse(...)`; the gate stamps the check's name.
    """

    allowed: bool
    code: str = ""
    reason: str = ""
    limit: float | None = None
    value: float | None = None
    check: str = ""


ALLOW = Verdict(True)
"""The verdict of every check that has no objection: one object, so that allowing costs nothing."""


def refuse(code: str, reason: str, *, limit: float | None = None, value: float | None = None) -> Verdict:
    """Return a refusal with a stable `code` and a `reason` in words."""
    return Verdict(False, code, reason, limit, value)

"""What a risk check says of an order."""

from __future__ import annotations

import re

from attrs import frozen

_CODE = re.compile(r"[a-z0-9_]+")


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
    """Return a refusal with a stable `code` and a `reason` in words.

    Raises ValueError for a code that is no word of small letters, digits and underscores: machines compare it.
    """
    if not _CODE.fullmatch(code):
        raise ValueError(f"the code {code!r} of a refusal is no code; write small letters, digits and _, as in max_order_value")
    return Verdict(False, code, reason, limit, value)

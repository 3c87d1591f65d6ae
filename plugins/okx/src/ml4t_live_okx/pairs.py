"""Two of our order ids in one of OKX's: the two exits of a bracket, and an OCO pair, are one algo order there."""

from __future__ import annotations

import re
import string

from ml4t.live.errors import BrokerRefused

MARK = "P"
"""What the id of a pair begins with. Core's own ids begin with a small letter."""
_OURS = re.compile(r"m[0-9a-f]{23}")
_PAIR = re.compile(MARK + r"[0-9A-Za-z]{31}")
_BITS = 92
"""What is in an id of core's besides its first letter."""
_DIGITS = string.digits + string.ascii_letters


def pair_id(limit: str, stop: str) -> str:
    """Return the `algoClOrdId` of a limit order and a stop that belong together: 32 letters and digits, as OKX takes at most.

    Nothing else tells, after a crash, which orders of ours an algo order is. Raises BrokerRefused for ids that are not core's.
    """
    for each in (limit, stop):
        if not _OURS.fullmatch(each):
            raise BrokerRefused(f"{each!r} is not an id that the engine makes, and OKX has no room for others", code="order_id")
    number = int(limit[1:], 16) << _BITS | int(stop[1:], 16)
    digits = ""
    for _ in range(31):
        number, digit = divmod(number, len(_DIGITS))
        digits = _DIGITS[digit] + digits
    return MARK + digits


def orders_of(text: str) -> tuple[str, str] | None:
    """Return the ids of the limit order and of the stop that an `algoClOrdId` stands for, None when it is no pair's."""
    if not _PAIR.fullmatch(text):
        return None
    number = 0
    for digit in text[1:]:
        number = number * len(_DIGITS) + _DIGITS.index(digit)
    if number >> 2 * _BITS:
        return None
    return f"m{number >> _BITS:023x}", f"m{number & (1 << _BITS) - 1:023x}"


def leg_of(text: str, *, is_limit: bool) -> str:
    """Return our id of an order that OKX has made of an algo order with this `algoClOrdId`; empty for an empty one."""
    both = orders_of(text)
    if both is None:
        return text
    return both[0] if is_limit else both[1]

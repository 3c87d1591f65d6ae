"""How our ids and Alpaca's belong together.

Alpaca makes a new order of every replacement, and gives the exits of a bracket ids of its own. So that every one of them can
be told again after a restart, what it is called is written into the client order ids that Alpaca keeps:

- an order is `ORDER`, its replacements `ORDER-r1`, `ORDER-r2`, ...;
- orders that are sent as one are `ENTRY+TAKE_PROFIT+STOP_LOSS`, or `LIMIT+STOP` for a pair of which one cancels the other.

Our order ids are letters and digits (24 of them), and Alpaca takes 128 characters.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from decimal import Decimal

from attrs import frozen

LINKED = "+"
_REPLACEMENT = re.compile(r"(?P<name>.+)-r(?P<number>\d+)")


@frozen
class ClientId:
    """A client order id, taken apart: our ids of all that was sent under it, and how often it was replaced."""

    order_ids: Sequence[str]
    replacement: int = 0

    @classmethod
    def parse(cls, text: str) -> ClientId:
        """Return the parts of a client order id; one that is not ours is an order id of itself."""
        match = _REPLACEMENT.fullmatch(text)
        name, number = (match["name"], int(match["number"])) if match else (text, 0)
        return cls(tuple(name.split(LINKED)), number)

    def replaced(self) -> ClientId:
        """Return the id of the next replacement."""
        return ClientId(self.order_ids, self.replacement + 1)

    def __str__(self) -> str:
        name = LINKED.join(self.order_ids)
        return f"{name}-r{self.replacement}" if self.replacement else name


def execution_id(venue_order_id: str, cumulative: Decimal) -> str:
    """Return what an execution is called here: Alpaca's order, and how much of it had traded afterwards.

    The stream of updates calls an execution by one id (`execution_id`) and the list of account activities by another
    (`20210127144930176::...`). What both say is the order and its cumulative quantity (`filled_qty`, `cum_qty`), which grows
    with every execution and so names exactly one.
    """
    return f"{venue_order_id}:{cumulative.normalize():f}"

"""What a soak came to."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import median

from attrs import frozen


@frozen
class Recovery:
    """One fault, and the seconds from its beginning until a new order was acknowledged and a new market event heard."""

    fault: str
    seconds: float
    orders_after: float | None
    data_after: float | None


@frozen
class SoakReport:
    """What went through, and what is wrong: `problems` is empty when nothing is.

    `missed` is how many market events were never heard: with a history to fill the gaps from it is 0.
    `held` is how many bytes the framework, the adapter and the vendor's SDK had allocated since half-time and still held, after
    three quarters of the run and at its end; empty when it was not traced.
    """

    orders: int
    messages: int
    fills: int
    gaps: int
    missed: int
    seconds: float
    recoveries: Sequence[Recovery]
    held: Sequence[int]
    problems: Sequence[str]

    def __str__(self) -> str:
        lines = [
            f"{self.orders} orders, {self.fills} executions and {self.messages} market events in {self.seconds:.0f} s",
            f"{len(self.recoveries)} faults, {self.gaps} gaps told, {self.missed} market events missed in them",
            "fault                                    times  lasted s  orders again after s  data again after s",
        ]
        for name in sorted({each.fault for each in self.recoveries}):
            some = [each for each in self.recoveries if each.fault == name]
            lines.append(
                f"{name:<40} {len(some):>5}  {median(each.seconds for each in some):>8.1f}"
                f"  {_spread([each.orders_after for each in some]):>20}  {_spread([each.data_after for each in some]):>18}"
            )
        if self.held:
            sizes = " and ".join(f"{size / 2**20:.1f} MiB" for size in self.held)
            lines.append(f"memory held of what was allocated since half-time, after three quarters and at the end: {sizes}")
        lines += [f"WRONG: {problem}" for problem in self.problems] or ["no order lost or doubled, no hole untold"]
        return "\n".join(lines)


def _spread(seconds: Sequence[float | None]) -> str:
    known = [each for each in seconds if each is not None]
    return f"{median(known):.1f} (to {max(known):.1f})" if known else "-"

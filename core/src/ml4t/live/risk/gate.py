"""The gate: a frozen chain of checks that fails closed (row 44 of the table of controls)."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import attrs
import structlog

from ml4t.live.clock import Clock
from ml4t.live.contracts.risk import RiskCheck
from ml4t.live.model import ALLOW, Order, Verdict
from ml4t.live.raised import place
from ml4t.live.risk.books import Books

_log = structlog.get_logger("ml4t.live")

CHECK_ERROR = "check_error"
"""The code of an order that a check could not judge, because it raised or answered something else than a verdict."""
CHECK_TIMEOUT = "check_timeout"
"""The code of an order whose check has been too slow twice in a row."""

_LONGEST = 500
"""Characters of a foreign message that are kept."""

_Stage = tuple[str, bool, Callable[[Order, Books], Verdict]]


class RiskGate:
    """Asks every check, in the order written, and stops at the first refusal.

    A check that raises, that answers with anything but a verdict, or that takes longer than `budget_ms` twice in a row
    refuses the order: one that was slow is asked once more, because it may be the machine that was held up, by a collection
    of garbage or another process. The gate cannot end a check that never returns: the watchdog reports it with its stack.
    """

    def __init__(self, checks: Iterable[tuple[str, RiskCheck]], clock: Clock, *, budget_ms: float = 50.0) -> None:
        self._stages: tuple[_Stage, ...] = tuple(
            (name, bool(getattr(check, "exempts_reducing", False)), check.check) for name, check in checks
        )
        self.faults: dict[str, int] = {}
        """How often each check could not judge an order, of those that could not."""
        self._stopwatch = clock.stopwatch
        self._budget = round(budget_ms * 1e6)

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the checks, in the order in which they are asked."""
        return tuple(name for name, _, _ in self._stages)

    def check(self, order: Order, books: Books) -> Verdict:
        """Return `ALLOW`, or the first refusal with the name of its check."""
        return self._ask(self._stages, order, books)

    def _ask(self, stages: Iterable[_Stage], order: Order, books: Books, *, again: bool = True) -> Verdict:
        reducing = books.reduces(order)
        stopwatch, budget = self._stopwatch, self._budget
        started = stopwatch()
        for name, exempts_reducing, check in stages:
            if reducing and exempts_reducing:
                continue
            try:
                verdict = check(order, books)
            except Exception as error:  # noqa: BLE001 - whatever a check raises is a refusal
                return self._raised(name, error)
            ended = stopwatch()
            if verdict is not ALLOW:
                if not isinstance(verdict, Verdict):
                    return self._fault(name, f"answered {_words(verdict, repr)}, which is not a Verdict")
                if verdict.allowed is not True:
                    return attrs.evolve(verdict, allowed=False, check=name)
            if ended - started > budget:
                if not again:
                    return _too_slow(name, ended - started, budget)
                verdict = self._ask([(name, exempts_reducing, check)], order, books, again=False)
                if verdict is not ALLOW:
                    return verdict
                ended = stopwatch()
            started = ended
        return ALLOW

    def _raised(self, name: str, error: Exception) -> Verdict:
        if name not in self.faults:  # once, and not for every order
            _log.error("a risk check raised, and refuses every order of which it does", check=name, exc_info=error)
        return self._fault(name, f"raised {type(error).__name__}: {_words(error, str)} (at {place(error)})")

    def _fault(self, name: str, what: str) -> Verdict:
        self.faults[name] = self.faults.get(name, 0) + 1
        return Verdict(False, CHECK_ERROR, f"{name} {what}", check=name)


def _words(thing: object, say: Callable[[object], str]) -> str:
    """Return what a foreign object says of itself, within reason, however broken it is."""
    try:
        return say(thing)[:_LONGEST]
    except Exception:  # noqa: BLE001 - an answer that cannot even be shown is a refusal like any other
        return f"a {type(thing).__name__} that cannot be shown"


def _too_slow(name: str, taken: int, budget: int) -> Verdict:
    return Verdict(
        False,
        CHECK_TIMEOUT,
        f"{name} took {taken / 1e6:.1f} ms of its {budget / 1e6:g} ms; a check reads the books and nothing else",
        limit=budget / 1e6,
        value=taken / 1e6,
        check=name,
    )

"""`python -m tests.crash.selftest`: the checker finds every kind of fault in books that were tampered with."""

from __future__ import annotations

import copy
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

from .checker import check
from .hardships import Stage, wait
from .script import MAX_OPEN_ORDERS, MAX_POSITION_SHARES
from .venue import Books


def _lose_order(books: Books) -> None:
    del books.orders[next(iter(books.orders))]


def _add_fill(books: Books) -> None:
    books.fills.append({**books.fills[0], "execution_id": "x0"})


def _amend(books: Books) -> None:
    next(iter(books.orders.values())).quantity += 1


def _fill_more(books: Books) -> None:
    next(iter(books.orders.values())).filled += 1


def _hold_more(books: Books) -> None:
    books.positions["AAA"] = books.positions.get("AAA", 0.0) + 1


TAMPERED: dict[str, Callable[[Books], None]] = {
    "an order sent twice": lambda books: books.submissions.append(books.submissions[0]),
    "an order sent without an intent": lambda books: books.submissions.append("nobody"),
    "an order that only the venue has": lambda books: books.orders.update(nobody=next(iter(books.orders.values()))),
    "an order that the venue lost": _lose_order,
    "another quantity": _amend,
    "another filled quantity": _fill_more,
    "a fill that is not in the journal": _add_fill,
    "a fill that never happened": lambda books: books.fills.pop() and None,
    "another position": _hold_more,
    "other cash": lambda books: setattr(books, "cash", books.cash + 0.01),
    "too many orders": lambda books: setattr(books, "peak_working", MAX_OPEN_ORDERS + 1),
    "too large a position": lambda books: setattr(books, "peak_held", MAX_POSITION_SHARES + 1),
}


def main() -> int:
    """Run one session and tamper with its books; return the exit code."""
    with tempfile.TemporaryDirectory(prefix="crash-") as parent:
        folder = Path(parent, "state")
        folder.mkdir()
        stage = Stage(folder)
        try:
            wait(stage.start())
            books = stage.venue.books()
        finally:
            stage.venue.close()
        wrong = check(books, stage.journal)
        for name, tamper in TAMPERED.items():
            changed = copy.deepcopy(books)
            tamper(changed)
            if not check(changed, stage.journal):
                wrong.append(f"{name} is not noticed")
    print(*wrong, sep="\n")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())

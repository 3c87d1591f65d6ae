"""The gate: in order, first refusal wins, and whatever goes wrong is a refusal."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from structlog.testing import capture_logs

from ml4t.live.clock import DataClock
from ml4t.live.model import ALLOW, Order, OrderSide, Verdict, refuse
from ml4t.live.risk.gate import CHECK_ERROR, CHECK_TIMEOUT, RiskGate

MILLISECOND = 1_000_000


class Stopwatch(DataClock):
    """A clock on which only `spend` passes time."""

    def __init__(self) -> None:
        super().__init__()
        self.spent = 0

    def stopwatch(self):
        return self.spent

    def spend(self, milliseconds):
        self.spent += round(milliseconds * MILLISECOND)


class Check:
    def __init__(self, answer, *, exempts=None) -> None:
        self.answer = answer
        self.asked = 0
        if exempts is not None:
            self.exempts_reducing = exempts

    def check(self, order, view):
        self.asked += 1
        return self.answer() if callable(self.answer) else self.answer


def gate(*answers, clock=None, **options):
    checks = [answer if isinstance(answer, Check) else Check(answer) for answer in answers]
    return RiskGate([(f"c{n}", check) for n, check in enumerate(checks)], clock or Stopwatch(), **options), checks


@pytest.fixture
def books(room):
    desk = room()
    desk.price("A", 100.0)
    desk.fill(desk.desk.submit(order("held", quantity=10)))
    return desk.books


def order(order_id="o", side="buy", quantity=5.0):
    return Order(order_id, "A", OrderSide(side), quantity)


def raising(error):
    def answer():
        raise error

    return answer


def test_every_check_is_asked_in_order_and_an_allowance_costs_nothing(books):
    asked = []
    made = [Check(lambda n=n: asked.append(n) or ALLOW) for n in range(4)]
    tested, _ = gate(*made)
    assert tested.names == ("c0", "c1", "c2", "c3")
    assert tested.check(order(), books) is ALLOW
    assert asked == [0, 1, 2, 3]


@given(st.lists(st.booleans(), max_size=8))
def test_the_first_refusal_wins_and_nobody_is_asked_after_it(room, answers):
    tested, checks = gate(*[ALLOW if allowed else refuse(f"no{n}", "no") for n, allowed in enumerate(answers)])
    verdict = tested.check(order(), room().books)
    first = answers.index(False) if False in answers else None
    assert (verdict.check, verdict.code) == ((f"c{first}", f"no{first}") if first is not None else ("", ""))
    assert [check.asked for check in checks] == [int(first is None or n <= first) for n in range(len(answers))]


def test_the_numbers_of_a_refusal_are_kept_and_its_check_is_named(books):
    tested, _ = gate(ALLOW, refuse("too_much", "it is too much", limit=5.0, value=6.0))
    assert tested.check(order(), books) == Verdict(False, "too_much", "it is too much", 5.0, 6.0, "c1")


class Unspeakable(Exception):
    def __str__(self):
        raise RuntimeError

    __repr__ = __str__


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (ValueError("bad sector"), "c1 raised ValueError: bad sector"),
        (KeyError("x"), "c1 raised KeyError: 'x'"),
        (RecursionError("deep"), "c1 raised RecursionError: deep"),
        (Unspeakable(), "c1 raised Unspeakable: a Unspeakable that cannot be shown"),
        (ValueError("x" * 10_000), "c1 raised ValueError: " + "x" * 500),
    ],
    ids=lambda value: type(value).__name__,
)
def test_a_check_that_raises_refuses(books, error, words):
    tested, checks = gate(ALLOW, raising(error), ALLOW)
    verdict = tested.check(order(), books)
    assert (verdict.allowed, verdict.check, verdict.code) == (False, "c1", CHECK_ERROR)
    said, _, where = verdict.reason.rpartition(" (at ")
    assert said == words
    assert where.startswith(__file__)
    assert checks[2].asked == 0


def test_what_a_check_raised_is_logged_once_with_its_place_and_counted(books):
    tested, _ = gate(raising(ValueError("bad sector")), ALLOW)
    with capture_logs() as logs:
        for _ in range(3):
            tested.check(order(), books)
    assert [(each["check"], type(each["exc_info"])) for each in logs] == [("c0", ValueError)]
    assert tested.faults == {"c0": 3}


@pytest.mark.parametrize("answer", [None, True, "ok", 1, object, {"allowed": True}], ids=repr)
def test_an_answer_that_is_no_verdict_refuses(books, answer):
    tested, _ = gate(lambda: answer)
    verdict = tested.check(order(), books)
    assert (verdict.allowed, verdict.check, verdict.code) == (False, "c0", CHECK_ERROR)


@pytest.mark.parametrize("allowed", [None, 0, 1, "yes"])
def test_only_true_allows(books, allowed):
    tested, _ = gate(Verdict(allowed))
    assert tested.check(order(), books).allowed is False


def test_a_verdict_of_its_own_that_allows_will_do(books):
    tested, checks = gate(Verdict(True, "fine"), ALLOW)
    assert tested.check(order(), books) is ALLOW
    assert checks[1].asked == 1


@pytest.mark.parametrize(("spent", "refused"), [(49.9, False), (50.0, False), (50.1, True)])
def test_a_slow_check_refuses(books, spent, refused):
    clock = Stopwatch()
    tested, _ = gate(lambda: clock.spend(49) or ALLOW, lambda: clock.spend(spent) or ALLOW, clock=clock)
    verdict = tested.check(order(), books)
    assert verdict.allowed is not refused
    if refused:
        assert (verdict.check, verdict.code, verdict.limit) == ("c1", CHECK_TIMEOUT, 50.0)
        assert verdict.value == pytest.approx(spent)


@pytest.mark.parametrize(("second", "allowed"), [(ALLOW, True), (refuse("no", "no"), False)])
def test_a_check_that_was_held_up_once_is_asked_once_more(books, second, allowed):
    clock, answers = Stopwatch(), iter([ALLOW, second])
    held_up = iter([99.0, 0.1])
    tested, checks = gate(lambda: clock.spend(next(held_up)) or next(answers), ALLOW, clock=clock)
    verdict = tested.check(order(), books)
    assert (verdict.allowed, verdict.code) == (allowed, "" if allowed else "no")
    assert [each.asked for each in checks] == [2, int(allowed)]


def test_each_check_has_the_budget_for_itself(books):
    clock = Stopwatch()
    tested, _ = gate(*[lambda: clock.spend(4) or ALLOW] * 5, clock=clock, budget_ms=5)
    assert tested.check(order(), books).allowed


def test_a_slow_refusal_keeps_its_own_reason(books):
    clock = Stopwatch()
    tested, _ = gate(lambda: clock.spend(99) or refuse("no", "no"), clock=clock)
    assert tested.check(order(), books).code == "no"


def test_an_order_that_only_reduces_passes_the_checks_that_say_so(books):
    deny = refuse("no", "no")
    exempting, strict, silent = Check(deny, exempts=True), Check(ALLOW, exempts=False), Check(ALLOW)
    tested, _ = gate(exempting, strict, silent)
    assert tested.check(order(side="sell", quantity=10), books) is ALLOW
    assert (exempting.asked, strict.asked, silent.asked) == (0, 1, 1)
    assert tested.check(order(side="sell", quantity=10.001), books).check == "c0"
    assert tested.check(order(side="buy", quantity=1), books).check == "c0"


def test_the_standard_checks_come_in_a_fixed_order_and_those_switched_off_are_not_there(room):
    assert room().gate.names == ("kill_switch", "venue_ready", "assets")
    limits = {
        "max_order_value": 1,
        "max_order_shares": 1,
        "max_position_value": 1,
        "max_position_shares": 1,
        "max_positions": 1,
        "max_total_exposure": 1,
        "max_orders_per_minute": 1,
        "max_open_orders": 1,
        "max_daily_loss": 1,
        "max_drawdown_pct": 0.1,
        "max_price_deviation_pct": 0.1,
        "max_spread_pct": 0.1,
        "max_data_staleness_seconds": 1,
        "dedup_window_seconds": 1,
    }
    assert room(**limits).gate.names == (
        "kill_switch",
        "venue_ready",
        "assets",
        "max_data_staleness",
        "duplicate_order",
        "max_orders_per_minute",
        "max_open_orders",
        "max_order_shares",
        "max_order_value",
        "max_price_deviation",
        "max_spread",
        "max_positions",
        "max_position_shares",
        "max_position_value",
        "max_total_exposure",
        "max_daily_loss",
        "max_drawdown",
    )

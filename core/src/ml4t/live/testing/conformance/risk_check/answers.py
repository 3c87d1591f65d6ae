"""What a check answers: a verdict in words, the same one every time."""

from __future__ import annotations

import re
from math import isfinite

from ml4t.live.contracts.risk import RiskCheck, RiskView
from ml4t.live.model import Order, OrderSide, Verdict
from ml4t.live.testing.conformance.report import NotConformant
from ml4t.live.testing.conformance.risk_check.rig import RiskCheckRig
from ml4t.live.testing.conformance.scenario import scenario

_CODE = re.compile(r"[a-z][a-z0-9_]*")


@scenario()
async def it_answers_every_order_with_a_verdict(rig: RiskCheckRig) -> None:
    """Every order gets a verdict, and raises nothing; a refusal has a stable code and a reason in words."""
    check, books = rig.check(), rig.books()
    for order in rig.orders():
        verdict = ask(check, order, books)
        if verdict.allowed is True:
            continue
        if not _CODE.fullmatch(verdict.code):
            raise NotConformant(f"{verdict.code!r} is no code for machines; write one such as `max_order_value`")
        if len(verdict.reason.split()) < 3:
            raise NotConformant(f"the refusal {verdict.code} says {verdict.reason!r}, which tells a user nothing")
        for name in ("limit", "value"):
            number = getattr(verdict, name)
            if number is not None and not isfinite(number):
                raise NotConformant(f"the {name} of the refusal {verdict.code} is {number!r}; leave it out when it is none")


@scenario()
async def it_allows_a_plain_order(rig: RiskCheckRig) -> None:
    """An order for one unit in a quiet market is allowed: a check that refuses even that shows nothing in what follows."""
    order = rig.order(rig.symbols[0], OrderSide.BUY, 1.0)
    verdict = ask(rig.check(), order, rig.books())
    if not verdict.allowed:
        raise NotConformant(f"{show(order)} is refused ({verdict.code}: {verdict.reason}); give the rig another market")


@scenario()
async def the_same_question_has_the_same_answer(rig: RiskCheckRig) -> None:
    """The same order on the same books gets the same verdict, whatever was asked before and however often."""
    books, orders = rig.books(), rig.orders()
    fresh = {order.order_id: ask(rig.check(), order, books) for order in orders}
    used = rig.check()
    for order in (*orders, *reversed(orders)):
        verdict = ask(used, order, books)
        if verdict != fresh[order.order_id]:
            raise NotConformant(
                f"{show(order)} gets {verdict} after other questions, and {fresh[order.order_id]} when it is the first; "
                "what a check counts is in the view (`tallies`, `submitted_since`, `open_orders`), not in the check"
            )


def ask(check: RiskCheck, order: Order, view: RiskView) -> Verdict:
    """Return the verdict. Raises NotConformant for an exception, and for an answer that is none."""
    try:
        verdict = check.check(order, view)
    except Exception as error:
        raise NotConformant(
            f"{show(order)} makes it raise {type(error).__name__}: {error}; the gate refuses then, but nobody learns why"
        ) from error
    if not isinstance(verdict, Verdict) or not isinstance(verdict.allowed, bool):
        raise NotConformant(f"{show(order)} gets {verdict!r}; a check returns `ALLOW` or `refuse(code, reason)`")
    return verdict


def show(order: Order) -> str:
    """Return an order in words."""
    price = order.limit_price if order.limit_price is not None else order.stop_price
    at = "" if price is None else f" at {price:g}"
    return f"a {order.order_type} order to {order.side} {order.quantity:g} {order.symbol}{at}"

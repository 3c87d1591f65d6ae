"""The conformance kit for risk checks: right checks pass whole, and each wrong one is found, by name."""

from __future__ import annotations

import asyncio

import pytest
from wrong_risk_checks import WRONG, CapsShares, CapsValue, ClosesEarly, LooksAtTheClock

from ml4t.live.testing import NoSuchScenario, NotConformant, RiskCheckRig, check_risk_check
from ml4t.live.testing.conformance import Outcome
from ml4t.live.testing.conformance.risk_check import RISK_CHECK_SCENARIOS

ABOUT_PRICES = {each.name for each in RISK_CHECK_SCENARIOS if "price" in each.name}
ABOUT_SESSIONS = {each.name for each in RISK_CHECK_SCENARIOS if "close" in each.name or "sessions" in each.name}


def run(kind, only=None, **rest):
    return asyncio.run(check_risk_check(lambda: RiskCheckRig(check=kind, **rest), only=only))


def test_a_right_check_passes_whole():
    report = run(ClosesEarly)
    report.raise_if_failed()
    assert set(report.passed) == {each.name for each in RISK_CHECK_SCENARIOS}


def test_a_check_that_looks_at_no_price_and_no_calendar_is_not_asked_about_them():
    report = run(CapsShares)
    report.raise_if_failed()
    assert set(report.of(Outcome.NOT_DECLARED)) == ABOUT_PRICES | ABOUT_SESSIONS


@pytest.mark.parametrize(
    ("kind", "scenario"),
    [pytest.param(kind, name, id=f"{kind.__name__}-{name}") for kind, names in WRONG.items() for name in names],
)
def test_a_wrong_check_is_found(kind, scenario):
    result = run(kind, only=scenario)[scenario]
    assert result.outcome is Outcome.FAILED, f"{scenario} does not notice {kind.__name__}"
    assert isinstance(result.error, NotConformant)


def test_every_scenario_finds_something():
    assert {each.name for each in RISK_CHECK_SCENARIOS} == {name for names in WRONG.values() for name in names}


def test_an_exemption_is_given_with_its_reason_and_for_a_scenario_that_there_is():
    report = run(LooksAtTheClock, exempt={"it_reads_the_books_and_nothing_else": "it is about the clock"})
    assert report["it_reads_the_books_and_nothing_else"].outcome is Outcome.EXEMPT
    with pytest.raises(NoSuchScenario, match="it_reads_the_books_and_nothing_else"):
        run(CapsValue, exempt={"it_reads_the_books": "a slip of the pen"})


def test_one_symbol_is_enough():
    run(CapsValue, symbols=("ONLY",)).raise_if_failed()

"""The conformance kit for brokers: a right adapter passes whole, and each wrong one is found, by name."""

from __future__ import annotations

import asyncio

import pytest
from toy_broker import ToyBroker, maker
from wrong_brokers import WRONG
from wrong_connections import LEFT

from ml4t.live.contracts import BrokerCapabilities
from ml4t.live.testing.conformance import NoSuchScenario, NotConformant, Outcome, check_broker
from ml4t.live.testing.conformance.broker import BROKER_SCENARIOS

ALONE = {"no_secret_is_told", "the_loop_is_never_blocked"}
"""Scenarios that look at the whole process: they are tried one at a time, as are those that count what is left."""


def run(kind=ToyBroker, only=None, **exempt):
    return asyncio.run(check_broker(maker(kind, **exempt), only=only))


def is_alone(scenario):
    return scenario in ALONE or scenario.startswith("nothing_is_left")


@pytest.mark.parametrize("scenario", [each.name for each in BROKER_SCENARIOS])
def test_a_right_adapter_passes(scenario):
    report = run(only=scenario)
    report.raise_if_failed()
    assert report.passed == (scenario,)


@pytest.fixture(scope="module")
def found():
    """What every wrong adapter's scenarios came to; they wait for deadlines, and wait together."""
    wanted = [(kind, name) for kind, names in WRONG.items() for name in names if not is_alone(name)]

    async def all_of_them():
        reports = await asyncio.gather(*(check_broker(maker(kind), only=name) for kind, name in wanted))
        return {pair: report[pair[1]] for pair, report in zip(wanted, reports, strict=True)}

    yield asyncio.run(all_of_them())
    while LEFT:
        LEFT.pop().close()


@pytest.mark.parametrize(
    ("kind", "scenario"),
    [pytest.param(kind, name, id=f"{kind.__name__}-{name}") for kind, names in WRONG.items() for name in names],
)
def test_a_wrong_adapter_is_found(kind, scenario, found):
    result = run(kind, only=scenario)[scenario] if is_alone(scenario) else found[kind, scenario]
    assert result.outcome is Outcome.FAILED, f"{scenario} does not notice {kind.__name__}"
    assert result.reason


def test_every_scenario_finds_something():
    assert {each.name for each in BROKER_SCENARIOS} == {name for names in WRONG.values() for name in names}


class Plain(ToyBroker):
    """One that declares little."""

    capabilities = BrokerCapabilities(order_types=frozenset({"limit"}), times_in_force=frozenset({"gtc"}), shorts=False)
    find = None


def test_what_is_not_declared_is_not_tried_and_what_is_exempt_says_why():
    names = ["a_market_order_fills", "a_replace_changes_the_order_in_place", "a_short_position_is_negative"]
    report = run(Plain, [*names, "a_late_fee_completes_the_execution"], a_late_fee_completes_the_execution="it charges none")
    assert [(each.scenario, each.outcome, each.reason) for each in report.results] == [
        ("a_market_order_fills", Outcome.NOT_DECLARED, "it takes no market orders"),
        ("a_replace_changes_the_order_in_place", Outcome.NOT_DECLARED, "it replaces no orders"),
        ("a_late_fee_completes_the_execution", Outcome.EXEMPT, "it charges none"),
        ("a_short_position_is_negative", Outcome.NOT_DECLARED, "it sells nothing short"),
    ]
    report.raise_if_failed()
    assert str(report).splitlines()[0] == "broker: 1 exempt, 3 not declared"
    assert "  exempt        a_late_fee_completes_the_execution" in str(report)


def test_an_exemption_without_a_reason_and_names_that_are_none_are_told():
    report = run(only="a_market_order_fills", a_market_order_fills=" ")
    assert report.failed == ("a_market_order_fills",)
    with pytest.raises(NotConformant, match="does not say why"):
        report.raise_if_failed()
    with pytest.raises(NoSuchScenario, match="did you mean 'a_market_order_fills'"):
        run(only="a_market_order_fill")
    with pytest.raises(NoSuchScenario, match="exempt from a scenario that there is not: 'late_fee'"):
        run(only="a_market_order_fills", late_fee="it charges none")

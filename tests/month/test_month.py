"""A month of 200 symbols and 20 agents with faults and two restarts: all of it is accounted for, and the audit can fail."""

from __future__ import annotations

import copy
import logging
from collections import Counter

import pytest
import structlog
from audit import answers, audit, courses, firings, prices, read, report, scores
from month import Outcome, command, month
from street import DAY, SYMBOLS

STEP = 30
"""Minutes between two prices: `make month` takes ten."""
GROWTH = 0.03
"""How much more may be allocated on any later evening than on the tenth day, as a fraction."""
GROUP = 5_500
"""Bytes of the scores of one group of forecasts; of these there are more, as models meet symbols and a month begins."""


@pytest.fixture(scope="module")
def outcome(tmp_path_factory) -> Outcome:
    kept = structlog.get_config()
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))  # pytest keeps what is logged
    try:
        return month(1, tmp_path_factory.mktemp("month"), step=STEP)
    finally:
        structlog.configure(**kept)


def test_everything_is_accounted_for(outcome):
    faults = audit(outcome)
    assert not faults, "\n".join([*faults[:20], f"{len(faults)} in all; reproduce with: {command(1, STEP)}"])


def test_the_month_is_a_month(outcome):
    told = read(outcome)
    kinds = Counter(record.kind for record in told.records)
    states = Counter(each.state.value for each in told.forecasts.values())
    assert min(kinds[kind] for kind in ("suppressed", "missed", "declined", "error", "weight", "gap", "verdict")) > 5
    assert min(states[state] for state in ("open", "resolved", "late")) > 0
    assert {record.body["trigger"] for record in told.of("firing")} == {
        *("hourly", "before close", "morning", "moves", "falls", "volume", "stormy", "by hand", "both")
    }
    assert {record.body["trigger"] for record in told.of("missed")} >= {"hourly", "moves", "volume", "both"}
    refused = {record.body["why"] for record in told.of("declined")}
    assert {"the run ended before it answered", "the process ended before it answered", "no forecast given"} <= refused
    assert len({each.forecast.symbol for each in told.forecasts.values()}) == len(SYMBOLS)
    assert outcome.refusals == 2
    assert [r.body["state"] for r in told.of("health") if r.subject == "journal"] == ["mended"] * 2
    assert outcome.refused_backfills
    assert outcome.cut < max(record.seq for record in told.records)


def test_memory_is_flat_and_no_task_is_left(outcome):
    first, *later = outcome.marks
    assert later[-1].moment - first.moment >= 18 * DAY
    for mark in later:
        more = mark.size - first.size - GROUP * (mark.groups - first.groups)
        assert more <= GROWTH * first.size, f"{first} became {mark}"
    assert outcome.leftovers == []


def test_the_audit_finds_what_is_wrong(outcome):
    whole = read(outcome)

    def without(kind):
        told = copy.copy(whole)
        at = max(n for n, record in enumerate(whole.records) if record.kind == kind)
        object.__setattr__(told, "records", [*whole.records[:at], *whole.records[at + 1 :]])
        return told

    def twice(kind):
        told = copy.copy(whole)
        object.__setattr__(told, "records", [*whole.records, next(whole.of(kind))])
        return told

    assert list(firings(without("firing")))
    assert list(firings(twice("firing")))
    assert list(firings(without("suppressed")))
    assert list(answers(without("declined")))
    assert list(answers(without("error")))
    assert list(courses(without("resolution")))
    assert list(courses(twice("resolution")))
    assert list(courses(without("forecast")))
    assert list(report(without("gap")))
    lost = copy.copy(whole)
    object.__setattr__(lost, "forecasts", dict(list(whole.forecasts.items())[1:]))
    assert list(scores(lost))
    assert list(courses(lost))
    assert not list(prices(lost))

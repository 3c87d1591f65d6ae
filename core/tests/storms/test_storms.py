"""A thousand simulated hours of the real engine at a venue where everything goes wrong: every promise is kept."""

from __future__ import annotations

import io
from collections import Counter

import pytest
from storm import command, report, storm

from ml4t.live.journal import JournalReader, export_lines

HOURS = 20.0
STORMS = 5
"""Storms of one test: ten tests make a thousand hours."""


def told(journal):
    with JournalReader(journal) as reader:
        return list(reader.records())


@pytest.mark.parametrize("first", range(1, 51, STORMS))
def test_a_hundred_hours_of_storms(first, tmp_path):
    for seed in range(first, first + STORMS):
        outcome = storm(seed, tmp_path / str(seed), hours=HOURS)
        assert not outcome.faults, report(seed, HOURS, outcome.faults)


def test_storms_are_storms(tmp_path):
    states, codes, kinds = Counter(), Counter(), Counter()
    for seed in range(1, 7):
        records = told(storm(seed, tmp_path / str(seed), hours=HOURS).journal)
        kinds.update(record.kind for record in records)
        states.update(record.body["state"] for record in records if record.kind == "order")
        codes.update(record.body["code"] for record in records if record.kind == "order")
    assert min(states[state] for state in ("unknown", "partially_filled", "filled", "cancelled", "rejected")) > 20
    assert min(codes[code] for code in ("never_reached", "mood", "throttled", "kill_switch", "max_open_orders")) > 0
    assert min(kinds[kind] for kind in ("reconciliation", "kill_switch", "gap")) > 5


def test_the_same_seed_is_the_same_storm(tmp_path):
    def exported(name, seed):
        out = io.StringIO()
        with JournalReader(storm(seed, tmp_path / name, hours=5).journal) as reader:
            export_lines(reader, out)
        return out.getvalue()

    first = exported("first", 3)
    assert first == exported("again", 3)
    assert first != exported("other", 4)


def test_a_failed_storm_names_its_command():
    said = report(17, 20.0, ["o1 was sent 2 times"])
    assert "o1 was sent 2 times" in said
    assert said.endswith("python core/tests/storms --seed 17 --hours 20")
    assert command(17, 0.5) in report(17, 0.5, ["o"])

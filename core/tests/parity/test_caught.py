"""Strategies that decide by something that the session does not hold are caught, and the first difference is named."""

from __future__ import annotations

import asyncio
import json
import struct
from pathlib import Path

import pytest
from dishonest_strategies import Counter, Diarist, Gambler, Peeker, Prying, Watch, Whoever
from engine_kit import SECOND, run_list, trade
from honest_strategies import Quiet
from parity_kit import check_same, frames_of, intents, replayed, rewrite, tape_of

from ml4t.live.config.strategy import StrategySource
from ml4t.live.journal import Journal, StateDir
from ml4t.live.parity import session as sessions
from ml4t.live.tape.frames import Kind, pack, unpack

HERE = Path(__file__).parent
TICKS = [trade("A", n * SECOND, 100.0 + n % 7) for n in range(60)]


def recorded(strategy, folder, events=TICKS, **options):
    return asyncio.run(run_list(strategy, events, folder, record=True, symbols=("A",), **options))


def found_out(folder, name, **options):
    """The first difference of a replay of a dishonest strategy."""
    source = StrategySource(f"dishonest_strategies:{name}", str(HERE), options)
    found = replayed(folder, strategy=source)
    assert not found.same
    divergence = next(run.replay.divergence for run in found.runs if run.replay.divergence)
    assert divergence.session != divergence.replay
    assert divergence.hook == "on_data"
    assert divergence.timestamp.startswith("2025-01-02T00:")
    assert "A" in divergence.data
    return divergence


@pytest.mark.parametrize("kind", [Gambler, Watch, Whoever])
def test_chance_the_clock_and_the_process(folder, kind):
    recorded(kind(), folder)
    divergence = found_out(folder, kind.__name__)
    assert divergence.what == "decision"
    assert divergence.call <= len(TICKS)


def test_a_counter_in_a_module_that_outlives_a_run(folder):
    recorded(Counter(), folder, TICKS[:31])
    recorded(Counter(), folder)
    source = StrategySource("dishonest_strategies:Counter", str(HERE), {})
    first, second = replayed(folder, strategy=source).runs
    assert first.replay.divergence is None or first.replay.divergence.call <= 3  # another test may have counted before
    assert second.replay.divergence is not None
    assert "submit_order('A', " in second.replay.divergence.session + second.replay.divergence.replay


def test_a_counter_in_a_file(folder, tmp_path):
    path = tmp_path / "count"
    recorded(Diarist(str(path)), folder)
    divergence = found_out(folder, "Diarist", path=str(path))
    assert divergence.call == 5
    assert (divergence.session, divergence.replay) == ("submit_order('A', 5)", "submit_order('A', 65)")


def test_a_look_ahead(folder, tmp_path):
    """The file of prices grows with the market: at the replay all of the future is in it."""
    path = tmp_path / "prices.json"

    class Growing(Peeker):
        def on_data(self, timestamp, data, context, broker):
            seen.append(data["A"]["price"])
            path.write_text(json.dumps(seen))
            super().on_data(timestamp, data, context, broker)

    seen = []
    recorded(Growing(str(path)), folder)
    divergence = found_out(folder, "Peeker", path=str(path))
    assert divergence.call == 1  # the first price is the lowest, and the future holds higher ones
    assert (divergence.session, divergence.replay) == ("it returned", "submit_order('A', 1)")


def test_the_questions_before_are_told(folder):
    class Asking(Quiet):
        def on_data(self, timestamp, data, context, broker):
            broker.get_cash()
            broker.get_position("A")
            broker.submit_order("A", 2)

    recorded(Asking(), folder)
    source = StrategySource("dishonest_strategies:Watch", str(HERE), {})
    divergence = replayed(folder, strategy=source).runs[0].replay.divergence
    assert divergence.session == "get_cash()"
    assert divergence.before == ()


def test_who_uses_what_is_not_for_strategies_cannot_be_replayed(folder):
    recorded(Prying(), folder)
    with pytest.raises(sessions.NotReplayable, match=r"broker\._desk, which is not for strategies"):
        replayed(folder)


# ------------------------------------------------------------------ what was recorded, changed


def changed_data(path, call, symbol="A", key="price"):
    """Flip the last bit of a price that a strategy was handed."""

    def change(frames):
        seen = 0
        for frame in frames:
            if frame[0] == Kind.CALL and frame[1] == "on_data":
                seen += 1
                if seen == call:
                    data, context = unpack(frame[3])
                    data[symbol][key] = flipped(data[symbol][key])
                    frame[3] = pack([data, context])
            yield frame

    rewrite(path, change)


def flipped(value):
    (bits,) = struct.unpack("<q", struct.pack("<d", value))
    return struct.unpack("<d", struct.pack("<q", bits ^ 1))[0]


class Exact(Quiet):
    """Orders as many as the price says."""

    def on_data(self, timestamp, data, context, broker):
        broker.submit_order("A", data["A"]["price"])


EXACT = StrategySource("test_caught:Exact", str(HERE), {})


def test_one_bit_of_one_price_is_enough(folder):
    recorded(Exact(), folder)
    check_same(folder, least=60, strategy=EXACT)
    changed_data(tape_of(folder), 17)
    divergence = replayed(folder, strategy=EXACT).runs[0].replay.divergence
    assert divergence.call == 17
    assert divergence.what == "decision"


OTHER_TERMS = "UPDATE records SET body = json_set(body, '$.quantity', 99.0) WHERE kind = 'intent' AND seq > 20"
GONE = "UPDATE records SET kind = 'gone' WHERE kind = 'intent' AND seq > 20"
ONE_MORE = """INSERT INTO records SELECT seq + 100000, time, kind, 'm0', json_set(body, '$.order_id', 'm0')
    FROM records WHERE kind = 'intent' LIMIT 1"""


@pytest.mark.parametrize("change", [OTHER_TERMS, GONE, ONE_MORE])
def test_a_journal_that_says_something_else(folder, change):
    recorded(Exact(), folder)
    with Journal(StateDir(folder, "shadow").journal, _NoClock()) as journal:
        journal._writing.execute(change)
        if change is GONE:
            journal._writing.execute("DELETE FROM orders")
    divergence = replayed(folder, strategy=EXACT).runs[0].replay.divergence
    assert divergence.what == "journal"


class _NoClock:
    simulated = False

    def now(self):
        return 0

    def wait(self, event, seconds):
        return event.wait(seconds)


def test_every_order_of_the_journal_is_on_the_tape(folder):
    recorded(Exact(), folder)
    asked = [frame[1] for frame in frames_of(tape_of(folder)) if frame[0] == Kind.ASK]
    assert asked.count("submit_order") == len(intents(folder)) == 60

"""Whatever a strategy does on whatever data: its replay is the same, and one changed bit is found in the call that saw it."""

from __future__ import annotations

import asyncio
import struct
import tempfile
from pathlib import Path

from engine_kit import limits, run_list
from honest_strategies import Busy, Reader
from hypothesis import given, settings
from hypothesis import strategies as st
from parity_kit import frames_of, rewrite, state, tape_of, walk

from ml4t.live.config.shadow import ShadowSettings
from ml4t.live.parity import Replay
from ml4t.live.parity.evidence import Evidence
from ml4t.live.parity.plan import runs_of
from ml4t.live.report.whole import WholeReader
from ml4t.live.tape import TapeReader
from ml4t.live.tape.frames import Kind, pack, unpack


class Witness(Reader):
    """Orders with all that it was handed as the reason."""

    def on_data(self, timestamp, data, context, broker):
        seen = [timestamp, data, broker.get_cash(), broker.get_account_value(), len(broker.pending_orders)]
        for symbol in data:
            broker.submit_order(symbol, 0.01, reason=repr(seen))
        super().on_data(timestamp, data, context, broker)


def replays_here(folder, make):
    """Replay every run in this process: a fresh interpreter for each would take most of the time."""
    found = []
    with WholeReader(state(folder).journal) as journal:
        for run in runs_of(journal, state(folder)):
            with TapeReader(run.tape) as tape:
                evidence = Evidence(journal, run.about["strategy"], run.first, run.last)
                found.append(Replay(tape, make(), evidence).run())
    return found


def record(folder, strategy, events, **options):
    engine = {"error_budget": 10_000, **options.pop("engine", {})}
    asyncio.run(run_list(strategy, events, folder, record=True, engine=engine, symbols=("A", "B"), **options))


@settings(max_examples=25, deadline=None)
@given(
    seed=st.integers(0, 1_000),
    market=st.integers(0, 1_000),
    count=st.integers(1, 100),
    bars=st.sampled_from([None, "1m", "7s"]),
    execution=st.sampled_from(["next", "same"]),
    limit=st.sampled_from([None, 500.0, 50_000.0]),
    stops=st.lists(st.floats(0.0, 1.0), max_size=2),
    thread=st.booleans(),
)
def test_any_strategy_on_any_data_decides_the_same(seed, market, count, bars, execution, limit, stops, thread):
    events = walk(count, market)
    with tempfile.TemporaryDirectory() as name:
        for stop in [*sorted(stops), 1.0]:
            record(
                Path(name),
                Busy(seed),
                events[: round(stop * len(events))],
                bars=bars,
                risk=limits(max_order_value=limit),
                shadow=ShadowSettings(execution=execution),
                engine={"strategy_thread": thread},
            )
        found = replays_here(Path(name), lambda: Busy(seed))
        assert len(found) == len(stops) + 1
        for each in found:
            assert each.divergence is None
            assert not each.cut
            assert each.beyond == 0


def flipped(value, bit):
    (bits,) = struct.unpack("<q", struct.pack("<d", value))
    return struct.unpack("<d", struct.pack("<q", bits ^ (1 << bit)))[0]


def flip(frames, pick, bit):
    """Flip one bit of one number on a tape; return the call that is the first to see it."""
    places = [n for n, f in enumerate(frames) if f[0] in PLACES and (f[0] != Kind.ASK or f[1] == "get_cash")]
    place = places[pick % len(places)]
    frame = frames[place]
    PLACES[frame[0]](frame, bit)
    begun = sum(f[0] == Kind.CALL for f in frames[: place + 1])
    return begun + 1 if frame[0] == Kind.EVENT else begun


def flip_event(frame, bit):
    frame[5] = flipped(frame[5], bit)


def flip_data(frame, bit):
    data, context = unpack(frame[3])
    values = next(iter(data.values()))
    values["price"] = flipped(values["price"], bit)
    frame[3] = pack([data, context])


def flip_answer(frame, bit):
    frame[4] = pack(flipped(unpack(frame[4]), bit))


PLACES = {Kind.EVENT: flip_event, Kind.CALL: flip_data, Kind.ASK: flip_answer}


@settings(max_examples=25, deadline=None)
@given(market=st.integers(0, 1_000), pick=st.integers(0, 10_000), bit=st.integers(0, 40))
def test_one_changed_bit_is_found_in_the_call_that_saw_it(market, pick, bit):
    """The lower bits of the mantissa: a higher one might be a price that nobody believes."""
    events = [event for event in walk(40, market) if hasattr(event, "price")]
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        record(folder, Witness(), events)
        (before,) = replays_here(folder, Witness)
        assert before.divergence is None
        assert before.orders >= len(events)
        seen_by = []
        rewrite(tape_of(folder), lambda frames: [*frames] if seen_by.append(flip(frames, pick, bit)) is None else [])
        (after,) = replays_here(folder, Witness)
        assert after.divergence is not None
        assert after.divergence.call == seen_by[0]
        assert after.divergence.what == "decision"
        assert after.calls == seen_by[0] - 1


def test_the_tape_tells_what_it_holds_in_the_order_of_things(tmp_path):
    record(tmp_path, Witness(), walk(20))
    kinds = [frame[0] for frame in frames_of(tape_of(tmp_path))]
    assert kinds[0] == Kind.RUN
    assert kinds[-1] == Kind.END
    assert kinds.index(Kind.STARTED) < kinds.index(Kind.EVENT) < kinds.index(Kind.CALL) < kinds.index(Kind.ASK)
    assert kinds.count(Kind.CALL) == kinds.count(Kind.RETURN)

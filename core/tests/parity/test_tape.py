"""The tape itself: what is written is read, what was changed is refused, and nothing about it disturbs a run."""

from __future__ import annotations

import asyncio
import errno
import os
import random
import threading
from datetime import UTC, datetime, timedelta, timezone

import pytest
from engine_kit import SECOND, read, run_list, trade, wait_for
from honest_strategies import Quiet
from parity_kit import check_same, frames_of, intents, read_all, replayed, rewrite, state, tape_of, walk

from ml4t.live.clock import SystemClock
from ml4t.live.model import Bar, Funding, Order, OrderSide, Quote, Trade
from ml4t.live.parity import NotReplayable
from ml4t.live.tape import Shelf, Tape, TapeDamaged, TapeReader
from ml4t.live.tape import tape as tapes
from ml4t.live.tape.broker import TapedBroker
from ml4t.live.tape.file import TapeFile
from ml4t.live.tape.frames import Kind, event_of, pack, packed_time, time_of, unpack
from ml4t.live.tape.strategy import TapedStrategy

EVENTS = [
    Trade("A", 1, 0.1 + 0.2, 5e-324, 7, "x", "id", True),
    Quote("A", 2, 1.0, 2.0, 3.0, 4.0),
    Bar("B", 3, 1.0, 2.0, 0.5, 1.5, float(2**53), 60, False),
    Funding("C", 4, -0.0),
]
TICKS = [trade("A", n * SECOND, 100.0 + n % 7) for n in range(60)]


def begun(path, *, inline=True, most=10**9, clock=None):
    return Tape(path, {"name": "test"}, clock or SystemClock(), inline=inline, most_bytes=most)


def recorded(folder, strategy=None, **options):
    return asyncio.run(run_list(strategy or Quiet(), TICKS, folder, record=True, **options))


# ------------------------------------------------------------------ what is written is read


@pytest.mark.parametrize("inline", [True, False])
def test_every_frame_comes_back_in_order_and_to_the_last_bit(tmp_path, inline):
    tape = begun(tmp_path / "t", inline=inline)
    for n in range(5_000):
        tape.note((Kind.EVENT, n, EVENTS[n % 4]))
    tape.close()
    tape.close()
    tape.note((Kind.STARTED, 1))  # too late, and no harm
    frames, reader = read_all(tmp_path / "t")
    assert [event_of(frame) for frame in frames] == [(EVENTS[n % 4], n) for n in range(5_000)]
    assert str(event_of(frames[3])[0].rate) == "-0.0"
    assert reader.ended
    assert not reader.torn
    assert not reader.hole
    assert reader.run == {"name": "test"}
    assert (tmp_path / "t").stat().st_mode & 0o777 == 0o600


def test_frames_from_several_threads_are_all_there(tmp_path):
    tape = begun(tmp_path / "t")
    noting = [threading.Thread(target=lambda n=n: [tape.note((Kind.STARTED, n, i)) for i in range(3_000)]) for n in range(4)]
    for thread in noting:
        thread.start()
    for thread in noting:
        thread.join()
    tape.close()
    frames, _ = read_all(tmp_path / "t")
    assert sorted((n, i) for _, n, i in frames) == [(n, i) for n in range(4) for i in range(3_000)]
    for n in range(4):
        assert [i for _, who, i in frames if who == n] == list(range(3_000))


@pytest.mark.parametrize(
    "moment",
    [
        datetime(2026, 1, 5, 10, 0, 0, 123456, tzinfo=UTC),
        datetime(2026, 1, 5, 10),  # noqa: DTZ001 - a backtest's data may be naive
        datetime(2026, 1, 5, 10, tzinfo=timezone(timedelta(hours=-5))),
    ],
)
def test_timestamps_come_back_with_their_zone(moment):
    back = time_of(unpack(pack([packed_time(moment)]))[0])
    assert (back, back.tzinfo, back.utcoffset()) == (moment, moment.tzinfo, moment.utcoffset())


def test_numbers_of_other_libraries_are_plain_ones():
    numpy = pytest.importorskip("numpy")
    assert unpack(pack({"a": numpy.float64(0.1), "b": numpy.int64(3), "c": numpy.float32(0.5)})) == {"a": 0.1, "b": 3, "c": 0.5}


def test_the_strategy_may_change_what_it_is_handed(tmp_path):
    class Changing:
        def on_data(self, timestamp, data, context, broker):
            data["A"]["price"] = 0.0
            context["extra"].append(3)
            broker.positions.clear()

    class Broker:
        positions = {"A": 1.0}  # noqa: RUF012 - on purpose

    tape = begun(tmp_path / "t")
    taped = TapedStrategy(Changing(), tape, lambda: 7)
    taped.on_data(datetime(2026, 1, 5, tzinfo=UTC), {"A": {"price": 1.5}}, {"market": None, "extra": [1, 2]}, Broker())
    tape.close()
    call, ask, back = read_all(tmp_path / "t")[0]
    assert unpack(call[3]) == [{"A": {"price": 1.5}}, {"extra": [1, 2]}]
    assert unpack(ask[4]) == {"A": 1.0}
    assert (call[4], back) == (7, [Kind.RETURN, "", 7])


def test_what_a_broker_raises_is_noted_and_raised(tmp_path):
    class Broker:
        def get_cash(self):
            raise KeyError("gone")

    tape = begun(tmp_path / "t")
    broker = TapedBroker(Broker(), tape)
    with pytest.raises(KeyError):
        broker.get_cash()
    with pytest.raises(AttributeError):
        broker.nothing_like_it  # noqa: B018 - the look-up is what is tested
    tape.close()
    (ask,), reader = read_all(tmp_path / "t")
    assert ask[3] == "KeyError"
    assert reader.ended


def test_an_argument_that_is_none_is_told_by_its_type(tmp_path):
    class Broker:
        def submit_order(self, *args, **kwargs):
            return Order("m1", "A", OrderSide.BUY, 1.0)

    tape = begun(tmp_path / "t")
    TapedBroker(Broker(), tape).submit_order("A", object(), side=OrderSide.BUY, limit_price=10**30)
    tape.close()
    (ask,), _ = read_all(tmp_path / "t")
    assert unpack(ask[2]) == [["A", {"type": "builtins.object"}], {"side": "buy", "limit_price": {"type": "builtins.int"}}]


def test_an_answer_without_a_form_ends_the_tape_and_reaches_the_strategy(tmp_path):
    class Broker:
        positions = {"A": object()}  # noqa: RUF012 - on purpose

    tape = begun(tmp_path / "t")
    assert TapedBroker(Broker(), tape).positions is Broker.positions
    tape.close()
    assert read_all(tmp_path / "t")[1].hole == tape.hole != ""


def test_a_storm_wakes_the_thread_before_its_time(tmp_path):
    class Lazy(SystemClock):
        def wait(self, event, seconds):
            return event.wait(60.0)

    tape = begun(tmp_path / "t", inline=False, clock=Lazy())
    for n in range(10_000):
        tape.note((Kind.EVENT, n, EVENTS[0]))
    wait_for(lambda: (tmp_path / "t").stat().st_size > 10_000)
    tape.close()
    assert read_all(tmp_path / "t")[1].ended


# ------------------------------------------------------------------ damage


def small(path):
    tape = begun(path)
    for n in range(1_200):
        tape.note((Kind.EVENT, n, EVENTS[n % 4]))
    tape.close()
    return path.read_bytes()


def test_a_tape_cut_anywhere_gives_its_whole_frames(tmp_path):
    whole = small(tmp_path / "t")
    rng = random.Random(1)
    counts = []
    for cut in sorted({*range(40), *(rng.randrange(len(whole)) for _ in range(200)), *(len(whole) - n for n in range(1, 40))}):
        (tmp_path / "c").write_bytes(whole[:cut])
        frames, reader = read_all(tmp_path / "c")
        assert not reader.ended
        assert [event_of(frame)[1] for frame in frames] == list(range(len(frames)))
        counts.append(len(frames))
    assert counts == sorted(counts)
    assert set(counts) == {0, 512, 1_024, 1_200}


def test_one_changed_bit_anywhere_is_found(tmp_path):
    whole = small(tmp_path / "t")
    rng = random.Random(2)
    for place in [*range(60), *(rng.randrange(len(whole)) for _ in range(300))]:
        changed = bytearray(whole)
        changed[place] ^= 1 << rng.randrange(8)
        (tmp_path / "c").write_bytes(changed)
        with pytest.raises(TapeDamaged):
            read_all(tmp_path / "c")


def test_a_chunk_taken_out_or_put_twice_is_found(tmp_path):
    file = TapeFile(tmp_path / "t")
    ends = [file.size]
    for frames in ([(Kind.RUN, 1, {})], [(Kind.STARTED, 1)], [(Kind.STARTED, 2)], [(Kind.END, 3)]):
        file.append(pack(frames))
        ends.append(file.size)
    file.close()
    whole = (tmp_path / "t").read_bytes()
    read_all(tmp_path / "t")
    first, second = whole[ends[1] : ends[2]], whole[ends[2] : ends[3]]
    for forged in (
        whole[: ends[1]] + whole[ends[2] :],
        whole[: ends[3]] + second + whole[ends[3] :],
        whole[: ends[1]] + second + first + whole[ends[3] :],
    ):
        (tmp_path / "c").write_bytes(forged)
        with pytest.raises(TapeDamaged, match="has been changed or damaged"):
            read_all(tmp_path / "c")


@pytest.mark.parametrize(
    ("frames", "why"),
    [
        ([(Kind.RUN, 99, {})], "version 99"),
        ([(Kind.STARTED, 1)], "does not begin with its run"),
        ([(Kind.RUN, 1, {}), (Kind.STARTED, 1), (Kind.END, 5)], "holds 2 frames, and its end says 5"),
    ],
)
def test_a_tape_that_makes_no_sense_is_refused(tmp_path, frames, why):
    file = TapeFile(tmp_path / "t")
    file.append(pack(frames))
    file.close()
    with pytest.raises(TapeDamaged, match=why):
        read_all(tmp_path / "t")


def test_something_else_is_no_tape(tmp_path):
    (tmp_path / "t").write_bytes(b"timestamp,symbol,open,high,low,close,volume\n")
    with pytest.raises(TapeDamaged, match="is no tape"):
        TapeReader(tmp_path / "t")


def test_a_session_whose_tape_was_changed_is_refused(folder):
    recorded(folder)
    path = tape_of(folder)
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 4
    path.write_bytes(data)
    with pytest.raises(NotReplayable, match="has been changed or damaged: the checksum at byte"):
        replayed(folder)


def test_a_session_whose_tape_has_lost_its_end_is_refused(folder):
    recorded(folder)
    rewrite(tape_of(folder), lambda frames: frames[:-1])
    with pytest.raises(NotReplayable, match="ended in order, and the end of its tape is missing"):
        replayed(folder)
    check_same(folder, partial=True)


def test_a_session_without_a_tape_is_refused(folder):
    recorded(folder)
    asyncio.run(run_list(Quiet(), [*TICKS, *(trade("A", (100 + n) * SECOND) for n in range(9))], folder))
    with pytest.raises(NotReplayable, match=r"run 2 \(record \d+\) has no tape.*--partial"):
        replayed(folder)
    first, second = replayed(folder, partial=True).runs
    assert first.replay is not None
    assert second.replay is None
    tape_of(folder).unlink()
    with pytest.raises(NotReplayable, match="run 1 "):
        replayed(folder, partial=True)


# ------------------------------------------------------------------ holes


class FullDisk:
    """What the tape's file is written with: after so many writes there is no more space, in the middle of one."""

    def __init__(self, after):
        self.left = after

    def __getattr__(self, name):
        return getattr(os, name)

    def write(self, descriptor, data):
        if self.left:
            self.left -= 1
            return os.write(descriptor, data)
        if len(data) > 30:
            return os.write(descriptor, data[:20])
        raise OSError(errno.ENOSPC, "No space left on device")


def holes(folder):
    return [body["why"] for body in read(state(folder).journal).bodies("health") if body.get("state") == "hole"]


@pytest.mark.parametrize("after", [0, 1, 3, 4])
def test_a_disk_that_refuses_makes_a_hole_and_nothing_else(folder, monkeypatch, after):
    """After so many writes there is no more space: the run goes on, the journal tells, and the replay is refused."""
    monkeypatch.setattr("ml4t.live.tape.file.os", FullDisk(after))
    events = walk(2_000, symbols="A")
    asyncio.run(run_list(Quiet(), events, folder, record=True))
    monkeypatch.undo()
    assert len(intents(folder)) > 100
    assert any("No space left" in why for why in holes(folder))
    with pytest.raises(NotReplayable, match="No space left" if after > 1 else "no tape"):
        replayed(folder)
    if after > 2:
        check_same(folder, partial=True)


def test_a_tape_that_is_full_ends_and_the_run_goes_on(folder, monkeypatch):
    monkeypatch.setattr("ml4t.live.engine.storage.Shelf.begin", _tiny)
    events = walk(3_000, symbols="A")
    asyncio.run(run_list(Quiet(), events, folder, record=True))
    assert len(intents(folder)) > 200
    assert holes(folder) == ["the tape is full; engine.record_max_mib allows it 0 MiB"]
    with pytest.raises(NotReplayable, match="the tape is full"):
        replayed(folder)
    (run,) = check_same(folder, partial=True).runs
    assert 100 < run.replay.orders < 200
    assert "the tape is full" in run.notes[0]


_begin = Shelf.begin


def _tiny(shelf, run, clock, *, inline, most_bytes):
    return _begin(shelf, run, clock, inline=inline, most_bytes=200_000)


class Stuck(SystemClock):
    """A clock on which the tape's thread waits until it is told."""

    def __init__(self):
        self.go = threading.Event()

    def wait(self, event, seconds):
        return self.go.wait(60.0)


def test_a_disk_that_is_too_slow_holds_up_nobody(tmp_path, monkeypatch):
    monkeypatch.setattr(tapes, "CAPACITY", 1_000)
    clock, found = Stuck(), []
    tape = begun(tmp_path / "t", inline=False, clock=clock)
    tape.on_hole = found.append
    for n in range(1_500):
        tape.note((Kind.STARTED, n))
    assert tape.lost == 500
    clock.go.set()
    tape.close()
    frames, reader = read_all(tmp_path / "t")
    assert [n for _, n in frames] == list(range(1_000))
    assert reader.hole == "1,000 frames waited for the disk" == found[0]
    assert len(found) == 1
    assert not reader.ended


def test_what_has_no_form_ends_the_tape_and_not_the_run(folder):
    class Odd(Quiet):
        def on_data(self, timestamp, data, context, broker):
            super().on_data(timestamp, data, context, broker)
            if self.calls == 20:
                broker._desk  # noqa: B018 - the look-up is what is tested

    recorded(folder, Odd())
    assert len(intents(folder)) == 8
    assert "is not for strategies" in holes(folder)[0]


# ------------------------------------------------------------------ room


def test_the_oldest_tapes_go_when_there_is_no_room(tmp_path):
    shelf = Shelf(state(tmp_path).create())
    for _ in range(6):
        tape = shelf.begin({"name": "x"}, SystemClock(), inline=True, most_bytes=100_000)
        for _ in range(300):
            tape.note((Kind.ASK, "get_cash", b"x" * 50, "", b""))
        tape.close()
    assert [path.name for path in shelf.tapes] == ["00000004.tape", "00000005.tape", "00000006.tape"]
    assert all(frames_of(path)[-1][0] == Kind.END for path in shelf.tapes)
    assert sum(path.stat().st_size for path in shelf.tapes) <= 100_000
    assert shelf.path.stat().st_mode & 0o777 == 0o700

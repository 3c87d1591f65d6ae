"""The inbox: bounded, in order, and nothing lost without a word."""

from __future__ import annotations

import asyncio

import pytest
from engine_kit import PATIENCE, Diary, limits, read, trade

from ml4t.live import LiveEngine
from ml4t.live.config.settings import EngineSettings
from ml4t.live.engine.barrier import Barrier
from ml4t.live.engine.inbox import HARD_LIMIT, Inbox


class Worker:
    """Notes what it is given."""

    def __init__(self):
        self.seen = []
        self.batches = []

    def work(self, events, limit):
        self.batches.append(limit)
        self.seen += [events.popleft() for _ in range(limit)]


class Post:
    """An inbox with a worker, on the running loop."""

    def __init__(self, capacity=100, worker=None):
        self.barrier, self.gaps, self.errors = Barrier(), [], []
        self.worker = worker or Worker()
        self.inbox = Inbox(
            asyncio.get_running_loop(),
            self.errors.append,
            self.barrier,
            capacity=capacity,
            on_gap=self.gaps.append,
            on_error=self.errors.append,
        )
        self.inbox.attach(self.worker)


def on_loop(test):
    """Run an async test on a real loop."""

    def run():
        async def main():
            async with asyncio.timeout(PATIENCE):
                await test()

        asyncio.run(main())

    run.__name__, run.__doc__ = test.__name__, test.__doc__
    return run


@on_loop
async def test_events_are_processed_in_order_in_batches_and_the_loop_gets_its_turn():
    post = Post(capacity=100_000)
    turns = []

    async def neighbour():
        while len(post.worker.seen) < 5_000:
            turns.append(len(post.worker.seen))
            await asyncio.sleep(0)

    post.inbox.push_many(trade("A", n) for n in range(5_000))
    await neighbour()

    assert [event.event_time for event in post.worker.seen] == [trade("A", n).event_time for n in range(5_000)]
    assert max(post.worker.batches) <= 1_024
    assert len(turns) >= 4


@on_loop
async def test_a_source_that_never_waits_is_processed_inside_push_and_the_queue_stays_bounded():
    post = Post(capacity=64)
    most = 0
    for n in range(10_000):
        post.inbox.push(trade("A", n))
        most = max(most, len(post.inbox))
    await post.inbox.drained()

    assert most < 64
    assert len(post.worker.seen) == 10_000
    assert not post.gaps


@on_loop
async def test_ready_waits_while_more_than_half_is_taken():
    post = Post(capacity=100)
    post.barrier.enter()
    post.inbox.push_many(trade("A", n) for n in range(50))
    await post.inbox.ready()
    post.inbox.push(trade("A", 50))

    waiting = asyncio.ensure_future(post.inbox.ready())
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    assert not waiting.done()

    post.barrier.leave()
    await waiting
    assert len(post.worker.seen) == 51


@on_loop
async def test_nothing_is_processed_behind_a_closed_barrier():
    post = Post()
    post.barrier.enter()
    post.inbox.push(trade("A", 0))
    for _ in range(5):
        await asyncio.sleep(0)
    assert post.worker.seen == []

    drained = asyncio.ensure_future(post.inbox.drained())
    post.barrier.leave()
    await drained
    assert len(post.worker.seen) == 1


@on_loop
async def test_an_event_that_has_to_wait_is_given_again_before_all_others():
    post = None

    class Waits(Worker):
        def work(self, events, limit):
            for _ in range(limit):
                if events[0].size == 7 and not post.gaps:
                    post.gaps.append("once")
                    post.barrier.enter()
                    asyncio.get_running_loop().call_soon(post.barrier.leave)
                    return
                super().work(events, 1)

    post = Post(worker=Waits())
    post.inbox.push_many(trade("A", n, size=7 if n == 3 else 1) for n in range(6))
    await post.inbox.drained()

    assert [event.event_time for event in post.worker.seen] == [trade("A", n).event_time for n in range(6)]


@on_loop
async def test_what_can_be_neither_processed_nor_held_is_flagged_as_a_gap_per_symbol():
    post = Post(capacity=10)
    post.barrier.enter()
    count = 10 * HARD_LIMIT + 25
    for n in range(count):
        post.inbox.push(trade("AB"[n % 2], n))
    assert len(post.inbox) <= 10 * HARD_LIMIT + 1
    post.barrier.leave()
    await post.inbox.drained()

    lost = count - len(post.worker.seen)
    assert lost == 30
    assert {gap.reason for gap in post.gaps} == {"overflow"}
    assert {gap.symbol for gap in post.gaps} == {"A", "B"}
    assert min(gap.start for gap in post.gaps) == trade("A", 0).event_time
    assert max(gap.end for gap in post.gaps) == trade("A", 29).event_time
    assert [e.event_time for e in post.worker.seen] == [trade("A", n).event_time for n in range(30, count)]


@on_loop
async def test_a_closed_inbox_lets_everybody_go():
    post = Post(capacity=4)
    post.barrier.enter()
    post.inbox.push_many(trade("A", n) for n in range(3))
    waiting = [asyncio.ensure_future(post.inbox.ready()), asyncio.ensure_future(post.inbox.drained())]
    await asyncio.sleep(0)

    post.inbox.close()
    await asyncio.gather(*waiting)
    post.barrier.leave()
    await asyncio.sleep(0)
    assert post.worker.seen == []


@pytest.mark.parametrize("how", ["push", "push_many"])
def test_a_feed_that_pushes_a_million_events_without_awaiting_loses_nothing(tmp_path, how):
    count = 1_000_000 if how == "push_many" else 200_000

    class Firehose:
        symbols = ("A",)
        historical = True
        most = 0

        async def run(self, sink):
            if how == "push":
                for n in range(count):
                    sink.push(trade("A", n))
                    self.most = max(self.most, len(engine._inbox))
            else:
                for n in range(0, count, 100):
                    sink.push_many([trade("A", n + i) for i in range(100)])
                    self.most = max(self.most, len(engine._inbox))

    class Counter:
        calls = 0

        def on_data(self, *_):
            self.calls += 1

    feed, strategy = Firehose(), Counter()
    engine = LiveEngine(strategy, None, feed, risk=limits(), state_dir=tmp_path, settings=EngineSettings(inbox_capacity=1_000))
    asyncio.run(engine.run())

    assert strategy.calls == count
    assert feed.most <= 1_000
    assert read(engine.state_folder.journal).bodies("gap") == []


def test_a_feed_that_pushes_while_a_slow_strategy_thread_holds_the_data_loses_nothing(tmp_path):
    class Firehose:
        symbols = ("A",)
        historical = True

        async def run(self, sink):
            for n in range(300):
                sink.push(trade("A", n))

    diary = Diary()
    settings = EngineSettings(inbox_capacity=8, strategy_thread=True)
    engine = LiveEngine(diary, None, Firehose(), risk=limits(), state_dir=tmp_path, settings=settings)
    asyncio.run(engine.run())

    assert len(diary.calls) == 300

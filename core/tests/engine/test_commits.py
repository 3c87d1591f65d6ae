"""How many commits an order costs, counted: the disk is asked once for a decision, not once for each of its orders."""

from __future__ import annotations

import asyncio

from engine_kit import SECOND, Diary, Market, limits, trade, until, wait_for

from ml4t.live import LiveEngine
from ml4t.live.clock import SystemClock
from ml4t.live.config.settings import EngineSettings
from ml4t.live.journal.batch import Batch
from ml4t.live.testing import ListFeed, SimulatedVenue

ORDERS = 100


def commits_of(orders, tmp_path, monkeypatch):
    """Return how many commits it takes until all the intents of one decision are durable and sent to a broker."""
    commits = []
    write = Batch.write

    def counted(self, connection):
        write(self, connection)
        commits.append(self.last_seq)

    monkeypatch.setattr(Batch, "write", counted)

    class Counting(SimulatedVenue):
        async def submit(self, order):
            sent.append(len(commits))
            return await super().submit(order)

    def decide(diary, data, broker):
        if not before:
            before.append(len(commits))
            for _ in range(orders):
                broker.submit_order("A", 1)

    before, sent = [], []

    async def main():
        feed = Market()
        engine = LiveEngine(
            Diary(decide),
            Counting(lambda _: 100.0, SystemClock(), seed=1),
            feed,
            risk=limits(execution_mode="paper"),
            state_dir=tmp_path / str(orders),
            settings=EngineSettings(durability="fsync"),
        )
        run = asyncio.create_task(engine.run())
        await until(lambda: len(sent) == orders)
        feed.end.set()
        await run

    asyncio.run(main())
    monkeypatch.undo()
    return sent[-1] - before[0]


def test_the_orders_of_one_decision_share_one_commit(tmp_path, monkeypatch):
    one = commits_of(1, tmp_path, monkeypatch)
    hundred = commits_of(ORDERS, tmp_path, monkeypatch)
    # One may be on its way when the decision begins.
    assert one <= 2
    assert hundred <= 2


def test_nothing_of_a_decision_is_committed_before_it_is_made(tmp_path):
    seen = []

    def decide(diary, data, broker):
        broker.submit_order("A", 1)
        journal = engine.core.journal
        wait_for(lambda: journal._backlog._sleeping)  # the writer has committed what it may
        seen.append(journal.last_seq - journal.durable_seq)

    engine = LiveEngine(
        Diary(decide),
        None,
        ListFeed([trade("A", n * SECOND) for n in range(5)]),
        risk=limits(),
        state_dir=tmp_path,
        settings=EngineSettings(durability="write"),
    )
    asyncio.run(engine.run())
    assert len(seen) == 5
    assert min(seen) >= 2, "the verdict and the intent at least"

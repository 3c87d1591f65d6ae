"""How many commits an order costs, counted: the disk is asked once for a decision, not once for each of its orders."""

from __future__ import annotations

import asyncio

from engine_kit import SECOND, Diary, limits, trade

from ml4t.live import LiveEngine
from ml4t.live.config.settings import EngineSettings
from ml4t.live.journal.batch import Batch
from ml4t.live.testing import ListFeed

ORDERS = 100


def commits_of(orders, tmp_path, monkeypatch):
    """Return how many commits it takes until all the intents of one decision are durable and sent."""
    commits = []
    write = Batch.write

    def counted(self, connection):
        write(self, connection)
        commits.append(self.last_seq)

    monkeypatch.setattr(Batch, "write", counted)

    def decide(diary, data, broker):
        if len(diary.calls) == 1:
            before.append(len(commits))
            for _ in range(orders):
                broker.submit_order("A", 1)

    before, sent = [], []

    async def main():
        engine = LiveEngine(
            Diary(decide),
            None,
            ListFeed([trade("A", n * SECOND) for n in range(3)]),
            risk=limits(),
            state_dir=tmp_path / str(orders),
            settings=EngineSettings(durability="fsync"),
        )
        await engine.connect()
        venue = engine.core.venue
        submit = venue.submit
        venue.submit = lambda order: (sent.append(len(commits)), submit(order))
        await engine.run()

    asyncio.run(main())
    monkeypatch.undo()
    assert len(sent) == orders
    return sent[-1] - before[0]


def test_a_hundred_orders_of_one_decision_share_their_commits(tmp_path, monkeypatch):
    one = commits_of(1, tmp_path, monkeypatch)
    hundred = commits_of(ORDERS, tmp_path, monkeypatch)
    # The writer may wake between two of the hundred: then those that came meanwhile share the commits that follow.
    assert one <= 2
    assert hundred <= ORDERS // 5

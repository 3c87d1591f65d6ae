"""A tiny sink, and files in every format from the same rows; lets the tests of this folder share `polling_kit`."""

from __future__ import annotations

import asyncio
import csv
import gzip
import json
import sys
from pathlib import Path

import pytest

from ml4t.live.feeds.replay import ReplayFeed
from ml4t.live.feeds.replay_config import ReplayConfig

sys.path.insert(0, str(Path(__file__).parent))


class CollectingSink:
    def __init__(self):
        self.batches = []
        self.readied = 0

    @property
    def events(self):
        return [event for batch in self.batches for event in batch]

    def push(self, event):
        self.push_many([event])

    def push_many(self, events):
        self.batches.append(list(events))

    async def ready(self):
        self.readied += 1

    def alive(self):
        pass


@pytest.fixture
def sink():
    return CollectingSink()


@pytest.fixture
def replay():
    def run(path, *, resume_after=None, **settings):
        feed = ReplayFeed(ReplayConfig(path=path, **settings))
        feed.resume_after = resume_after
        sink = CollectingSink()
        asyncio.run(feed.run(sink))
        return sink.events

    return run


@pytest.fixture
def write(tmp_path):
    """Write rows (dicts) to a file whose suffix says how; return its path."""

    def write(name, rows, columns=None):
        path = tmp_path / name
        columns = columns or list(rows[0])
        if name.endswith(".parquet"):
            pa = pytest.importorskip("pyarrow")
            parquet = pytest.importorskip("pyarrow.parquet")
            parquet.write_table(pa.table({column: [row[column] for row in rows] for column in columns}), path)
            return path
        opener = gzip.open if name.endswith(".gz") else open
        with opener(path, "wt", encoding="utf-8", newline="") as file:
            if ".csv" in name:
                writer = csv.DictWriter(file, columns)
                writer.writeheader()
                writer.writerows(rows)
            else:
                file.writelines(json.dumps(row) + "\n" for row in rows)
        return path

    return write

"""Sessions that tests write record by record, and their pages taken apart."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from ml4t.live.clock import DataClock
from ml4t.live.journal import Journal, StateDir
from ml4t.live.report.session import read_session
from ml4t.live.report.whole import WholeReader
from ml4t_live_report.page import report_page

sys.path.append(str(Path(__file__).parent))  # for page_kit, which these tests share

SECOND = 10**9
START = 1_700_000_000 * SECOND


class Desk:
    """A journal in a state directory, on a clock that the test sets."""

    def __init__(self, root) -> None:
        self.folder = StateDir(root, "shadow").create()
        self.clock = DataClock()
        self.journal = Journal(self.folder.journal, self.clock, durability="none", mode="shadow").open(None)

    def note(self, after, kind, subject, body):
        """Write a record of so many seconds after the start."""
        self.clock.advance(START + round(after * SECOND))
        self.journal.append(kind, subject, body)

    def page(self, *, running=False):
        self.journal.close()
        with WholeReader(self.folder.journal) as reader:
            return report_page(read_session(reader, made_at=START, running=running))


@pytest.fixture
def desk(tmp_path):
    made = Desk(tmp_path)
    yield made
    made.journal.close()

"""Journals that tests write record by record, and read as a report does."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from ml4t.live.clock import DataClock
from ml4t.live.journal import Journal, StateDir
from ml4t.live.report.whole import WholeReader

sys.path.append(str(Path(__file__).parent))  # for report_kit, which these tests share


class Desk:
    """A journal in a state directory, on a clock that the test sets."""

    def __init__(self, root) -> None:
        self.folder = StateDir(root, "shadow").create()
        self.clock = DataClock()
        self.journal = Journal(self.folder.journal, self.clock, durability="none", mode="shadow").open(None)
        self.readers = []

    def note(self, at, kind, subject, body, **rest):
        self.clock.advance(at)
        self.journal.append(kind, subject, body, **rest)

    def read(self):
        """Close the journal and open it for reading."""
        self.journal.close()
        self.readers.append(WholeReader(self.folder.journal))
        return self.readers[-1]

    def close(self):
        self.journal.close()
        for reader in self.readers:
            reader.close()


@pytest.fixture
def new_desk():
    """Makes desks at the paths it is given."""
    made = []

    def make(root):
        made.append(Desk(root))
        return made[-1]

    yield make
    for each in made:
        each.close()


@pytest.fixture
def desk(new_desk, tmp_path):
    return new_desk(tmp_path)

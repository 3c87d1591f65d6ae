"""The durable truth of a run: what was decided, sent, filled, forecast and refused, in order.

`Journal` writes, `JournalReader` reads, `StateDir` says where; the journal is SQLite in WAL mode.
"""

from ml4t.live.journal.durability import Durability
from ml4t.live.journal.export import export_lines, export_parquet
from ml4t.live.journal.journal import Journal
from ml4t.live.journal.kinds import RecordKind
from ml4t.live.journal.reader import JournalReader
from ml4t.live.journal.record import Also, Record, StatePut, TrackedForecast
from ml4t.live.journal.state_dir import StateDir, StateLock
from ml4t.live.journal.verify import verify

__all__ = [
    "Also",
    "Durability",
    "Journal",
    "JournalReader",
    "Record",
    "RecordKind",
    "StateDir",
    "StateLock",
    "StatePut",
    "TrackedForecast",
    "export_lines",
    "export_parquet",
    "verify",
]

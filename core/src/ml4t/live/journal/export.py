"""Records for other programs: JSON lines, and Parquet for research."""

from __future__ import annotations

import importlib
import itertools
from pathlib import Path
from types import ModuleType
from typing import IO

import msgspec

from ml4t.live.journal.queries import Queries
from ml4t.live.journal.record import Record

_GROUP = 10_000  # records per Parquet row group, and the most that are in memory at once

_encoder = msgspec.json.Encoder(order="deterministic")


def export_lines(journal: Queries, stream: IO[str], *, after_seq: int = 0) -> int:
    """Write every record as one JSON object a line, keys sorted, and return how many there were.

    Equal runs give equal bytes.
    """
    count = 0
    for record in journal.records(after_seq=after_seq):
        stream.write(_line(record))
        count += 1
    return count


def export_parquet(journal: Queries, path: Path) -> int:
    """Write every record to a Parquet file, replacing it in one step, and return how many there were.

    Columns: seq, time (nanoseconds UTC), kind, subject, body (JSON text). Raises ImportError when pyarrow is missing.
    """
    arrow, parquet = _import("pyarrow"), _import("pyarrow.parquet")
    text = arrow.string()
    names = {"seq": arrow.int64(), "time": arrow.timestamp("ns", tz="UTC"), "kind": text, "subject": text, "body": text}
    schema = arrow.schema(list(names.items()))
    unfinished = path.with_name(f"{path.name}.part")
    count = 0
    records = journal.records()
    with parquet.ParquetWriter(unfinished, schema) as writer:
        while group := list(itertools.islice(records, _GROUP)):
            rows = [(r.seq, r.time, r.kind, r.subject, _encoder.encode(r.body).decode()) for r in group]
            columns = [arrow.array(column, kind) for column, kind in zip(zip(*rows, strict=True), names.values(), strict=True)]
            writer.write_batch(arrow.record_batch(columns, schema=schema))
            count += len(group)
    unfinished.replace(path)
    return count


def _line(record: Record) -> str:
    fields = {"seq": record.seq, "time": record.time, "kind": record.kind, "subject": record.subject, "body": record.body}
    return _encoder.encode(fields).decode() + "\n"


def _import(name: str) -> ModuleType:
    try:
        return importlib.import_module(name)
    except ImportError as error:
        raise ImportError('Parquet needs pyarrow; run `pip install "ml4t-live[parquet]"`') from error

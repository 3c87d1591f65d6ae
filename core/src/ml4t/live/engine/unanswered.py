"""What an earlier process asked, and died before it was answered: on live data nobody asks again."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from ml4t.live.journal import Record, RecordKind
from ml4t.live.journal.queries import Queries


def unanswered(journal: Queries, listening: Mapping[str, Sequence[str]], longest: int) -> list[tuple[str, str]]:
    """Return forecaster and firing of what has no forecast, order, weight, refusal or failure on record, oldest first.

    `listening` has the forecasters by trigger. Nothing older than `longest` (nanoseconds) before the last firing is looked at:
    no answer takes so long.
    """
    last = journal.last(RecordKind.FIRING)
    if last is None:
        return []
    asked: list[tuple[str, str]] = []
    answered: set[tuple[str, str]] = set()
    for record in journal.records(after_seq=journal.last_before(last.time - longest)):
        if record.kind == RecordKind.FIRING:
            asked += [(name, record.subject) for name in listening.get(record.body["trigger"], ())]
        else:
            answered.add(_answer(record))
    return [each for each in asked if each not in answered]


def _answer(record: Record) -> tuple[str, str]:
    """Return who answers what with a record; nobody, nothing, when it is no answer."""
    body = record.body
    match record.kind:
        case RecordKind.FORECAST:
            return body["model"], body["cause"]
        case RecordKind.INTENT | RecordKind.ORDER:
            return body["strategy"], body["cause"]
        case RecordKind.DECLINED:
            return record.subject, body["firing"]
        case RecordKind.ERROR:
            return record.subject.removeprefix("forecaster "), body.get("firing", "")
        case RecordKind.WEIGHT:
            return body["by"], body["firing"]
    return "", ""

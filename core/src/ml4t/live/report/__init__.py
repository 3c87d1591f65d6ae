"""What a run did, read from its journal: the summary at its end, and the story of one order or symbol."""

from ml4t.live.report.reader import ReportReader
from ml4t.live.report.summary import SessionSummary, summarise

__all__ = ["ReportReader", "SessionSummary", "summarise"]

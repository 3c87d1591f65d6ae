"""What the check is tried with by the conformance kit."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from ml4t.live.testing import RiskCheckRig
from risk_news_blackout.check import NewsBlackout
from risk_news_blackout.config import NewsBlackoutConfig

CALENDAR = "time,name,symbols\n2030-01-30T19:00:00Z,FOMC,\n"
"""Nothing happens while the kit asks."""
A_DISK_THAT_HANGS = "it asks the machine's clock how long the disk has not answered, and refuses when that is too long"


@asynccontextmanager
async def rig() -> AsyncIterator[RiskCheckRig]:
    """Yield a check with a calendar of its own."""
    with TemporaryDirectory() as folder:
        path = Path(folder) / "calendar.csv"
        path.write_text(CALENDAR)
        yield RiskCheckRig(
            check=lambda: NewsBlackout(NewsBlackoutConfig(calendar=path)),
            exempt={"it_reads_the_books_and_nothing_else": A_DISK_THAT_HANGS},
        )

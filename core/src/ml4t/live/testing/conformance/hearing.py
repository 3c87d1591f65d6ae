"""Everything that is said while a scenario runs, so that secrets can be looked for in it."""

from __future__ import annotations

import contextlib
import io
import logging
import traceback
import warnings
from collections.abc import Iterator, Sequence

from structlog.testing import capture_logs

from ml4t.live.testing.conformance.report import NotConformant


class Hearing:
    """Collects logs of every level (as a user gets them who sets the root logger to DEBUG), output, and what is `say`ed."""

    def __init__(self) -> None:
        self._texts: list[tuple[str, str]] = []

    def say(self, where: str, text: str) -> None:
        """Take in a text of its own."""
        self._texts.append((where, text))

    def error(self, error: BaseException) -> None:
        """Take in an exception, as it is printed and as it is shown."""
        self.say(f"the exception {type(error).__name__}", "".join(traceback.format_exception(error)) + repr(error))

    def check(self, secrets: Sequence[str]) -> None:
        """Raise NotConformant when a secret was said; the message does not say it again."""
        for where, text in self._texts:
            for number, secret in enumerate(secrets, 1):
                if secret and secret in text:
                    raise NotConformant(f"secret number {number} of the rig is told by {where}")

    @contextlib.contextmanager
    def listening(self) -> Iterator[None]:
        """Listen to logging, structlog, warnings and what is printed."""
        handler = _Handler(self)
        root = logging.getLogger()
        level = root.level
        root.addHandler(handler)
        root.setLevel(logging.DEBUG)
        printed = io.StringIO()
        try:
            with (
                capture_logs() as entries,
                contextlib.redirect_stdout(printed),
                contextlib.redirect_stderr(printed),
                warnings.catch_warnings(record=True) as warned,
            ):
                yield
        finally:
            root.removeHandler(handler)
            root.setLevel(level)
        self.say("structlog", repr(entries))
        self.say("what is printed", printed.getvalue())
        self.say("warnings", repr([str(each.message) for each in warned]))


class _Handler(logging.Handler):
    def __init__(self, hearing: Hearing) -> None:
        super().__init__(logging.NOTSET)
        self._hearing = hearing
        self.setFormatter(logging.Formatter("%(message)s"))

    def emit(self, record: logging.LogRecord) -> None:
        self._hearing.say(f"the logger {record.name} at {record.levelname}", self.format(record))

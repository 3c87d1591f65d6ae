"""Logging of a run: JSON lines into a rotating file, readable lines on the terminal, and secrets in neither.

Only the command line sets this up. Who uses `LiveEngine` as a library configures structlog and logging as they like.
"""

from __future__ import annotations

import contextlib
import io
import logging
import os
import re
import sys
from collections.abc import Iterator, Mapping, MutableMapping
from logging.handlers import RotatingFileHandler
from pathlib import Path
from typing import Any, TextIO

import structlog

from ml4t.live.config.secret import MASK, Secret

LEVELS = ("debug", "info", "warning", "error")
FILE_BYTES = 10_000_000
FILES = 5
"""Old files that are kept beside the current one."""

_TELLING = re.compile(
    r"api_?key|access_?key|private_?key|signing_?key|(^|[_-])key$|secret|token|passw|passphrase|authoriz|credential|cookie",
    re.IGNORECASE,
)
_INLINE = re.compile(
    r"(?P<name>\b[\w-]*(?:api[_-]?key|secret|token|password|passphrase|signature)[\w-]*[\"']?\s*[=:]\s*[\"']?|\b(?:Bearer|Basic)\s+)"
    r"(?P<value>[^\s\"'&,;}\])]+)",
    re.IGNORECASE,
)
_DEEPEST = 6


class Logs:
    """Logging as `to_terminal` set it up; `to_file` adds the file once it is known where."""

    def __init__(self, level: int) -> None:
        self._level = level
        self.handlers: list[logging.Handler] = []

    def add(self, handler: logging.Handler, *renderers: Any) -> None:
        """Send what is logged to one more handler; the last of the renderers makes the text."""
        handler.setFormatter(_formatter(*renderers))
        handler.setLevel(self._level)
        self.handlers.append(handler)
        logging.getLogger().addHandler(handler)

    def to_file(self, path: Path) -> None:
        """Write JSON lines to `path` as well, readable by its owner only, and begin a new file every 10 MB."""
        self.add(
            PrivateFile(path, maxBytes=FILE_BYTES, backupCount=FILES, encoding="utf-8"), structlog.processors.JSONRenderer()
        )


class PrivateFile(RotatingFileHandler):
    """A rotating file that is never readable by anybody else, not even for the moment of its creation."""

    def _open(self) -> io.TextIOWrapper:
        descriptor = os.open(self.baseFilename, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        if hasattr(os, "fchmod"):
            os.fchmod(descriptor, 0o600)
        return open(descriptor, "a", encoding=self.encoding)  # noqa: PTH123 - a descriptor; the handler closes it


class _Terminal(logging.StreamHandler[TextIO]):
    """Writes to whatever stderr is now: a progress bar replaces it for a while."""

    def __init__(self) -> None:
        logging.Handler.__init__(self)

    @property
    def stream(self) -> TextIO:  # type: ignore[override]  # a property in place of an attribute
        return sys.stderr


@contextlib.contextmanager
def to_terminal(level: str = "info") -> Iterator[Logs]:
    """Log to stderr while entered, structlog and the standard library's logging alike; what was set up before returns after.

    Raises ValueError for a level that there is not.
    """
    if level not in LEVELS:
        raise ValueError(f"{level!r} is no level; write one of {', '.join(LEVELS)}")
    number = logging.getLevelNamesMapping()[level.upper()]
    root, before = logging.getLogger(), structlog.get_config() if structlog.is_configured() else None
    old_level, old_handlers = root.level, list(root.handlers)
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            *_shared(),
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=False,
    )
    root.setLevel(number)
    root.handlers = []
    logging.captureWarnings(True)
    logs = Logs(number)
    try:
        logs.add(_Terminal(), *([] if level == "debug" else [_last_line]), _readable())
        yield logs
    finally:
        logging.captureWarnings(False)
        for handler in logs.handlers:
            handler.close()
        root.handlers = old_handlers
        root.setLevel(old_level)
        structlog.reset_defaults()
        if before is not None:
            structlog.configure(**before)


def mask_secrets(_logger: object, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Replace what looks like a secret: values under telling keys, `Secret` objects, and `token=...` inside of texts."""
    for key, value in event.items():
        if not key.startswith("_"):  # structlog's own, which never leave the process
            event[key] = _masked(key, value, 0)
    return event


def scrub(text: str) -> str:
    """Return a text with what looks like a secret in it masked: `token=...`, `Bearer ...`."""
    return _INLINE.sub(rf"\g<name>{MASK}", text)


def _masked(key: str, value: Any, depth: int) -> Any:
    if isinstance(value, Secret) or (isinstance(value, str | bytes) and _TELLING.search(key)):
        return MASK
    if isinstance(value, str):
        return scrub(value)
    if depth >= _DEEPEST:
        return value
    if isinstance(value, Mapping):
        return {inner: _masked(str(inner), item, depth + 1) for inner, item in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [_masked(key, item, depth + 1) for item in value]
    return value


def _shared() -> list[Any]:
    return [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.PositionalArgumentsFormatter(),
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]


def _last_line(_logger: object, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Keep the last line of a traceback: the whole of it is in the file."""
    if event.get("exception"):
        event["error"] = str(event.pop("exception")).rstrip().rsplit("\n", 1)[-1]
    return event


def _formatter(*renderers: Any) -> logging.Formatter:
    # Exceptions become text before the masking: a vendor's message may quote the request with its key.
    return structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=[*_shared(), structlog.stdlib.ExtraAdder()],
        processors=[
            structlog.stdlib.ProcessorFormatter.remove_processors_meta,
            structlog.processors.StackInfoRenderer(),
            structlog.processors.format_exc_info,
            mask_secrets,
            *renderers,
        ],
    )


def _readable() -> Any:
    return structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty(), exception_formatter=structlog.dev.plain_traceback)

"""An error that nobody foresaw: one sentence for the person, the traceback for whoever mends it."""

from __future__ import annotations

import os
import traceback
from pathlib import Path

from ml4t.live.logs import scrub

_NAME = "crash.log"


def report_crash(error: BaseException) -> str:
    """Append the traceback to the crash log and return the sentence that says where it is."""
    text = scrub("".join(traceback.format_exception(error)))
    summary = scrub(f"{type(error).__name__}: {error}").rstrip(": ")
    try:
        path = _append(text)
    except OSError:
        return f"{text}\nThis should not have happened: {summary}"
    return f"This should not have happened: {summary}. The traceback is at the end of {path}"


def crash_log() -> Path:
    """Return where tracebacks go: `$XDG_STATE_HOME`, or `~/.local/state`."""
    home = os.environ.get("XDG_STATE_HOME")
    return (Path(home) if home else Path.home() / ".local" / "state") / "ml4t-live" / _NAME


def _append(text: str) -> Path:
    path = crash_log()
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    with os.fdopen(descriptor, "a", encoding="utf-8", errors="backslashreplace") as file:
        file.write(f"{text}\n")
    return path

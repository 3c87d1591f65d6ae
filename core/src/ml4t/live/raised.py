"""Says in one line what somebody else's code raised, and where."""

from __future__ import annotations

import os
import traceback
from collections.abc import Sequence
from pathlib import Path

_CORE = os.fspath(Path(__file__).parent) + os.sep
_LIBRARY = os.fspath(Path(os.__file__).parent) + os.sep
_INSTALLED = ("site-packages", "dist-packages")
"""Folders inside of the standard library's that are not the standard library."""


def describe(error: BaseException) -> str:
    """Return the type and the text of an exception on one line."""
    try:
        # The text of a SyntaxError ends with the place, in a shape of its own.
        text = " ".join(str(error.msg if isinstance(error, SyntaxError) else error).split())
    except Exception:  # noqa: BLE001 - the text of somebody else's exception is somebody else's code
        text = ""
    kind = type(error).__name__
    return f"{kind}: {text}" if text else kind


def their_place(error: BaseException) -> str:
    """Return `file:line in function` of the deepest frame that is neither core's nor the standard library's, or nothing.

    Who calls `float("x")` is to be told where, and who passes core a wrong argument as well. Of a SyntaxError it is the line
    that cannot be read.
    """
    if isinstance(error, SyntaxError) and error.filename:
        return f"{error.filename}:{error.lineno}"
    return _words([frame for frame in traceback.extract_tb(error.__traceback__) if _is_theirs(frame.filename)])


def place(error: BaseException) -> str:
    """Return where an exception came from: `their_place`, or the deepest frame of core; empty for what was never raised."""
    return their_place(error) or _words(traceback.extract_tb(error.__traceback__))


def describe_with_place(error: BaseException) -> str:
    """Return `type: text (at file:line in function)` on one line; of an exception group, that of each in it."""
    if isinstance(error, BaseExceptionGroup):
        return "; ".join(describe_with_place(each) for each in error.exceptions)
    return f"{describe(error)} (at {where})" if (where := place(error)) else describe(error)


def _words(frames: Sequence[traceback.FrameSummary]) -> str:
    return f"{frames[-1].filename}:{frames[-1].lineno} in {frames[-1].name}" if frames else ""


def _is_theirs(filename: str) -> bool:
    if filename.startswith(("<", _CORE)):  # generated code, such as the __init__ of an attrs class, has no file
        return False
    return not filename.startswith(_LIBRARY) or any(folder in filename for folder in _INSTALLED)

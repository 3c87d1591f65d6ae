"""Says in one line what somebody else's code raised, and where."""

from __future__ import annotations

import os
import traceback
from pathlib import Path

_CORE = os.fspath(Path(__file__).parent) + os.sep
_LIBRARY = os.fspath(Path(os.__file__).parent) + os.sep
_INSTALLED = ("site-packages", "dist-packages")
"""Folders inside of the standard library's that are not the standard library."""


def describe(error: BaseException) -> str:
    """Return the type and the text of an exception on one line."""
    try:
        text = " ".join(str(error).split())
    except Exception:  # noqa: BLE001 - the text of somebody else's exception is somebody else's code
        text = ""
    kind = type(error).__name__
    return f"{kind}: {text}" if text else kind


def place(error: BaseException) -> str:
    """Return `file:line in function` of the code to mend, empty when nobody knows.

    That is the deepest frame that is neither core's nor the standard library's: who calls `float("x")` is to be told where, and
    who passes core a wrong argument as well. When there is none it is the deepest frame. Of a SyntaxError it is the line that
    cannot be read.
    """
    if isinstance(error, SyntaxError) and error.filename:
        return f"{error.filename}:{error.lineno}"
    frames = traceback.extract_tb(error.__traceback__)
    theirs = [frame for frame in frames if _is_theirs(frame.filename)] or frames
    return f"{theirs[-1].filename}:{theirs[-1].lineno} in {theirs[-1].name}" if theirs else ""


def describe_with_place(error: BaseException) -> str:
    """Return `type: text (at file:line in function)` on one line; of an exception group, that of each in it."""
    if isinstance(error, BaseExceptionGroup):
        return "; ".join(describe_with_place(each) for each in error.exceptions)
    text = error.msg if isinstance(error, SyntaxError) else ""  # its own text ends with the place, in another shape
    said = f"{type(error).__name__}: {text}" if text else describe(error)
    return f"{said} (at {where})" if (where := place(error)) else said


def _is_theirs(filename: str) -> bool:
    if filename.startswith(("<", _CORE)):  # generated code, such as the __init__ of an attrs class, has no file
        return False
    return not filename.startswith(_LIBRARY) or any(folder in filename for folder in _INSTALLED)

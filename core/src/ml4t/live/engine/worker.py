"""The process of a heavy model: `python -m ml4t.live.engine.worker`, driven over its standard input and output.

Messages are pickles with their length before them, between two processes of one user. The first ones bring the import path and
the forecaster, and are answered once it is there; every other is a request. An answer is `(True, answer)` or
`(False, (type, text))`.
"""

from __future__ import annotations

import asyncio
import inspect
import os
import pickle
import sys
from typing import Any, BinaryIO

LENGTH = 8
"""Bytes of the length of a message."""


def frame(message: object) -> bytes:
    """Return a message with its length before it."""
    body = pickle.dumps(message)
    return len(body).to_bytes(LENGTH, "big") + body


def read(stream: BinaryIO) -> Any:
    """Return the next message. Raises EOFError when there is none."""
    size = stream.read(LENGTH)
    if len(size) < LENGTH:
        raise EOFError
    return pickle.loads(stream.read(int.from_bytes(size, "big")))  # noqa: S301 - from the process that started this one


def answer(forecaster: Any, request: Any) -> tuple[bool, Any]:
    """Return what the forecaster says, or what it raises."""
    try:
        said = forecaster.forecast(request)
        return True, asyncio.run(_awaited(said)) if inspect.isawaitable(said) else said
    except (Exception, SystemExit) as error:  # noqa: BLE001 - told to who asked
        return False, (type(error).__name__, str(error))


async def _awaited(said: Any) -> Any:
    return await said


def main() -> None:
    """Answer requests until the input ends."""
    requests = sys.stdin.buffer
    with os.fdopen(os.dup(1), "wb") as answers:
        os.dup2(2, 1)  # what the model prints is no message
        sys.path[:] = read(requests)
        forecaster = read(requests)
        _send(answers, (True, None))
        while True:
            try:
                request = read(requests)
            except EOFError:
                return
            _send(answers, answer(forecaster, request))


def _send(answers: BinaryIO, said: tuple[bool, Any]) -> None:
    try:
        message = frame(said)
    except Exception as error:  # noqa: BLE001 - an answer that cannot leave the process
        message = frame((False, (type(error).__name__, f"its answer cannot be sent: {error}")))
    answers.write(message)
    answers.flush()


if __name__ == "__main__":
    main()

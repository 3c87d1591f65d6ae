"""The broker of a strategy whose questions and answers go on a tape."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from ml4t.live.tape.frames import ASK, pack
from ml4t.live.tape.questions import ANSWERS, PROPERTIES, bound, pack_arguments
from ml4t.live.tape.tape import Tape


class TapedBroker:
    """Asks `broker`, and notes every question with its answer on the tape.

    What is not public is handed through, and ends the tape: nobody could answer it again.
    """

    def __init__(self, broker: Any, tape: Tape) -> None:
        self._broker = broker
        self._tape = tape

    def __getattr__(self, name: str) -> Any:
        if name not in ANSWERS:
            found = getattr(self._broker, name)
            self._tape.give_up(f"the strategy uses broker.{name}, which is not for strategies and cannot be answered again")
            return found
        ask = partial(self._ask, name, bound(self._broker, name))
        if name in PROPERTIES:
            return ask()
        self.__dict__[name] = ask
        return ask

    def _ask(self, name: str, call: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        asked = pack_arguments(args, kwargs)
        try:
            answer = call(*args, **kwargs)
        except Exception as error:
            self._note(name, asked, type(error).__name__, str(error))
            raise
        self._note(name, asked, "", answer)
        return answer

    def _note(self, name: str, asked: bytes, raised: str, answer: Any) -> None:
        try:
            packed = pack(answer)  # at once: the strategy may change what it is handed
        except Exception as error:  # noqa: BLE001 - the strategy gets its answer whatever the tape can hold
            self._tape.give_up(f"the answer to {name}: {error}")
        else:
            self._tape.note((ASK, name, asked, raised, packed))

"""One run again: its strategy is called as the tape has it, and asks a broker that answers as the tape has it."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from datetime import datetime
from functools import partial
from typing import Any

from attrs import define, field

from ml4t.live.contracts.market import KeepsBars
from ml4t.live.market import MarketState
from ml4t.live.model import Forecast
from ml4t.live.parity.divergence import Divergence
from ml4t.live.parity.evidence import Evidence
from ml4t.live.sessions import calendar_of
from ml4t.live.tape import TapeDamaged, TapeReader
from ml4t.live.tape.frames import Frame, Kind, context_of, event_of, time_of, unpack
from ml4t.live.tape.questions import (
    ANSWERS,
    DECISIONS,
    PROPERTIES,
    SUBMISSIONS,
    orders_in,
    pack_arguments,
    shown_call,
    unpack_answer,
)

_BEFORE = 8
_Forecasts = dict[str, tuple[Forecast, ...]]


@define
class RunReplay:
    """What the replay of one run found; `divergence` is None when everything was the same."""

    calls: int = 0
    questions: int = 0
    orders: int = 0
    divergence: Divergence | None = None
    cut: bool = False
    """The tape ends within a call, of which nothing is said."""
    beyond: int = 0
    """Orders of the journal from after the end of a tape whose run was killed: their calls did not get onto it."""


class Diverged(BaseException):
    """Ends a strategy's call: no `except Exception` of a strategy may keep it."""


class TapeEnds(BaseException):
    """Ends a call of which the tape has only the beginning."""


@define
class _Call:
    """The call that the strategy is in."""

    hook: str
    timestamp: datetime | None
    handed: bytes
    asked: list[str] = field(factory=list)


class Replay:
    """Replays a tape with a `strategy`; `evidence` is the journal's word on the run.

    The tape is read once, from its beginning to its end or to the first divergence: what would follow is of another history.
    """

    def __init__(self, tape: TapeReader, strategy: Any, evidence: Evidence) -> None:
        about = tape.run or {}
        self._frames: Iterator[Frame] = iter(tape)
        self._strategy = strategy
        self._evidence = evidence
        self._market = MarketState(about["history"], about["candles"], calendar_of(about["calendar"]))
        self._past = self._market
        if isinstance(strategy, KeepsBars):
            strategy.candles_for(about.get("bars"), about["history"])
        self._broker = TapeBroker(self._answer)
        self._tape = tape
        self._until = 0
        self._call: _Call | None = None
        self.result = RunReplay()

    def run(self) -> RunReplay:
        """Return what was found. Raises TapeDamaged for a tape whose frames make no sense."""
        try:
            with contextlib.suppress(TapeEnds):
                for frame in self._frames:
                    self._take(frame)
            self._compare_rest()
        except Diverged:
            pass  # noted where it was raised
        return self.result

    # ------------------------------------------------------------------ frames

    def _take(self, frame: Frame) -> None:
        """Do what a frame between two calls says."""
        if frame[0] == Kind.CALL:
            self._replay_call(frame)
        elif not self._happened(frame):
            raise TapeDamaged(
                f"{self._tape.path}: the strategy used its broker outside of its calls; a session is replayed call by call"
            )

    def _happened(self, frame: Frame) -> bool:
        """Let the market take in what a frame tells of it; return False for a frame that tells of something else."""
        kind = frame[0]
        if kind == Kind.EVENT:
            self._market.apply(*event_of(frame))
        elif kind == Kind.PAST:
            self._past.apply(*event_of(frame))
        elif kind == Kind.REMEMBER:
            self._market.remember(frame[1], frame[2])
        elif kind == Kind.SLEEP:
            self._past = self._market.sleeping()
        elif kind == Kind.INHERIT:
            self._market.inherit(self._past)
        else:
            return bool(kind == Kind.STARTED)
        return True

    def _next(self) -> Frame:
        """Return the next question or return of the call under way, letting the market go on as it did meanwhile."""
        for frame in self._frames:
            if not self._happened(frame):
                return frame
        self.result.cut = True
        raise TapeEnds

    # ------------------------------------------------------------------ calls

    def _replay_call(self, frame: Frame) -> None:
        _, hook, timestamp, packed, _ = frame
        self._call = call = _Call(hook, timestamp and time_of(timestamp), packed)
        raised = self._raised(call)
        if self.result.divergence is not None:
            raise Diverged
        if self.result.cut:
            raise TapeEnds
        said = self._next()
        if said[0] != Kind.RETURN:
            self._diverge(_kind(said), shown_call(said[1], said[2]), _returned(raised))
        if said[1] != raised:
            self._diverge("return", _returned(said[1]), _returned(raised))
        self._until = said[2]
        self._compare(self._evidence.returned(self._until))
        self._call = None
        self.result.calls += 1

    def _raised(self, call: _Call) -> str:
        """Call the strategy; return the type of what it raises, empty when it returns."""
        try:
            if call.hook == "on_data":
                data, context = unpack(call.handed)
                context = {"market": self._market, **context_of(context)}
                self._strategy.on_data(call.timestamp, data, context, self._broker)
            else:
                getattr(self._strategy, call.hook)(self._broker)
        except (Diverged, TapeEnds, KeyboardInterrupt):
            raise
        except BaseException as error:  # noqa: BLE001 - whatever it raised then, it has to raise again
            return type(error).__name__
        return ""

    def _answer(self, name: str, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """Answer a question as it was answered then, when it is the question that was asked then."""
        call = self._call
        if self.result.divergence is not None:
            raise Diverged
        if call is None:
            raise RuntimeError("the broker answers within a call of the strategy; here it was asked outside of one")
        asked = pack_arguments(args, kwargs)
        then = self._next()
        now = shown_call(name, asked)
        what = "decision" if name in DECISIONS else "question"
        if then[0] == Kind.RETURN:
            self._diverge(what, _returned(then[1]), now)
        if (then[1], then[2]) != (name, asked):
            self._diverge(_kind(then) if what == "question" else what, shown_call(then[1], then[2]), now)
        self.result.questions += 1
        call.asked.append(now)
        if then[3]:
            raise raised_then(then[3], unpack(then[4]))
        answer = unpack_answer(name, then[4])
        if name in SUBMISSIONS:
            self._decided(answer)
        return answer

    def _decided(self, answer: Any) -> None:
        orders = orders_in(answer)
        self.result.orders += len(orders)
        self._compare(self._evidence.decided(orders))

    def _compare(self, difference: tuple[str, str] | None) -> None:
        if difference is not None:
            self._diverge("journal", *difference)

    def _compare_rest(self) -> None:
        """Look for orders of the journal that nobody decided on, as far as the tape goes."""
        evidence = self._evidence
        untold = evidence.untold(evidence.last if self._tape.ended else self._until)
        self._compare((untold[0], "no such decision") if untold else None)
        self.result.beyond = len(evidence.untold(evidence.last))

    def _diverge(self, what: str, session: str, replay: str) -> None:
        call, number = self._call, self.result.calls + 1
        if call is None:
            self.result.divergence = Divergence(what, session, replay)
        else:
            when = "" if call.timestamp is None else call.timestamp.isoformat()
            data = unpack(call.handed)[0] or {}
            before = tuple(call.asked[-_BEFORE:])
            self.result.divergence = Divergence(what, session, replay, number, call.hook, when, data, before)
        raise Diverged


class TapeBroker:
    """The broker of a replay: it has what a strategy's broker has, and every answer is that of the session."""

    def __init__(self, answer: Callable[[str, tuple[Any, ...], dict[str, Any]], Any]) -> None:
        self._answer = answer

    def __getattr__(self, name: str) -> Any:
        if name not in ANSWERS:
            raise AttributeError(f"a strategy's broker has no {name}")
        return self._answer(name, (), {}) if name in PROPERTIES else partial(self._asked, name)

    def _asked(self, name: str, *args: Any, **kwargs: Any) -> Any:
        return self._answer(name, args, kwargs)


def raised_then(name: str, text: str) -> Exception:
    """Return the exception that a broker raised then: of a built-in type or of the framework's, else one of that name."""
    import builtins  # noqa: PLC0415 - hardly ever needed

    from ml4t.live import errors  # noqa: PLC0415

    kind = getattr(errors, name, None) or getattr(builtins, name, None)
    if isinstance(kind, type) and issubclass(kind, Exception):
        try:
            return kind(text)
        except TypeError:
            pass  # it takes more than a text
    made: Exception = type(name, (Exception,), {})(text)
    return made


def _kind(asked: Frame) -> str:
    return "decision" if asked[1] in DECISIONS else "question"


def _returned(raised: str) -> str:
    return f"it raised {raised}" if raised else "it returned"

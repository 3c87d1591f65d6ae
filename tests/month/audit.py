"""The audit of a month: what the journal tells is set against what the market was and what the rules say."""

from __future__ import annotations

import json
import math
from bisect import bisect_left
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from typing import Any

import attrs
from crew import crew
from month import BEGINS, STOPPED, Outcome
from rules import due
from street import HOUR, SECOND, START, SYMBOLS, trading_time

from ml4t.live.clock import SystemClock
from ml4t.live.journal import TrackedForecast, verify
from ml4t.live.model import Direction, Family, Forecast, ForecastState, Resolution
from ml4t.live.report.reader import ReportReader
from ml4t.live.report.summary import SessionSummary, summarise

NEAR = 1e-9
"""How far a score may be from what is reckoned anew, relative to it."""
NEWEST = 1_000
"""Forecasts in the file for people."""


@attrs.frozen
class Told:
    """What the journal tells, read once."""

    outcome: Outcome
    records: list[Any]
    forecasts: dict[str, TrackedForecast]
    orders: list[Any]
    summary: SessionSummary

    def of(self, kind: str) -> Iterator[Any]:
        """Iterate over the records of a kind."""
        return (record for record in self.records if record.kind == kind)


def read(outcome: Outcome) -> Told:
    """Read the journal of a month."""
    with ReportReader(outcome.journal) as reader:
        forecasts = {each.forecast.forecast_id: each for each in reader.forecasts()}
        return Told(outcome, list(reader.records()), forecasts, reader.orders(), summarise(reader))


def audit(outcome: Outcome) -> list[str]:
    """Return what is wrong with a month, in words."""
    told_ = read(outcome)
    faults = [f"the journal is damaged: {each}" for each in verify(outcome.journal)]
    for part in (firings, answers, courses, prices, scores, report, files):
        faults += part(told_)
    return faults


# ------------------------------------------------------------------ firings


def _unwatched(outcome: Outcome) -> list[tuple[int, int]]:
    """Return the stretches in which nobody ran, or what was done is gone: up to the first data of the next process."""
    first = [next(moment for moment in outcome.market.times if moment > begin) for begin in BEGINS]
    return [(START - 1, first[0]), (STOPPED, first[1]), (outcome.cut_at - outcome.market.step, first[2])]


def firings(told_: Told) -> Iterator[str]:
    """Every firing that the rules ask for is there once, is held back for its reason, or was missed while nobody ran."""
    outcome, holes = told_.outcome, _unwatched(told_.outcome)
    fired = Counter((r.body["trigger"], r.body["symbol"], r.body["time"]) for r in told_.of("firing"))
    held = Counter(
        (r.body["trigger"], r.body["symbol"], r.body["time"], r.body["suppressed_by"]) for r in told_.of("suppressed")
    )
    yield from (f"{key} fired {count} times" for key, count in fired.items() if count > 1)
    yield from (f"{key} was held back {count} times" for key, count in held.items() if count > 1)
    missed = [(r.body["trigger"], r.body["symbol"], r.body["first"], r.body["last"]) for r in told_.of("missed")]
    wanted: dict[tuple[str, str], list[int]] = defaultdict(list)
    for each in due(outcome.market, START - 1, outcome.ended):
        key = (each.trigger, each.symbol, each.moment)
        in_hole = any(since <= each.moment <= until for since, until in holes)
        if each.held_back:
            there = held.pop((*key, each.held_back), 0)
            if not there and not in_hole:
                yield f"{key} is not recorded as held back by {each.held_back}"
            continue
        wanted[each.trigger, each.symbol].append(each.moment)
        was_missed = any(m[:2] == key[:2] and m[2] <= each.moment <= m[3] for m in missed)
        if was_missed and not in_hole:
            yield f"{key} is said to be missed, while somebody ran"
        if not fired.pop(key, 0) and not was_missed:
            yield f"{key} is nowhere"
    for record in told_.of("missed"):
        body = record.body
        count = sum(body["first"] <= at <= body["last"] for at in wanted[body["trigger"], body["symbol"]])
        if count != body["count"]:
            yield f"{body} says {body['count']} were missed, and it were {count}"
    yield from (f"{key} fired, and should not" for key in fired if key[0] != "by hand")
    yield from (f"{key} was held back, and should not be there" for key in held)
    by_hand = Counter(record.body["reason"] for record in told_.of("by_hand") if record.body["outcome"] == "fired")
    hands = sum(1 for key in fired if key[0] == "by hand")
    if sorted(by_hand.values()) != [1, 1, 1, 1] or hands != 4:
        yield f"fired by hand: {by_hand}, {hands} firings"


# ------------------------------------------------------------------ answers


def answers(told_: Told) -> Iterator[str]:
    """Every firing has led, for every agent that listens, to an answer of one kind for all symbols, or to words why not."""
    firsts = {until for _, until in _unwatched(told_.outcome)}
    said: dict[tuple[str, str], Counter[str]] = defaultdict(Counter)
    spoken: dict[tuple[str, str], set[str]] = defaultdict(set)
    for each in told_.forecasts.values():
        said[each.forecast.model, each.forecast.cause]["answer"] += 1
        spoken[each.forecast.model, each.forecast.cause].add(each.forecast.symbol)
    for order in told_.orders:
        said[order.strategy, order.cause]["answer"] += 1
        spoken[order.strategy, order.cause].add(order.symbol)
    for record in told_.of("declined"):
        key = (record.subject, record.body["firing"])
        said[key]["silent" if "symbols" in record.body else "declined"] += 1
        spoken[key] |= set(record.body.get("symbols", ()))
    for record in told_.of("error"):
        said[record.subject.removeprefix("forecaster "), record.body.get("firing", "")]["failed"] += 1
    for record in told_.of("weight"):
        said[record.body["by"], record.body["firing"]]["weight"] += 1
    for record in told_.of("firing"):
        firing = record.body
        for spec in crew(SystemClock()):  # type: ignore[arg-type]  # nobody is asked
            if firing["trigger"] not in spec.on:
                continue
            key = (spec.name, firing["firing_id"])
            kinds = said.pop(key, Counter())
            if not _one_kind(kinds):
                yield f"{spec.name} was asked by {firing['firing_id']}, and what is there is {dict(kinds)}"
            asked = set(spec.symbols) or ({firing["symbol"]} if firing["symbol"] else set(SYMBOLS))
            priced = record.time not in firsts  # with the first data of a process not every symbol has a price
            if (kinds["answer"] or kinds["silent"]) and (spoken[key] - asked or (spoken[key] != asked and priced)):
                yield f"{spec.name} spoke of {len(spoken[key])} of {len(asked)} symbols at {firing['firing_id']}"
    yield from (f"{key} answers no firing: {dict(kinds)}" for key, kinds in said.items())


def _one_kind(kinds: Counter[str]) -> bool:
    """Return whether it is an answer, or one refusal, or one failure, or weights; an answer may be silent of some symbols."""
    found = (kinds["answer"] or kinds["silent"], kinds["declined"], kinds["failed"], kinds["weight"])
    return sum(map(bool, found)) == 1 and max(kinds["silent"], kinds["declined"], kinds["failed"]) <= 1


# ------------------------------------------------------------------ forecasts


def courses(told_: Told) -> Iterator[str]:
    """Every forecast has one record, and one of its end unless it is open."""
    records = Counter((record.kind, record.subject) for record in told_.records if record.kind in {"forecast", "resolution"})
    yield from (f"{kind} of {subject} is there {count} times" for (kind, subject), count in records.items() if count > 1)
    for forecast_id, each in told_.forecasts.items():
        closed = each.state is not ForecastState.OPEN
        if not records["forecast", forecast_id] or bool(records["resolution", forecast_id]) != closed:
            yield f"{forecast_id} is {each.state}, and its records say something else"
    for kind, subject in records:
        if subject not in told_.forecasts:
            yield f"the {kind} {subject} is a record only"


def prices(told_: Told) -> Iterator[str]:
    """Every forecast starts from the price of its moment, and ends with the first price at or after its horizon."""
    outcome = told_.outcome
    ended_at = {record.subject: record.seq for record in told_.of("resolution")}
    tapes = {symbol: list(_heard(outcome, symbol)) for symbol in SYMBOLS}
    for forecast_id, each in told_.forecasts.items():
        forecast, tape = each.forecast, tapes[each.forecast.symbol]
        seen = _at(tape, forecast.reference_time)
        if seen != forecast.reference_price or forecast.reference_time > forecast.issued_at:
            yield f"{forecast_id} starts from {forecast.reference_price}, and the price was {seen}"
        committed = ended_at.get(forecast_id, outcome.cut + 1) <= outcome.cut
        lost = (outcome.cut_at, BEGINS[2])
        holes = [(STOPPED, BEGINS[1])] if committed else [(STOPPED, BEGINS[1]), lost]
        holes = [hole for hole in holes if hole[1] > forecast.issued_at]
        expected = _first(tape, forecast.due, holes)
        if not committed and expected is not None and _torn(outcome, forecast.symbol, expected[0]):
            expected = _first(tape, forecast.due, [*holes, (expected[0] - 1, BEGINS[2])])
        yield from _ended(each, expected)


def _torn(outcome: Outcome, symbol: str, moment: int) -> bool:
    """Return whether the last commit before the kill may have been made before a price of then came."""
    same = outcome.cut_at - SECOND <= moment <= outcome.cut_at
    return same or (moment <= outcome.cut_at and outcome.market.comes_late(symbol, moment, outcome.cut_at))


def _heard(outcome: Outcome, symbol: str) -> Iterator[tuple[int, float]]:
    for moment, price, _, _ in outcome.market.tape(symbol):
        yield moment, price


def _at(tape: list[tuple[int, float]], moment: int) -> float | None:
    place = bisect_left(tape, (moment, 0.0))
    return tape[place][1] if place < len(tape) and tape[place][0] == moment else None


def _first(tape: list[tuple[int, float]], due_at: int, holes: list[tuple[int, int]]) -> tuple[int, float] | None:
    for moment, price in tape[bisect_left(tape, (due_at, 0.0)) :]:
        if not any(since < moment <= until for since, until in holes):
            return moment, price
    return None


def _ended(each: TrackedForecast, expected: tuple[int, float] | None) -> Iterator[str]:
    forecast, outcome = each.forecast, each.resolution
    if expected is None or outcome is None:
        if (expected is None) != (outcome is None):
            yield f"{forecast.forecast_id}, due {forecast.due}, is {each.state}, and the price is {expected}"
        return
    moment, price = expected
    late = trading_time(forecast.due, moment) > max(HOUR, forecast.horizon // 10)
    state = ForecastState.LATE if late else ForecastState.RESOLVED
    if (outcome.price_time, outcome.price, outcome.state) != (moment, price, state):
        said = (outcome.price_time, outcome.price, outcome.state)
        yield f"{forecast.forecast_id} of {forecast.model}, due {forecast.due}, ended {said}, not {(moment, price, state)}"


# ------------------------------------------------------------------ scores


def scores(told_: Told) -> Iterator[str]:
    """The scores of every model follow from its forecasts and the prices, by the definitions."""
    lines = {(line.model, line.horizon): line for line in told_.summary.models if line.issued}
    groups: dict[tuple[str, int], list[TrackedForecast]] = defaultdict(list)
    for each in told_.forecasts.values():
        groups[each.forecast.model, each.forecast.horizon].append(each)
    if lines.keys() != groups.keys():
        yield f"the scores are of {sorted(lines)}, the forecasts of {sorted(groups)}"
    for key in lines.keys() & groups.keys():
        line, wanted = lines[key], _reckoned(groups[key])
        for name, value in wanted.items():
            shown = getattr(line, name)
            same = (
                shown == value
                if value is None or isinstance(value, int)
                else math.isclose(shown, value, rel_tol=NEAR, abs_tol=1e-12)
            )
            if not same:
                yield f"the {name} of {key} is {shown}, and should be {value}"


def _same(shown: float | None, value: float | None) -> bool:
    if shown is None or value is None:
        return shown is value
    return math.isclose(shown, value, rel_tol=NEAR, abs_tol=1e-12)


def _reckoned(group: list[TrackedForecast]) -> dict[str, float | int | None]:
    states = Counter(each.state for each in group)
    done = [(each.forecast, each.resolution) for each in group if each.state is ForecastState.RESOLVED and each.resolution]
    points = [(f, r) for f, r in done if f.price is not None]
    errors = [abs(r.price - f.price) / f.reference_price for f, r in points]
    naive = [abs(r.price - f.reference_price) / f.reference_price for f, r in points]
    said = [(f, f.direction is _went(f, r)) for f, r in done if f.direction is not None]
    hits = [float(hit) for _, hit in said]
    brier = [(f.confidence - hit) ** 2 for f, hit in said if f.confidence is not None]
    pinball = [_pinball(f, r) for f, r in done if f.quantiles]
    crps = [_crps(f, r) for f, r in done if f.samples or f.distribution]
    return {
        "issued": len(group),
        "open": states[ForecastState.OPEN],
        "resolved": states[ForecastState.RESOLVED],
        "late": states[ForecastState.LATE],
        "unresolvable": states[ForecastState.UNRESOLVABLE],
        "mean_absolute_error": _mean(errors),
        "naive_error": _mean(naive),
        "hit_rate": _mean(hits),
        "brier": _mean(brier),
        "pinball": _mean(pinball),
        "crps": _mean(crps),
        **({"skill": 1 - sum(errors) / sum(naive)} if sum(naive) else {}),
    }


def _mean(values: Iterable[float]) -> float | None:
    listed = list(values)
    return math.fsum(listed) / len(listed) if listed else None


def _went(forecast: Forecast, outcome: Resolution) -> Direction:
    change = outcome.price / forecast.reference_price - 1
    return Direction.SIDEWAYS if abs(change) < 0.0005 else Direction.UP if change > 0 else Direction.DOWN


def _pinball(forecast: Forecast, outcome: Resolution) -> float:
    misses = [max(level * (outcome.price - q), (level - 1) * (outcome.price - q)) for level, q in forecast.quantiles.items()]
    return math.fsum(misses) / len(misses) / forecast.reference_price


def _crps(forecast: Forecast, outcome: Resolution) -> float:
    """The mean distance to the price less half the mean distance of two draws; of a formula, by its integral in closed form."""
    price, unit = outcome.price, forecast.reference_price
    if forecast.samples:
        n, samples = len(forecast.samples), forecast.samples
        spread = math.fsum(abs(a - b) for a in samples for b in samples) / (2 * n * n)
        return (math.fsum(abs(each - price) for each in samples) / n - spread) / unit
    place, scale = forecast.distribution.location, forecast.distribution.scale
    if forecast.distribution.family is Family.NORMAL:
        z = (price - place) / scale
        return (
            scale
            * (z * math.erf(z / math.sqrt(2)) + math.sqrt(2 / math.pi) * math.exp(-z * z / 2) - 1 / math.sqrt(math.pi))
            / unit
        )
    z = (math.log(price) - place) / scale
    below, mean = _normal(z), math.exp(place + scale * scale / 2)
    return (price * (2 * below - 1) - 2 * mean * (_normal(z - scale) + _normal(scale / math.sqrt(2)) - 1)) / unit


def _normal(z: float) -> float:
    return math.erfc(-z / math.sqrt(2)) / 2


# ------------------------------------------------------------------ what people see


def report(told_: Told) -> Iterator[str]:
    """The summary says what the records say."""
    summary = told_.summary
    shown = {line["trigger"]: (line["count"], line["suppressed"]) for line in summary.firings}
    fired = Counter(record.body["trigger"] for record in told_.of("firing"))
    held = Counter(record.body["trigger"] for record in told_.of("suppressed"))
    if shown != {name: (fired[name], held[name]) for name in fired | held}:
        yield f"the summary shows {shown} firings, and there were {fired}, {held} held back"
    errors = Counter(record.subject for record in told_.of("error"))
    if {line["component"]: line["count"] for line in summary.errors} != errors:
        yield f"the summary shows {summary.errors}, and there were {errors}"
    if dict(summary.orders) != Counter(order.state.value for order in told_.orders):
        yield f"the summary shows {summary.orders}"
    declined = Counter(record.subject for record in told_.of("declined"))
    models = {line.model: line.declined for line in summary.models}
    if models != {name: declined[name] for name in models} or declined.keys() - models.keys():
        yield f"the summary shows {models} declined, and there were {declined}"
    holes = Counter((record.subject, record.body["reason"]) for record in told_.of("gap"))
    if {(line["symbol"], line["reason"]): line["count"] for line in summary.gaps} != holes:
        yield "the summary shows other holes than there were"
    if (summary.run.runs, summary.run.ended) != (3, "the data ended"):
        yield f"the summary shows {summary.run.runs} runs, the last of which ended because {summary.run.ended}"


def files(told_: Told) -> Iterator[str]:
    """The files for people say what the journal says."""
    folder = told_.outcome.journal.parent
    results, metrics, state = (
        json.loads((folder / f"{name}.json").read_text())
        for name in ("forecast_results", "performance_metrics", "current_state")
    )
    newest = list(told_.forecasts.values())[-NEWEST:]
    shown = [(each["forecast_id"], each["state"], each["actual_price"]) for each in results]
    if shown != [(e.forecast.forecast_id, e.state.value, e.resolution.price if e.resolution else None) for e in newest]:
        yield "forecast_results.json is not the newest forecasts"
    models = Counter(each.forecast.model for each in told_.forecasts.values())
    if {name: each["issued"] for name, each in metrics["models"].items()} != models:
        yield f"performance_metrics.json has {metrics['models']}"
    if metrics["trigger_counts"] != Counter(record.body["trigger"] for record in told_.of("firing")):
        yield f"performance_metrics.json has {metrics['trigger_counts']}"
    if state["forecast_count"] != len(told_.forecasts) or state["agent_status"]["crashes"] != "disabled":
        yield f"current_state.json has {state['forecast_count']} forecasts and {state['agent_status']}"
    last = {symbol: list(_heard(told_.outcome, symbol))[-1][1] for symbol in SYMBOLS}
    if {symbol: each["price"] for symbol, each in state["symbols"].items()} != last:
        yield "current_state.json has other prices than the market"

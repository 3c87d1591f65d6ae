"""Triggers on a live run: what survives a crash, what was missed, what is caught up, and what people fire by hand."""

from __future__ import annotations

import asyncio
import os
import shutil
from itertools import pairwise

import pytest
from engine_kit import HOUR, MINUTE, SECOND, START, limits, read, replay, run_list, trade

from ml4t.live import LiveEngine
from ml4t.live.config.settings import EngineSettings, MarketSettings
from ml4t.live.engine.by_hand import ByHand, TriggerFolder
from ml4t.live.engine.forecasting import ForecasterSpec
from ml4t.live.engine.triggers import TriggerSpec
from ml4t.live.journal import JournalReader, StateDir
from ml4t.live.model import Bar, Firing, Forecast, Trade
from ml4t.live.testing import run_virtual
from ml4t.live.triggers.compound import AllOf, AnyOf, Then
from ml4t.live.triggers.config import AnyConfig, WithinConfig


class Drift:
    """Fires when a price has gone two percent from where it fired last."""

    def __init__(self):
        self.start = {}

    def on_event(self, event, market):
        start = self.start.setdefault(event.symbol, event.price)
        if abs(event.price / start - 1) < 0.02:
            return None
        self.start[event.symbol] = event.price
        return Firing(reason="moved", values={"from": start, "to": event.price})

    def state(self, symbol):
        return {"start": self.start[symbol]}

    def restore(self, symbol, state):
        self.start[symbol] = state["start"]


class Hourly:
    def next_time(self, after):
        return (after // HOUR + 1) * HOUR


class Says:
    def forecast(self, request):
        return [Forecast(symbol, request.horizon, price=request.market.price(symbol)) for symbol in request.symbols]


def price_at(moment):
    """A price that climbs by half a percent a minute and falls back every hour: known at any time."""
    minute = moment // MINUTE % 60
    return 100.0 * 1.005 ** (minute if minute < 30 else 60 - minute)


class Street:
    """A live feed with a price each minute of its clock, and a history."""

    historical = False
    symbols = ("A",)

    def __init__(self, clock, minutes):
        self.clock, self.minutes = clock, minutes

    async def run(self, sink):
        for _ in range(self.minutes):
            await self.clock.sleep(60 - self.clock.now() // SECOND % 60)
            sink.push(self.at(self.clock.now() // MINUTE * MINUTE))

    async def backfill(self, symbol, start, end):
        first = -(-start // MINUTE) * MINUTE
        return [self.at(moment) for moment in range(first, end, MINUTE)]

    @staticmethod
    def at(moment):
        return Trade("A", moment, price_at(moment), 1.0)


class Quiet(Street):
    """The same without a history."""

    backfill = None


def live(folder, begin, minutes, triggers, *, feed=Street, crash_after=None, settings=None, **options):
    """Run live on virtual time from `begin`; with `crash_after` minutes, return a copy of the folder as it was then."""
    copy = folder.parent / f"{folder.name} crashed"

    async def main(clock):
        engine = LiveEngine(
            None,
            None,
            feed(clock, minutes),
            risk=limits(),
            triggers=triggers,
            state_dir=folder,
            clock=clock,
            settings=settings or EngineSettings(silence_seconds=1e6, durability="none"),
            **options,
        )
        if crash_after is None:
            await engine.run()
            return engine

        async def pull_the_plug():
            await clock.sleep(crash_after * 60 + 30)
            engine.core.journal.flush()
            shutil.rmtree(copy, ignore_errors=True)
            shutil.copytree(folder, copy, ignore=shutil.ignore_patterns("lock"))
            await engine.stop()

        await asyncio.gather(engine.run(), pull_the_plug())
        return engine

    run_virtual(main, start=begin)
    return copy if crash_after is not None else folder


def story(folder):
    return read(StateDir(folder, "shadow").journal)


def moments(told, kind="firing", trigger="drift"):
    return [body["time"] for body in told.bodies(kind) if body["trigger"] == trigger]


def expected(begin, minutes):
    """Where the drift trigger fires over a whole run, by its definition."""
    found, start = [], None
    for moment in range(-(-(begin + 1) // MINUTE) * MINUTE, begin + minutes * MINUTE + 1, MINUTE):
        price = price_at(moment)
        start = price if start is None else start
        if abs(price / start - 1) >= 0.02:
            start = price
            found.append(moment)
    return found


WARM = MarketSettings(warmup=2 * HOUR)


def test_the_definition_is_what_an_uninterrupted_run_does(tmp_path):
    told = story(live(tmp_path / "run", START, 120, [TriggerSpec("drift", Drift())]))
    assert moments(told) == expected(START, 120)
    assert len(moments(told)) > 15


@pytest.mark.parametrize("after", [1, 4, 5, 17, 30, 44, 59])
def test_a_crash_at_any_point_fires_nothing_twice_and_records_what_was_missed(tmp_path, after):
    first = live(tmp_path / "run", START, 120, [TriggerSpec("drift", Drift())], crash_after=after)
    before = story(first)
    again = START + after * MINUTE + 12 * MINUTE + 30 * SECOND
    told = story(live(first, again, 40, [TriggerSpec("drift", Drift())], market=WARM))

    whole = expected(START, after + 12 + 40)
    missed = [(body["first"], body["last"], body["count"], body["caught_up"]) for body in told.bodies("missed")]
    down = [moment for moment in whole if moment not in moments(before) and moment < again]
    assert moments(told) == [moment for moment in whole if moment not in down]
    assert missed == ([(down[0], down[-1], len(down), 0)] if down else [])


@pytest.mark.parametrize(("catch_up", "late"), [("skip", 0), ("once", 1), ("all", 99)])
def test_what_was_missed_is_caught_up_as_configured(tmp_path, catch_up, late):
    triggers = lambda: [TriggerSpec("drift", Drift(), catch_up=catch_up)]  # noqa: E731
    first = live(tmp_path / "run", START, 120, triggers(), crash_after=20)
    again = START + 50 * MINUTE + 30 * SECOND
    told = story(
        live(first, again, 5, triggers(), market=WARM, forecasters=[ForecasterSpec("says", Says(), frozenset({"drift"}))])
    )
    down = [moment for moment in expected(START, 51) if START + 20 * MINUTE < moment < again]
    assert len(down) > 3
    assert [moment for moment in moments(told) if moment in down] == (down[-late:] if late else [])
    caught = [body for body in told.bodies("forecast") if body["cause"].split(":")[-1] in {str(moment) for moment in down}]
    assert len(caught) == min(late, len(down))
    assert all(body["issued_at"] > again for body in caught), "a late forecast is no forecast of the past"


def test_without_a_history_the_memory_is_what_was_saved(tmp_path):
    first = live(tmp_path / "run", START, 120, [TriggerSpec("drift", Drift())], feed=Quiet, crash_after=20)
    told = story(live(first, START + 80 * MINUTE, 20, [TriggerSpec("drift", Drift())], feed=Quiet, market=WARM))
    fired = moments(told)
    references = [body["values"] for body in told.bodies("firing")]
    assert all(before["to"] == after["from"] for before, after in pairwise(references)), "from where it fired last, down or not"
    assert fired == sorted(set(fired))


def test_a_fresh_run_has_missed_nothing_but_is_warm(tmp_path):
    seen = []

    class Looks(Drift):
        def on_event(self, event, market):
            view = market.get(event.symbol)
            seen.append((event.event_time, len(view.prices), view.candles(MINUTE).count))
            return super().on_event(event, market)

        needs_candles = (MINUTE,)

    begin = START + 5 * HOUR + 30 * SECOND
    told = story(live(tmp_path / "run", begin, 10, [TriggerSpec("drift", Looks())], market=WARM))
    assert told.bodies("missed") == []
    first_live = next(entry for entry in seen if entry[0] > begin)
    assert first_live[1] == 121, "two hours and the first price of its own"
    assert first_live[2] == 120
    assert [body["events"] for body in told.bodies("health") if body["state"] == "warmed up"] == [120]


def test_warm_up_and_history_survive_an_orderly_restart(tmp_path):
    views = []

    class Looks(Drift):
        needs_candles = (MINUTE,)

        def on_event(self, event, market):
            views.append((len(market.get("A").prices), market.get("A").candles(MINUTE).count))
            return super().on_event(event, market)

    live(tmp_path / "run", START, 30, [TriggerSpec("drift", Looks(), warmup=25)], feed=Quiet)
    told = story(live(tmp_path / "run", START + 31 * MINUTE, 10, [TriggerSpec("drift", Looks(), warmup=25)], feed=Quiet))
    assert views[29] == (30, 29)
    assert views[30] == (31, 30)
    assert [body["suppressed_by"] for body in told.bodies("suppressed")] == ["warmup"] * len(told.bodies("suppressed"))
    assert max(body["time"] for body in told.bodies("suppressed")) < START + 25 * MINUTE, "the warm-up is over for good"


# --- moments ---


def hours(told, kind="firing"):
    return [(body["time"] - START) // HOUR for body in told.bodies(kind)]


@pytest.mark.parametrize(
    ("catch_up", "fired"), [("skip", [1, 2, 6, 7]), ("once", [1, 2, 5, 6, 7]), ("all", [1, 2, 3, 4, 5, 6, 7])]
)
def test_moments_while_nobody_ran_are_recorded_and_caught_up_as_configured(tmp_path, catch_up, fired):
    triggers = [TriggerSpec("hourly", Hourly(), catch_up=catch_up)]
    first = live(tmp_path / "run", START + SECOND, 1_000, triggers, crash_after=130)
    told = story(live(first, START + 5 * HOUR + 30 * MINUTE, 100, triggers))
    assert hours(told) == fired
    [missed] = told.bodies("missed")
    assert (missed["count"], missed["first"], missed["last"]) == (3, START + 3 * HOUR, START + 5 * HOUR)
    assert missed["caught_up"] == {"skip": 0, "once": 1, "all": 3}[catch_up]


def test_a_restart_within_a_minute_of_a_moment_is_in_time_for_it(tmp_path):
    first = live(tmp_path / "run", START + SECOND, 1_000, [TriggerSpec("hourly", Hourly())], crash_after=90)
    told = story(live(first, START + 2 * HOUR + 20 * SECOND - MINUTE, 10, [TriggerSpec("hourly", Hourly())]))
    assert hours(told) == [1, 2]
    assert told.bodies("missed") == []


@pytest.mark.parametrize(("catch_up", "fired"), [("skip", [1, 9]), ("once", [1, 8, 9]), ("all", [1, 2, 3, 4, 5, 6, 7, 8, 9])])
def test_after_sleep_an_hourly_trigger_does_not_fire_eight_times_unless_that_is_wanted(tmp_path, catch_up, fired):
    async def main(clock):
        engine = LiveEngine(
            None,
            None,
            Street(clock, 600),
            risk=limits(),
            triggers=[TriggerSpec("hourly", Hourly(), catch_up=catch_up)],
            state_dir=tmp_path,
            clock=clock,
            settings=EngineSettings(silence_seconds=1e6, durability="none"),
        )
        now = clock.now

        async def sleeps():
            await clock.sleep(90 * 60)
            clock.now = lambda: now() + 7 * HOUR  # the lid was shut; the loop's timers did not see it
            await clock.sleep(100 * 60)
            await engine.stop()

        await asyncio.gather(engine.run(), sleeps())

    run_virtual(main, start=START + SECOND)
    told = story(tmp_path)
    assert hours(told)[: len(fired)] == fired
    assert sum(body["count"] for body in told.bodies("missed")) == 7
    assert hours(told) == sorted(set(hours(told)))


# --- made of others ---


class Script:
    """Fires at the seconds given."""

    def __init__(self, *seconds):
        self.seconds = seconds

    def on_event(self, event, market):
        return Firing("now") if (event.event_time - START) // SECOND in self.seconds else None


def compound(tmp_path, kind, config, **scripts):
    triggers = [TriggerSpec(name, Script(*seconds)) for name, seconds in scripts.items()]
    told = replay(
        None, [trade("A", n * SECOND) for n in range(100)], tmp_path, triggers=[TriggerSpec("c", kind(config)), *triggers]
    )
    return [(body["time"] - START) // SECOND for body in told.bodies("firing") if body["trigger"] == "c"]


def test_any_all_and_then(tmp_path):
    within = WithinConfig(of=("a", "b"), within=10 * SECOND)
    fires = {"a": (5, 30, 60, 61), "b": (12, 45, 58, 70)}
    assert compound(tmp_path / "any", AnyOf, AnyConfig(of=("a", "b")), **fires) == [5, 12, 30, 45, 58, 60, 61, 70]
    assert compound(tmp_path / "all", AllOf, within, **fires) == [12, 60, 70]
    assert compound(tmp_path / "then", Then, within, **fires) == [12, 70]


def test_a_compound_listens_to_what_happens_and_not_to_what_is_held_back(tmp_path):
    events = [trade("A", n * SECOND) for n in range(50)]
    triggers = [
        TriggerSpec("a", Script(5, 6, 7, 40), cooldown=30 * SECOND),
        TriggerSpec("any", AnyOf(AnyConfig(of=("a", "off")))),
        TriggerSpec("deeper", AnyOf(AnyConfig(of=("any", "off"))), cooldown=60 * SECOND),
        TriggerSpec("off", Script(20), enabled=False),
    ]
    told = replay(None, events, tmp_path, triggers=triggers, forecasters=[ForecasterSpec("m", Says(), frozenset({"deeper"}))])
    assert [(body["trigger"], (body["time"] - START) // SECOND) for body in told.bodies("firing")] == [
        ("a", 5),
        ("any", 5),
        ("deeper", 5),
        ("a", 40),
        ("any", 40),
    ]
    assert [body["suppressed_by"] for body in told.bodies("suppressed")] == ["cooldown"] * 3
    assert len(told.bodies("forecast")) == 1
    assert told.bodies("firing")[1]["reason"] == "a: now"


@pytest.mark.parametrize(
    ("of", "words"), [(("a", "nobody"), "there is no trigger of this name"), (("a", "c"), "is made of c itself")]
)
def test_a_compound_of_nothing_or_of_itself_is_refused(tmp_path, of, words):
    triggers = [TriggerSpec("a", Script()), TriggerSpec("c", AnyOf(AnyConfig(of=of)))]
    with pytest.raises(ValueError, match=words):
        asyncio.run(run_list(None, [trade("A", 0)], tmp_path, triggers=triggers))


# --- by hand ---


class ByHandOnly:
    def on_command(self, symbol, reason, by):
        if by == "eve":
            raise ValueError("eve may not")
        return Firing(f"{by}: {reason}", symbol)


def by_hand(tmp_path, during, *, before=None, minutes=10, **options):
    """Run live on virtual time; `during(engine, folder)` after three minutes."""

    async def main(clock):
        engine = LiveEngine(
            None,
            None,
            Street(clock, minutes),
            risk=limits(),
            triggers=[TriggerSpec("hand", ByHandOnly(), **options), TriggerSpec("drift", Drift(), symbols=frozenset({"A"}))],
            state_dir=tmp_path,
            clock=clock,
            settings=EngineSettings(silence_seconds=1e6),
        )
        if before is not None:
            before(TriggerFolder(StateDir(tmp_path, "shadow")))

        async def acts():
            await clock.sleep(200.2)  # between two looks at the folder
            during(engine, TriggerFolder(engine.state_folder))

        await asyncio.gather(engine.run(), acts())

    run_virtual(main, start=START)
    return story(tmp_path)


def told_of(told):
    return [(body["trigger"], body["symbol"], body["outcome"]) for body in told.bodies("by_hand")]


def test_code_a_file_and_the_command_line_fire_once_each(tmp_path):
    def during(engine, folder):
        engine.trigger("hand", reason="code", by="ann")
        folder.leave(ByHand(trigger="drift", symbol="A", reason="cli", by="bob", via="cli"))
        (folder.path / "hand").write_text("by file")

    told = by_hand(tmp_path, during)
    assert told_of(told) == [("hand", "", "fired"), ("drift", "A", "fired"), ("hand", "", "fired")]
    by = [body["reason"] for body in told.bodies("firing") if ":" in body["reason"]]
    assert by[:2] == ["ann: code", "bob: cli"]
    assert by[2].endswith(": by file")
    assert list((tmp_path / "shadow" / "triggers").iterdir()) == []


def test_what_cannot_be_fired_is_refused_and_said(tmp_path):
    def during(engine, folder):
        with pytest.raises(LookupError, match=r"there is no trigger 'hnad'.*hand"):
            engine.trigger("hnad", reason="typo")
        with pytest.raises(ValueError, match="does not look at B; it looks at A"):
            engine.trigger("drift", "B", reason="other")
        engine.trigger("hand", reason="mine now", by="eve")
        folder.leave(ByHand(trigger="nobody", reason="x", by="ann"))
        (folder.path / "broken.json").write_text("{")

    told = by_hand(tmp_path, during)
    outcomes = [(body["outcome"], body["why"]) for body in told.bodies("by_hand")]
    assert [outcome for outcome, _ in outcomes] == ["refused"] * 3
    assert outcomes[0][1] == "eve may not"
    assert list((tmp_path / "shadow" / "triggers").iterdir()) == []


@pytest.mark.parametrize(("catch_up", "outcome"), [("skip", "missed"), ("once", "fired")])
def test_a_file_that_waited_for_a_run_is_missed_unless_configured(tmp_path, catch_up, outcome):
    def before(folder):
        name = folder.leave(ByHand(trigger="hand", reason="early", by="ann"))
        os.utime(folder.path / name, (1, 1))

    told = by_hand(tmp_path, lambda engine, folder: None, before=before, catch_up=catch_up)
    assert told_of(told) == [("hand", "", outcome)]


def test_a_command_that_was_recorded_and_not_removed_is_not_obeyed_again(tmp_path, monkeypatch):
    def leaves(engine, folder):
        folder.leave(ByHand(trigger="hand", reason="once", by="ann"))

    with monkeypatch.context() as patch:
        patch.setattr(TriggerFolder, "remove", lambda folder, name: (_ for _ in ()).throw(OSError("no space")))
        by_hand(tmp_path, leaves)
    [left] = (tmp_path / "shadow" / "triggers").iterdir()
    told = by_hand(tmp_path, lambda engine, folder: None, catch_up="once")
    assert len(told.bodies("by_hand")) == 1
    assert not left.exists()
    with JournalReader(StateDir(tmp_path, "shadow").journal) as reader:
        assert reader.state("by_hand") == {}


# ------------------------------------------------------------------ what nobody hears any more


def test_what_a_compound_missed_is_recorded_too(tmp_path):
    def specs():
        either = AnyOf(AnyConfig(of=("drift", "hourly")))
        return [TriggerSpec("drift", Drift()), TriggerSpec("hourly", Hourly()), TriggerSpec("either", either)]

    folder = live(tmp_path / "run", START, 20, specs(), market=WARM)
    live(folder, START + 55 * MINUTE, 20, specs(), market=WARM)
    missed = {body["trigger"]: body for body in story(folder).bodies("missed")}
    assert missed["drift"]["count"] > 3
    assert missed["either"] == missed["drift"] | {"trigger": "either", "reason": "drift: moved"}


def test_a_compound_that_is_new_has_missed_nothing(tmp_path):
    specs = [TriggerSpec("drift", Drift()), TriggerSpec("hourly", Hourly())]
    folder = live(tmp_path / "run", START, 20, specs, market=WARM)
    specs = [TriggerSpec("drift", Drift()), TriggerSpec("hourly", Hourly())]
    either = TriggerSpec("either", AnyOf(AnyConfig(of=("drift", "hourly"))))
    live(folder, START + 55 * MINUTE, 20, [*specs, either], market=WARM)
    assert [body["trigger"] for body in story(folder).bodies("missed")] == ["drift"]


class Ponders:
    """Needs a minute and a half for an answer."""

    async def forecast(self, request):
        await asyncio.sleep(90)
        return Forecast("A", request.horizon, price=100.0)


def pondering():
    return {"forecasters": [ForecasterSpec("ponders", Ponders(), frozenset({"drift"}), budget_seconds=120.0)]}


def test_a_question_that_a_stop_cuts_short_is_on_record(tmp_path):
    end = (moments(story(live(tmp_path / "ref", START, 30, [TriggerSpec("drift", Drift())])))[3] - START) // MINUTE
    folder = live(tmp_path / "run", START, end, [TriggerSpec("drift", Drift())], **pondering())
    told = story(folder)
    answered = {body["cause"] for body in told.bodies("forecast")}
    refused = {body["firing"]: body["why"] for body in told.bodies("declined")}
    assert set(refused.values()) == {"the run ended before it answered"}
    assert answered | set(refused) == {record.subject for record in told.of("firing")}
    assert not answered & set(refused)


def test_a_question_that_a_crash_cuts_short_is_on_record_once(tmp_path):
    at = (moments(story(live(tmp_path / "ref", START, 30, [TriggerSpec("drift", Drift())])))[3] - START) // MINUTE
    copy = live(tmp_path / "run", START, 30, [TriggerSpec("drift", Drift())], crash_after=at, **pondering())
    asked = {record.subject for record in story(copy).of("firing")}
    assert not story(copy).bodies("declined")
    for start in (40, 50):
        live(copy, START + start * MINUTE, 1, [TriggerSpec("drift", Drift())], **pondering())
    told = story(copy)
    lost = [body["firing"] for body in told.bodies("declined") if body["why"] == "the process ended before it answered"]
    assert len(lost) == len(set(lost)) == 1
    assert asked - {body["cause"] for body in told.bodies("forecast")} == set(lost)


class Bars(Street):
    """The same in bars of a minute."""

    @staticmethod
    def at(moment):
        return Bar("A", moment - MINUTE, *[price_at(moment)] * 4, 1.0, MINUTE)

    async def backfill(self, symbol, start, end):
        first = -(-start // MINUTE) * MINUTE
        return [self.at(moment + MINUTE) for moment in range(first, min(end, self.clock.now() - MINUTE), MINUTE)]


class Closes(Drift):
    """The same of closes."""

    def on_event(self, event, market):
        return super().on_event(Trade(event.symbol, event.end_time, event.close, 1.0), market)


def test_the_bar_that_ran_when_nobody_did_any_more_is_not_skipped(tmp_path):
    """It begins where what is remembered ends."""
    whole = expected(START, 120)
    for number, minutes in enumerate(((at - START) // MINUTE - 1) for at in whole[3:8]):
        folder = live(tmp_path / str(number), START, minutes, [TriggerSpec("drift", Closes())], feed=Bars)
        begin = START + (minutes + 30) * MINUTE + SECOND
        live(folder, begin, 60, [TriggerSpec("drift", Closes())], feed=Bars, market=WARM)
        told = story(folder)
        [missed] = told.bodies("missed")
        assert missed["first"] == START + (minutes + 1) * MINUTE
        assert len(moments(told)) + missed["count"] == len([at for at in whole if at <= begin + 60 * MINUTE])


class Pair(Street):
    """Two symbols: of one something happened before, of the other much later."""

    symbols = ("A", "B")

    async def run(self, sink):
        for price in (100.0, 110.0):
            await self.clock.sleep(60)
            sink.push_many([Trade("A", self.clock.now(), 100.0, 1.0), Trade("B", self.clock.now(), price, 1.0)])
        await self.clock.sleep(60)

    async def backfill(self, symbol, start, end):
        minute, price = {"A": (50, 110.0), "B": (10, 120.0)}[symbol]
        event = Trade(symbol, START + minute * MINUTE, price, 1.0)
        return [event] if start <= event.event_time < end else []


class Above(Drift):
    """The same, above 115 only."""

    def on_event(self, event, market):
        firing = super().on_event(event, market)
        return firing if event.price > 115.0 else None


def test_what_several_symbols_missed_is_taken_in_the_order_in_which_it_happened(tmp_path):
    def specs():
        both = AllOf(WithinConfig(of=("drift", "above"), within=20 * MINUTE))
        return [TriggerSpec("drift", Drift(), cooldown=15 * MINUTE), TriggerSpec("above", Above()), TriggerSpec("both", both)]

    folder = live(tmp_path / "run", START, 0, specs(), feed=Pair, market=WARM)
    live(folder, START + 60 * MINUTE, 0, specs(), feed=Pair, market=WARM)
    missed = {(body["trigger"], body["symbol"]): body["first"] for body in story(folder).bodies("missed")}
    assert missed["both", "B"] == START + 10 * MINUTE

"""Commands from outside a run: by file, by signal, from code, and by what the state directory remembers."""

from __future__ import annotations

import asyncio
import os
import signal

import pytest
from engine_kit import MINUTE, SECOND, START, Diary, check_books, limits, read, replay, trade, until

from ml4t.live import LiveEngine
from ml4t.live.clock import SystemClock
from ml4t.live.config.settings import EngineSettings
from ml4t.live.engine.control import APPLIED, BY_HAND, Command, Control, ControlFolder
from ml4t.live.journal import Journal, StateDir
from ml4t.live.model import Trade
from ml4t.live.testing import ListFeed, SimulatedVenue, run_virtual

LATER = START + MINUTE
"""When a second run begins: at the same time it would decide the same, and that is the same order."""
RESTS = "B"
"""Orders for this symbol are never filled."""


class Rests(SimulatedVenue):
    """A venue where some orders rest."""

    too_early = 0
    """Cancels that came while nobody was connected."""

    async def _trade(self, order):
        if order.symbol != RESTS:
            await super()._trade(order)

    async def cancel(self, order):
        self.too_early += self._sink is None
        await super().cancel(order)


class Ticks:
    """A trade of each symbol every second."""

    historical = False
    symbols = ("A", "B")

    def __init__(self, clock, seconds):
        self.clock, self.seconds = clock, seconds

    async def run(self, sink):
        for _ in range(self.seconds):
            await self.clock.sleep(1)
            sink.push_many(Trade(symbol, self.clock.now(), 100.0, 1.0) for symbol in self.symbols)


def kill(**given):
    return Command(**{"action": "kill", "reason": "enough", "by": "ann", "via": "cli"} | given)


def buys_both(diary, data, broker):
    """Buy 10 A, which is filled, and 5 B, which rests; then say what an order for A becomes."""
    if len(diary.calls) == 1:
        diary.orders += [broker.submit_order("A", 10), broker.submit_order("B", 5)]
    elif "A" in data:
        diary.orders.append(broker.submit_order("A", 0.001))


def paper(folder, script, *, act=buys_both, seconds=40, venue=None, settings=None, start=START):
    """Run at a venue on virtual time, beside `script(engine, clock)`; return the strategy, the venue and the story."""

    async def main(clock):
        at = venue or Rests(lambda _: 100.0, clock, seed=1)
        if venue is not None:
            at._clock = clock
        diary = Diary(act)
        engine = LiveEngine(
            diary,
            at,
            Ticks(clock, seconds),
            risk=limits(execution_mode="paper"),
            state_dir=folder,
            clock=clock,
            seed=1,
            settings=settings or EngineSettings(),
        )
        beside = asyncio.get_running_loop().create_task(script(engine, clock))
        await engine.run()
        await beside
        await at.settled()
        return diary, at, read(engine.state_folder.journal)

    return run_virtual(main, start=start)


async def nothing(engine, clock):
    pass


def after(seconds, *commands):
    """A script that leaves commands in the folder, so many seconds after the start, five seconds apart."""

    async def script(engine, clock):
        await clock.sleep(seconds)
        for command in commands:
            ControlFolder(engine.state_folder).leave(command)
            await clock.sleep(5)

    return script


def codes(diary):
    return [order.code for order in diary.orders]


# --- by file -------------------------------------------------------------------------------------------------------------


def test_a_kill_left_as_a_file_withdraws_working_orders_refuses_new_ones_and_is_journalled_with_who_and_why(tmp_path):
    diary, venue, story = paper(tmp_path, after(10.2, kill()))

    (resting,) = [order for order in venue.orders.values() if order.symbol == RESTS]
    assert resting.state == "cancelled"
    assert codes(diary)[2:10] == [""] * 8
    assert codes(diary)[-25:] == ["kill_switch"] * 25
    (record,) = story.of("kill_switch")
    assert record.body.items() >= {"action": "kill", "reason": "enough", "by": "ann", "via": "cli", "on": True}.items()
    assert 10.2 <= (record.time - START) / SECOND <= 10.8
    assert venue.portfolio.quantity("A") >= 10, "nothing was sold"
    assert list((tmp_path / "paper" / "control").iterdir()) == []
    assert story.states["risk"]["kill_switch"]["via"] == "cli"


@pytest.mark.parametrize("text", ["", "the robot has gone mad\n"])
def test_a_file_named_kill_made_by_hand_throws_the_switch(tmp_path, text):
    async def script(engine, clock):
        await clock.sleep(3)
        folder = engine.state_folder.path / "control"
        folder.mkdir()
        (folder / BY_HAND).write_text(text)

    diary, _, story = paper(tmp_path, script, seconds=10)

    assert codes(diary)[-1] == "kill_switch"
    (body,) = story.bodies("kill_switch")
    assert body["via"] == "file"
    assert text.strip() in body["reason"]
    assert not (tmp_path / "paper" / "control" / BY_HAND).exists()


def test_a_command_that_cannot_be_read_stops_orders_instead_of_being_passed_over(tmp_path):
    async def script(engine, clock):
        await clock.sleep(3)
        folder = engine.state_folder.path / "control"
        folder.mkdir()
        (folder / "1.json").write_text('{"action": "resume", "reason": "x", "by": ""}')
        (folder / "notes.txt").write_text("not for the engine")
        (folder / ".draft.json").write_text('{"action": "flat')

    diary, _, story = paper(tmp_path, script, seconds=10)

    assert codes(diary)[-1] == "kill_switch"
    assert "needs a name" in story.bodies("kill_switch")[0]["reason"]
    assert len(story.of("kill_switch")) == 1
    assert {path.name for path in (tmp_path / "paper" / "control").iterdir()} == {"notes.txt", ".draft.json"}


def test_flatten_while_killed_goes_past_the_gate(tmp_path):
    script = after(8.2, kill(), Command(action="flatten", reason="get out", by="bob", via="cli"))
    diary, venue, story = paper(tmp_path, script)

    assert venue.portfolio.positions == {}
    check_books(story)
    assert [body["action"] for body in story.bodies("kill_switch")] == ["kill", "flatten"]
    assert codes(diary)[-1] == "kill_switch"
    closing = [order for order in story.orders.values() if order.strategy == "flatten"]
    assert {order.cause for order in closing} == {"get out"}
    assert "flatten" not in story.states["risk"], "it is done, so that a restart does not begin again"


def test_a_resume_by_name_lets_orders_out_again(tmp_path):
    script = after(5.2, kill(), Command(action="resume", reason="all well", by="bob", via="cli"))
    diary, _, story = paper(tmp_path, script, seconds=20)

    assert "kill_switch" in codes(diary)
    assert codes(diary)[-5:] == [""] * 5
    assert story.bodies("kill_switch")[-1].items() >= {"action": "resume", "by": "bob", "on": False}.items()


def test_a_replay_obeys_too_while_its_data_come_slowly(tmp_path):
    class Slow(ListFeed):
        async def run(self, sink):
            for event in self._events[:5]:
                sink.push(event)
            await until(lambda: len(diary.calls) >= 4, "the first events")
            folder.leave(kill())
            await until(lambda: not folder.waiting(), "the kill")
            for event in self._events[5:]:
                sink.push(event)

    def act(diary, data, broker):
        diary.orders.append(broker.submit_order("A", 1))

    folder = ControlFolder(StateDir(tmp_path, "shadow"))
    diary = Diary(act)
    events = [trade("A", n * SECOND) for n in range(10)]
    story = replay(diary, events, tmp_path, feed=Slow(events), engine={"control_seconds": 0.01})

    assert codes(diary)[:4] == [""] * 4
    assert codes(diary)[5:] == ["kill_switch"] * 5
    assert START < story.of("kill_switch")[0].time <= START + 5 * SECOND, "on the data's time"


# --- over a restart ------------------------------------------------------------------------------------------------------


def test_a_kill_left_while_nobody_ran_is_obeyed_before_the_first_order(tmp_path):
    ControlFolder(StateDir(tmp_path, "paper")).leave(kill())
    diary, venue, _ = paper(tmp_path, nothing, seconds=5)

    assert set(codes(diary)) == {"kill_switch"}
    assert venue.submissions == []


def test_a_thrown_switch_survives_the_restart_and_withdraws_what_the_run_before_left_working(tmp_path):
    _, venue, _ = paper(tmp_path, nothing, seconds=5)
    assert [order.symbol for order in venue.orders.values() if order.is_open] == [RESTS]
    ControlFolder(StateDir(tmp_path, "paper")).leave(kill())

    diary, venue, _ = paper(tmp_path, nothing, seconds=20, venue=venue, start=LATER)
    assert set(codes(diary)) == {"kill_switch"}
    assert [order for order in venue.orders.values() if order.is_open] == [], "asked for once the venue was connected"
    assert venue.too_early == 0

    diary, _, _ = paper(tmp_path, nothing, seconds=5, venue=venue, start=LATER + MINUTE)
    assert set(codes(diary)) == {"kill_switch"}


def test_a_flattening_that_was_asked_for_goes_on_after_a_restart_without_any_event(tmp_path):
    _, venue, _ = paper(tmp_path, nothing, seconds=5)
    assert venue.portfolio.quantity("A") > 0
    with Journal(StateDir(tmp_path, "paper").journal, SystemClock(), mode="paper") as journal:  # as a crash leaves it
        journal.put("risk", "flatten", {"reason": "out", "by": "ann", "at": 1, "via": "cli"})

    async def script(engine, clock):
        await clock.sleep(30)
        await engine.stop()

    class Silent:
        historical = False
        symbols = ("A",)

        async def run(self, sink):
            await asyncio.Event().wait()

    async def main(clock):
        venue._clock = clock
        risk = limits(execution_mode="paper")
        engine = LiveEngine(None, venue, Silent(), risk=risk, state_dir=tmp_path, clock=clock, seed=2)
        beside = asyncio.get_running_loop().create_task(script(engine, clock))
        await engine.run()
        await beside
        return read(engine.state_folder.journal)

    story = run_virtual(main, start=LATER)
    assert venue.portfolio.positions == {}
    check_books(story)


def test_a_resume_that_was_obeyed_but_not_removed_does_not_undo_a_later_kill(tmp_path):
    def named(action):
        (command,) = folder.waiting()
        assert command.action == action
        return (folder.path / command.file), (folder.path / command.file).read_bytes()

    folder = ControlFolder(StateDir(tmp_path, "paper"))
    folder.leave(kill(action="resume"))
    path, text = named("resume")

    async def script(engine, clock):
        await clock.sleep(2)
        # As after a crash between the record and the removal: the file is back, and the journal knows its name.
        path.write_bytes(text)
        engine.core.journal.put(APPLIED, path.name, 1)
        engine.kill("a real one", by="cyd")

    _, _, story = paper(tmp_path, script, seconds=2, settings=EngineSettings(control_seconds=60.0))
    assert story.states["risk"]["kill_switch"]["on"] is True
    assert path.exists()

    diary, _, story = paper(tmp_path, nothing, seconds=5, start=LATER)
    assert set(codes(diary)) == {"kill_switch"}
    assert [body["action"] for body in story.bodies("kill_switch")] == ["resume", "kill"]
    assert not path.exists()


def test_a_command_is_obeyed_once_and_again_only_when_it_did_not_get_to_disk(tmp_path):
    folder = ControlFolder(StateDir(tmp_path, "paper"))
    folder.leave(kill())
    obeyed, forgotten = [], []

    def control(applied=()):
        return Control(folder, lambda *call: obeyed.append(call), applied=applied, forget=forgotten.append)

    crashed = control()
    crashed.look()
    crashed.look()
    assert len(obeyed) == 1, "it is under way"
    again = control()
    again.look()
    assert len(obeyed) == 2, "the record was lost with the process"
    obeyed[-1][1]()
    assert folder.waiting() == []
    assert forgotten == [obeyed[-1][0].file]
    again.look()
    assert len(obeyed) == 2


def test_commands_are_obeyed_in_the_order_in_which_they_were_given(tmp_path):
    folder = ControlFolder(StateDir(tmp_path, "paper"))
    actions = ["kill", "resume", "kill", "flatten", "resume"]
    for action in actions:
        folder.leave(kill(action=action))
    assert [command.action for command in folder.waiting()] == actions


# --- from code and by signal ---------------------------------------------------------------------------------------------


def test_kill_and_resume_in_code(tmp_path):
    async def script(engine, clock):
        with pytest.raises(ValueError, match="name"):
            engine.resume("no name", by=" ")
        await clock.sleep(5.2)
        engine.kill("from code", by="the monitor", flatten=True)
        await clock.sleep(10)
        engine.resume("well again", by="ann")

    diary, _, story = paper(tmp_path, script, seconds=30)

    assert [(body["action"], body["via"], body["by"]) for body in story.bodies("kill_switch")] == [
        ("kill", "code", "the monitor"),
        ("resume", "code", "ann"),
    ]
    assert [order.strategy for order in story.orders.values() if order.side == "sell"] == ["flatten"]
    assert codes(diary)[-1] == ""
    check_books(story)


def test_a_kill_before_the_first_event_holds_and_one_after_the_end_is_an_error(tmp_path):
    diary = Diary(lambda diary, data, broker: diary.orders.append(broker.submit_order("A", 1)))
    feed = ListFeed([trade("A", n * SECOND) for n in range(5)], historical=None)
    engine = LiveEngine(diary, None, feed, risk=limits(), state_dir=tmp_path)
    engine.kill("not today", by="ann")
    asyncio.run(engine.run())

    assert codes(diary) == ["kill_switch"] * 5
    with pytest.raises(RuntimeError, match="ml4t-live kill"):
        engine.kill("too late")


@pytest.mark.skipif(not hasattr(signal, "SIGUSR1"), reason="the platform has no SIGUSR1")
def test_sigusr1_throws_the_switch_and_the_run_goes_on(tmp_path):
    class Sends(ListFeed):
        async def run(self, sink):
            sink.push(self._events[0])
            await until(lambda: engine.core is not None and diary.calls == [] and engine.core.pipeline.moment, "an event")
            os.kill(os.getpid(), signal.SIGUSR1)
            await until(lambda: engine.core.switch.on, "the kill")
            sink.push_many(self._events[1:])

    diary = Diary(lambda diary, data, broker: diary.orders.append(broker.submit_order("A", 1)))
    engine = LiveEngine(diary, None, Sends([trade("A", n * SECOND) for n in range(5)]), risk=limits(), state_dir=tmp_path)
    asyncio.run(engine.run())

    assert codes(diary) == ["kill_switch"] * 5
    (body,) = read(engine.state_folder.journal).bodies("kill_switch")
    assert (body["via"], body["by"]) == ("signal", "signal")
    assert "SIGUSR1" in body["reason"]
    assert signal.getsignal(signal.SIGUSR1) is signal.SIG_DFL


@pytest.mark.skipif(not hasattr(signal, "SIGUSR1"), reason="the platform has no SIGUSR1")
def test_a_program_that_handles_sigusr1_keeps_its_handler(tmp_path):
    seen = []
    before = signal.signal(signal.SIGUSR1, lambda *_: seen.append(1))
    try:
        diary = Diary(lambda *_: os.kill(os.getpid(), signal.SIGUSR1))
        story = replay(diary, [trade("A", n * SECOND) for n in range(3)], tmp_path)
    finally:
        signal.signal(signal.SIGUSR1, before)
    assert len(seen) == 3
    assert story.of("kill_switch") == []


def test_a_loss_limit_that_flattens_says_so_in_the_journal(tmp_path):
    def act(diary, data, broker):
        if len(diary.calls) == 1:
            broker.submit_order("A", 100)

    falling = [trade("A", n * SECOND, 100.0 - n) for n in range(40)]
    story = replay(Diary(act), falling, tmp_path, risk=limits(max_daily_loss=1_000.0, on_breach="flatten"))

    (body,) = story.bodies("kill_switch")
    assert (body["action"], body["via"], body["on"]) == ("flatten", "limit", False)
    assert "the account lost" in body["reason"]
    assert "flatten" not in story.states["risk"], "it is done"


def test_a_resume_ends_a_flattening_that_was_asked_for(tmp_path, monkeypatch):
    async def script(engine, clock):
        await clock.sleep(5.2)
        monkeypatch.setattr(Rests, "_trade", rest)  # from now on everything rests
        engine.flatten("out", by="ann")
        await clock.sleep(1)
        busy.append(engine.core.guard.flattener.busy)
        engine.resume("stay in", by="ann")
        busy.append(engine.core.guard.flattener.busy)

    async def rest(self, order):
        pass

    busy = []
    _, _, story = paper(tmp_path, script, seconds=12)
    assert busy == [True, False]
    assert "flatten" not in story.states["risk"]

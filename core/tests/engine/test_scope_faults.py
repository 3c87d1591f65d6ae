"""What can go wrong around kills of a scope: restarts, files with mistakes, repairs, and orders that are half filled."""

from __future__ import annotations

import asyncio
import json
import sqlite3

import pytest
from engine_kit import MINUTE, SECOND, START, Diary, check_books, limits, read, replay, trade
from typer.testing import CliRunner

from ml4t.live import LiveEngine
from ml4t.live.cli.app import app
from ml4t.live.config.settings import ShadowSettings
from ml4t.live.engine.control import Command, ControlFolder, carry_out
from ml4t.live.journal import StateDir
from ml4t.live.journal.rescue import must_throw, throw_switch
from ml4t.live.model import Order, OrderSide, Trade
from ml4t.live.risk.switch import Switch
from ml4t.live.testing import Faults, ListFeed, SimulatedVenue, run_virtual


def both(first, last):
    """Trades of A and B, one of each a second."""
    return [trade(symbol, n * SECOND, 100.0, 10.0) for n in range(first, last) for symbol in ("A", "B")]


def holds_both(at=None):
    """A strategy that buys ten of each and, at the call numbered so, does what `at` says."""

    def act(diary, data, broker):
        if len(diary.calls) == 2:
            diary.orders += [broker.submit_order(symbol, 10) for symbol in ("A", "B")]
        for do in (at or {}).get(len(diary.calls), ()):
            do()

    return Diary(act)


def live(folder, commands, events, **options):
    """Run `holds_both` with `commands(engine)`: what is done at which call. Return the engine and what its journal tells."""
    diary = holds_both()
    engine = LiveEngine(diary, None, ListFeed(events), risk=options.pop("risk", limits()), state_dir=folder, **options)
    diary.act = holds_both(commands(engine)).act
    asyncio.run(engine.run())
    return engine, read(engine.state_folder.journal)


def test_an_account_that_is_flattened_while_no_process_is_on_is_emptied_by_the_next(tmp_path):
    live(tmp_path, lambda _: {}, both(0, 6))
    run = CliRunner()
    assert run.invoke(app, ["flatten", "--state-dir", str(tmp_path), "--reason", "out", "--by", "ann"]).exit_code == 0
    story = replay(Diary(), both(0, 20), tmp_path)
    check_books(story)
    assert story.states["position"] == {}


def test_a_symbol_that_is_flattened_while_no_process_is_on_is_emptied_by_the_next(tmp_path):
    live(tmp_path, lambda _: {}, both(0, 6))
    done = CliRunner().invoke(
        app, ["kill", "--state-dir", str(tmp_path), "--symbol", "A", "--flatten", "--reason", "out", "--by", "ann"]
    )
    assert "The next start empties the position in A." in done.stdout
    status = ["status", "--state-dir", str(tmp_path)]
    assert "Emptying the position in A for ann: out" in CliRunner().invoke(app, status).stdout
    assert json.loads(CliRunner().invoke(app, [*status, "--json"]).stdout)["flattening_symbols"]["A"]["by"] == "ann"
    story = replay(Diary(), both(0, 20), tmp_path)
    check_books(story)
    assert story.states["position"].keys() == {"B"}
    assert "Emptying" not in CliRunner().invoke(app, status).stdout


def test_the_flattening_of_a_symbol_that_a_restart_interrupted_goes_on(tmp_path):
    def flatten(engine):
        def out_of(symbol):
            return lambda: engine.flatten(f"out of {symbol}", by="ann", symbol=symbol)

        return {6: [out_of("A"), out_of("B")]}

    _, story = live(tmp_path, flatten, both(0, 6))
    assert story.states["position"].keys() == {"A", "B"}, "no event is left that could fill it"
    story = replay(Diary(), both(0, 20), tmp_path)
    check_books(story)
    assert story.states["position"] == {}
    closed = {order.symbol: order.cause for order in story.orders.values() if order.strategy == "flatten"}
    assert closed == {"A": "out of A", "B": "out of B"}


def test_a_resume_of_a_symbol_ends_its_flattening_and_no_other(tmp_path):
    def commands(engine):
        out = [
            lambda: engine.kill("out", by="ann", symbol="A", flatten=True),
            lambda: engine.kill("out", by="ann", symbol="B", flatten=True),
            lambda: engine.resume("in again", by="bob", symbol="A"),
        ]
        return {6: out, 7: [lambda: busy.append(sorted(engine.core.guard.flattener.emptying))]}

    busy = []
    live(tmp_path, commands, both(0, 7))
    assert busy == [["B"]]


@pytest.mark.parametrize("wrong", ["symbol", "scop"])
@pytest.mark.parametrize("action", ["resume", "kill"])
def test_a_file_with_a_key_that_nobody_knows_is_obeyed_as_a_kill_of_everything(tmp_path, action, wrong):
    folder = ControlFolder(StateDir(tmp_path, "shadow"))
    folder.path.mkdir(parents=True)
    (folder.path / "1.json").write_text(json.dumps({"action": action, "reason": "x", "by": "ann", wrong: "A"}))
    (command,) = folder.waiting()
    assert (command.action, command.scope) == ("kill", "")
    assert wrong in command.reason


def test_what_the_command_line_leaves_is_read_back(tmp_path):
    folder = ControlFolder(StateDir(tmp_path, "shadow"))
    command = Command(action="kill", reason="x", by="ann", via="cli", flatten=True, scope="symbol:A")
    name = folder.leave(command)
    (back,) = folder.waiting()
    assert back == Command(action="kill", reason="x", by="ann", via="cli", flatten=True, scope="symbol:A", file=name)


def test_a_repair_that_throws_the_switch_keeps_what_was_stopped_by_itself():
    switch = Switch()
    switch.of("symbol:A").throw("odd", by="ann", at=1)
    state = {("risk", "kill_switch"): json.dumps(switch.state())}
    throw_switch(state, "repaired", 2)
    restored = Switch()
    restored.restore(json.loads(state["risk", "kill_switch"]))
    assert restored.on
    restored.rearm("looked at it", by="bob", at=3)
    assert restored.stopping(Order("1", "A", OrderSide.BUY, 1.0)) is not None, "nobody has resumed A"


def repaired(switch, *bodies):
    """What a repair finds wrong with a switch after records of kills with these bodies."""
    connection = sqlite3.connect(":memory:")
    connection.execute("CREATE TABLE records (seq INTEGER, kind TEXT, body TEXT)")
    connection.executemany("INSERT INTO records VALUES (?, 'kill_switch', ?)", enumerate(map(json.dumps, bodies)))
    try:
        return must_throw({("risk", "kill_switch"): json.dumps(switch.state())}, whole=True, records=connection)
    finally:
        connection.close()


def test_a_repair_compares_the_stop_of_a_symbol_with_what_is_known_of_that_symbol():
    switch = Switch()
    body, _ = carry_out(Command(action="kill", reason="odd", by="ann", scope="symbol:A"), switch, 5)
    assert repaired(switch, body) == "", "all is well, and not everything is to be stopped"
    assert "disagree" in repaired(Switch(), body), "the records know of a stop that the state does not"


def test_the_order_whose_part_trips_the_throttle_is_cancelled_and_stays_so(tmp_path):
    def act(diary, data, broker):
        if len(diary.calls) == 2:
            diary.orders.append(broker.submit_order("A", 100))

    diary = Diary(act)
    engine = LiveEngine(
        diary,
        None,
        ListFeed(both(0, 12)),
        risk=limits(max_strategy_fills_per_minute=2),
        state_dir=tmp_path,
        shadow=ShadowSettings(max_volume_share=0.5),
    )
    asyncio.run(engine.run())
    story = read(engine.state_folder.journal)
    (order,) = story.orders.values()
    assert (order.state, order.filled_quantity) == ("cancelled", 15.0)
    assert engine.core.desk.orders.open_count == 0
    check_books(story)


class Ticks:
    """A trade of A every second."""

    historical = False
    symbols = ("A",)

    def __init__(self, clock, seconds):
        self.clock, self.seconds = clock, seconds

    async def run(self, sink):
        for _ in range(self.seconds):
            sink.push(Trade("A", self.clock.now(), 100.0, 1.0))
            await self.clock.sleep(1.0)


def test_refusals_in_a_row_are_counted_over_restarts(tmp_path):
    placed = []

    def buys(diary, data, broker):
        placed.append(broker.submit_order("A", 1))

    async def session(clock):
        venue = SimulatedVenue(lambda _: 100.0, clock, seed=1, faults=Faults(reject=1.0))
        risk = limits(execution_mode="paper", max_consecutive_rejects=5)
        await LiveEngine(Diary(buys), venue, Ticks(clock, 2), risk=risk, state_dir=tmp_path, clock=clock).run()

    for n in range(4):
        run_virtual(session, start=START + n * MINUTE)
    assert [order.code for order in placed] == [""] * 5 + ["kill_switch"] * 3


def test_a_broken_limit_goes_on_emptying_the_account_although_somebody_resumed_while_no_process_was_on(tmp_path):
    def act(diary, data, broker):
        if len(diary.calls) == 2:
            broker.submit_order("A", 100)

    risk = limits(max_daily_loss=1_000.0, on_breach="flatten")
    events = [trade("A", n * SECOND, 100.0 if n < 4 else 80.0) for n in range(5)]
    story = replay(Diary(act), events, tmp_path, risk=risk)
    assert story.states["position"]["A"]["quantity"] == 100, "no event is left that could fill the way out"
    resume = ["resume", "--state-dir", str(tmp_path), "--by", "ann", "--reason", "go on"]
    assert CliRunner().invoke(app, resume).exit_code == 0

    events += [trade("A", n * SECOND, 80.0) for n in range(5, 40)]
    orders = []

    def buys(diary, data, broker):
        orders.append(broker.submit_order("A", 1, order_type="limit", limit_price=1.0))

    story = replay(Diary(buys), events, tmp_path, risk=risk)
    check_books(story)
    assert story.states["position"] == {}
    assert {order.code for order in orders} == {"max_daily_loss"}, "the limit stands until the account is empty"

    assert CliRunner().invoke(app, resume).exit_code == 0, "and now it can be resumed"
    events += [trade("A", n * SECOND, 80.0) for n in range(40, 50)]
    again = []
    replay(Diary(lambda diary, data, broker: again.append(broker.submit_order("A", 1))), events, tmp_path, risk=risk)
    assert {order.code for order in again} == {""}

"""The commands that look at a run: status, orders, forecasts, why, journal."""

from __future__ import annotations

import json
import os
import shutil

import pytest

from ml4t.live.cli.why import parse_moment
from ml4t.live.journal import RecordKind, StateDir
from ml4t.live.model import Order, OrderSide

pytestmark = pytest.mark.usefixtures("finished")


@pytest.fixture
def at(world):
    return ["--state-dir", world.state]


def test_orders_are_listed_with_what_became_of_them(world, at):
    orders = world.invoke("orders", *at, "--json").json
    assert [(o["symbol"], o["side"], o["quantity"], o["state"]) for o in orders] == [
        ("AAA", "buy", 10, "filled"),
        ("AAA", "buy", 1000, "rejected"),
        ("AAA", "sell", 10, "filled"),
        ("BBB", "sell", 5, "filled"),
        ("AAA", "buy", 2, "working"),
    ]
    assert orders[0]["created_at"].startswith("2024-01-0")
    assert orders[1]["code"] == "max_order_value"
    text = world.invoke("orders", *at).stdout
    assert "five days up" in text
    assert "max_order_value: the order is worth" in text


def test_orders_can_be_chosen(world, at):
    assert [o["state"] for o in world.invoke("orders", *at, "--open", "--json").json] == ["working"]
    assert [o["symbol"] for o in world.invoke("orders", *at, "--symbol", "BBB", "--json").json] == ["BBB"]
    assert [o["quantity"] for o in world.invoke("orders", *at, "--limit", "2", "--json").json] == [5, 2]


def test_forecasts_are_listed_with_their_outcome(world, at):
    forecasts = world.invoke("forecasts", *at, "--symbol", "AAA", "--json").json
    assert len(forecasts) == 6
    first = forecasts[0]
    assert (first["model"], first["horizon"], first["direction"], first["state"]) == ("up", 259200.0, "up", "resolved")
    assert first["resolution"]["direction_hit"] is True
    assert forecasts[-1]["resolution"] is None
    assert [f["state"] for f in world.invoke("forecasts", *at, "--open", "--json").json] == ["open", "open"]
    assert world.invoke("forecasts", *at, "--model", "nobody", "--json").json == []
    text = world.invoke("forecasts", *at).stdout
    assert "12 forecasts" in text
    assert "yes" in text


def test_scores_are_shown_by_group(world, at):
    [total] = world.invoke("forecasts", *at, "--by", "model", "--json").json
    assert (total["model"], total["horizon"], total["issued"], total["open"], total["group"]) == ("up", 259200.0, 12, 2, "")
    by_symbol = world.invoke("forecasts", *at, "--by", "symbol", "--json").json
    assert [(line["group"], line["issued"]) for line in by_symbol] == [("AAA", 6), ("BBB", 6)]
    assert sum(line["resolved"] for line in by_symbol) == total["resolved"]
    [one] = world.invoke("forecasts", *at, "--by", "symbol", "--symbol", "BBB", "--json").json
    assert one == by_symbol[1]
    assert world.invoke("forecasts", *at, "--by", "trigger", "--model", "nobody", "--json").json == []
    text = world.invoke("forecasts", *at, "--by", "period").stdout
    assert "2024-01" in text
    assert "accuracy" not in text


NO_GROUPS = [(["--by", "colour"], "--by colour"), (["--by", "model", "--symbol", "AAA"], "--by symbol")]


@pytest.mark.parametrize(("options", "words"), NO_GROUPS)
def test_scores_of_no_group_are_refused(world, at, options, words):
    refused = world.invoke("forecasts", *at, *options)
    assert refused.code == 2
    assert words in refused.stderr


def test_status_of_a_run_that_stopped(world, at):
    status = world.invoke("status", *at, "--json").json
    assert (status["name"], status["mode"], status["running"], status["pid"]) == ("zigzag", "shadow", False, None)
    [short] = status["positions"]
    assert (short["symbol"], short["quantity"]) == ("BBB", -5)
    [order] = status["open_orders"]
    assert order["text"].startswith("buy 2 AAA limit")
    assert status["kill_switch"]["on"] is False
    limits = {line["limit"]: line for line in status["limits"]}
    assert limits["max_positions"]["value"] == 1
    assert limits["max_order_value" if "max_order_value" in limits else "max_open_orders"]["used"] == 1 / 50
    assert 0 <= limits["max_daily_loss"]["used"] < 1
    assert status["equity"] == pytest.approx(100_000, rel=0.01)
    text = world.invoke("status", *at).stdout
    for said in ("zigzag · shadow mode · not running", "Kill switch: off", "BBB", "buy 2 AAA limit", "max_drawdown_pct"):
        assert said in text


def test_status_while_a_run_is_on(world, at):
    with StateDir(world.state, "shadow").lock():
        status = world.invoke("status", *at, "--json").json
        assert (status["running"], status["pid"]) == (True, os.getpid())
        assert "running (process" in world.invoke("status", *at).stdout
    assert world.invoke("status", *at, "--json").json["running"] is False


def test_why_tells_the_story_of_an_order_that_traded(world, at):
    order = world.invoke("orders", *at, "--json").json[0]["order_id"]
    told = world.invoke("why", order[:10], *at, "--json").json
    assert told["order"]["order_id"] == order
    assert [step["what"] for step in told["steps"]] == ["decision", "checks", "intent", "state", "fill", "state"]
    assert "Zigzag decided to buy 10 AAA market: five days up" in told["steps"][0]["text"]
    assert told["steps"][-1]["text"].startswith("filled: 10 of 10 at 10")
    assert "five days up" in world.invoke("why", order, *at).stdout


def test_why_tells_which_check_refused_an_order_and_with_which_numbers(world, at):
    order = world.invoke("orders", *at, "--json").json[1]["order_id"]
    told = world.invoke("why", order, *at, "--json").json
    [refused] = [step for step in told["steps"] if step["what"] == "refused"]
    assert refused["facts"]["limit"] == 5000
    assert refused["facts"]["code"] == "max_order_value"
    assert "max_order_value refused it (max_order_value): the order is worth" in refused["text"]
    assert "limit 5,000" in refused["text"]
    assert [step["what"] for step in told["steps"]] == ["decision", "refused"]


def test_why_tells_what_happened_to_a_symbol_up_to_a_moment(world, at):
    steps = world.invoke("why", "AAA", *at, "--limit", "50", "--json").json["steps"]
    assert [step["what"] for step in steps].count("order") == 4
    assert [step["what"] for step in steps].count("firing") == 6
    assert [step["time"] for step in steps] == sorted(step["time"] for step in steps)
    early = world.invoke("why", "AAA", *at, "--at", "2024-01-12", "--json").json["steps"]
    assert [step["what"] for step in early] == ["order", "order", "firing", "forecast"]
    assert "it was" in early[-1]["text"]
    assert "up to 2024-01-12" in world.invoke("why", "AAA", *at, "--at", "2024-01-12").stdout


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["ZZZ"], "neither an order nor a symbol of this journal; its symbols: AAA, BBB"),
        (["mmmmmmmm"], "neither an order nor a symbol"),
        (["AAA", "--at", "yesterday"], "--at yesterday: not a time; write one such as"),
    ],
)
def test_why_refuses_what_it_cannot_find(world, at, arguments, says):
    done = world.invoke("why", *arguments, *at)
    assert done.code == 2
    assert says in done.stderr
    assert done.stdout == ""


def test_why_asks_for_more_of_an_id_that_several_orders_begin_with(world, journal):
    for end in ("one", "two"):
        order = Order(f"mabcd{end}", "A", OrderSide.BUY, 1)
        journal.append(RecordKind.INTENT, order.order_id, order)
    journal.close()
    done = world.invoke("why", "mabcd", "--state-dir", journal.path.parents[1])
    assert done.code == 2
    assert "orders begin with mabcd: mabcdone, mabcdtwo; write more of the one you mean" in done.stderr
    assert world.invoke("why", "mabcdo", "--state-dir", journal.path.parents[1]).code == 0


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("1970-01-02", 2 * 86_400), ("1970-01-02T00:00:00", 86_400), ("1970-01-02T02:00:00+02:00", 86_400)],
)
def test_a_day_means_its_end_and_a_time_without_a_zone_is_utc(text, seconds):
    assert parse_moment(text) == pytest.approx(seconds * 1e9, abs=1_000)


def test_the_journal_is_verified(world, at, tmp_path):
    done = world.invoke("journal", "verify", *at)
    assert done.code == 0
    assert "is whole" in done.stdout
    copy = tmp_path / "shadow"
    shutil.copytree(world.state / "shadow", copy)
    import sqlite3

    connection = sqlite3.connect(copy / "journal.sqlite3")
    connection.execute("DELETE FROM records WHERE seq = 3")
    connection.commit()
    connection.close()
    damaged = world.invoke("journal", "verify", "--state-dir", tmp_path)
    assert damaged.code == 1
    assert "1 of" in damaged.stderr
    assert "missing" in damaged.stderr
    assert world.invoke("journal", "verify", "--state-dir", tmp_path, "--json").json["ok"] is False


def test_a_damaged_journal_is_repaired(world, tmp_path):
    folder = tmp_path / "shadow"
    shutil.copytree(world.state / "shadow", folder)
    at = ["--state-dir", tmp_path]
    assert "nothing to repair" in world.invoke("journal", "repair", *at).stdout
    with (folder / "journal.sqlite3").open("r+b") as file:
        file.seek(2 * 4096)
        file.write(bytes(4096))
    assert f"ml4t-live journal repair --state-dir {folder}" in world.invoke("journal", "verify", *at).stderr
    with StateDir(tmp_path, "shadow").lock():
        assert world.invoke("journal", "repair", *at).code == 2
    done = world.invoke("journal", "repair", *at)
    assert done.code == 0
    assert "is repaired" in done.stdout
    assert "journal-damaged-" in done.stdout
    assert world.invoke("journal", "verify", *at).code == 0
    assert world.invoke("journal", "repair", *at, "--json").json["original"] is None


def test_an_order_of_an_archive_is_told(world, tmp_path):
    shutil.copytree(world.state / "shadow", tmp_path / "shadow")
    at = ["--state-dir", tmp_path]
    first = world.invoke("orders", *at, "--json").json[0]["order_id"]
    before = world.invoke("why", first, *at).stdout
    assert world.invoke("journal", "rotate", *at).stdout.startswith("there is nothing to move")
    done = world.invoke("journal", "rotate", *at, "--keep", "5")
    assert "records moved to" in done.stdout
    assert first not in world.invoke("orders", *at).stdout
    told = world.invoke("why", first, *at)
    assert told.stdout == before
    assert "is in the archive" in told.stderr
    assert world.invoke("journal", "verify", *at).code == 0


def test_the_journal_is_exported(world, at, tmp_path):
    done = world.invoke("journal", "export", *at)
    records = [json.loads(line) for line in done.stdout.splitlines()]
    assert [record["seq"] for record in records] == list(range(1, len(records) + 1))
    file = tmp_path / "records.jsonl"
    written = world.invoke("journal", "export", *at, "--output", file)
    assert written.stdout == ""
    assert file.read_text() == done.stdout
    assert f"{len(records)} records" in written.stderr
    assert "add --output" in world.invoke("journal", "export", *at, "--format", "parquet").stderr


def test_the_mode_is_chosen_when_there_is_only_one_and_asked_for_otherwise(world, tmp_path):
    shutil.copytree(world.state, tmp_path / "both")
    shutil.copytree(world.state / "shadow", tmp_path / "both" / "paper")
    done = world.invoke("orders", "--state-dir", tmp_path / "both")
    assert done.code == 2
    assert "has runs in the modes shadow, paper; say which, as in --mode shadow" in done.stderr
    assert world.invoke("orders", "--state-dir", tmp_path / "both", "--mode", "shadow").code == 0
    assert world.invoke("orders", "--state-dir", tmp_path / "both" / "shadow").code == 0
    assert "no run in mode live" in world.invoke("orders", "--state-dir", tmp_path / "both", "--mode", "live").stderr
    assert "there is no such mode" in world.invoke("orders", "--state-dir", tmp_path / "both", "--mode", "dream").stderr
    # a journal says itself which mode it is of
    assert (
        "is the journal of a shadow run" in world.invoke("orders", "--state-dir", tmp_path / "both", "--mode", "paper").stderr
    )


@pytest.mark.parametrize("command", [["status"], ["orders"], ["forecasts"], ["why", "AAA"], ["journal", "verify"]])
def test_a_state_directory_that_is_not_there_is_refused(world, tmp_path, command):
    done = world.invoke(*command, "--state-dir", tmp_path / "nowhere")
    assert done.code == 2
    assert "there is no state directory" in done.stderr
    assert "ml4t-live run CONFIG" in world.invoke(*command, "--state-dir", tmp_path).stderr
    assert not (tmp_path / "nowhere").exists()


def test_a_configuration_says_where_its_state_is(world):
    assert world.invoke("status", "--state-dir", world.config, "--json").json["name"] == "zigzag"


def test_the_only_run_below_state_need_not_be_named(world, monkeypatch, tmp_path):
    monkeypatch.chdir(world.folder)
    assert world.invoke("status", "--json").json["name"] == "zigzag"
    monkeypatch.chdir(tmp_path)
    assert "which run?" in world.invoke("status").stderr
    shutil.copytree(world.state, tmp_path / "state" / "one")
    shutil.copytree(world.state, tmp_path / "state" / "two")
    assert "There are state/one, state/two" in world.invoke("status").stderr

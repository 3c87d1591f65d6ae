"""The report of the demo as a user gets it, against a second reading of the journal that shares no code with the first."""

from __future__ import annotations

import json
import os
import re
import shutil
import sqlite3
import subprocess
import sys
from collections import Counter, defaultdict
from html.parser import HTMLParser
from pathlib import Path

import pytest

SCRIPT = str(Path(sys.executable).with_name("ml4t-live"))


def typed(*arguments: object) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "COLUMNS": "200"}
    return subprocess.run([SCRIPT, *map(str, arguments)], env=environment, capture_output=True, text=True, check=False)


class Tables(HTMLParser):
    """The tables of a page by their titles, as rows of {column: cell}."""

    def __init__(self, text: str) -> None:
        super().__init__(convert_charrefs=True)
        self.found: dict[str, list[list[str]]] = {}
        self.title = self.place = ""
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.place = tag
        if tag == "table":
            self.title, self.rows = "", []
        elif tag == "tr":
            self.rows.append([])
        elif tag in {"td", "th"}:
            self.rows[-1].append("")

    def handle_endtag(self, tag):
        self.place = ""
        if tag == "table":
            self.found[self.title] = self.rows

    def handle_data(self, data):
        if self.place == "caption":
            self.title += data
        elif self.place in {"td", "th"}:
            self.rows[-1][-1] += data

    def __getitem__(self, title: str) -> list[dict[str, str]]:
        head, *rows = next(rows for known, rows in self.found.items() if known.startswith(title))
        return [dict(zip(head, row, strict=True)) for row in rows]


class Books:
    """What the demo's journal says, read with nothing but SQL and JSON."""

    def __init__(self, journal: Path) -> None:
        connection = sqlite3.connect(f"file:{journal}?mode=ro", uri=True)
        rows = connection.execute("SELECT kind, subject, body FROM records ORDER BY seq").fetchall()
        (worth,) = connection.execute("SELECT body FROM state WHERE bucket = 'account' AND key = 'worth'").fetchone()
        connection.close()
        self.worth = json.loads(worth)
        self.bodies = defaultdict(list)
        for kind, _, body in rows:
            self.bodies[kind].append(json.loads(body))
        self.subjects = Counter((kind, subject) for kind, subject, _ in rows)

    def pairs(self, model):
        resolved = {body["forecast_id"]: body for body in self.bodies["resolution"] if body["state"] == "resolved"}
        told = [body for body in self.bodies["forecast"] if body["model"] == model]
        return [(each, resolved[each["forecast_id"]]) for each in told if each["forecast_id"] in resolved]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("demo")


@pytest.fixture(scope="module")
def demo(folder):
    """The demo, run once."""
    done = typed("demo", "--state-dir", folder)
    assert done.returncode == 0, done.stderr
    return done


@pytest.fixture(scope="module")
def html(demo):
    """The page that the demo names in its last line."""
    last = demo.stdout.splitlines()[-1]
    return Path(last.removeprefix("Report:").strip()).read_text()


@pytest.fixture(scope="module")
def tables(html):
    return Tables(html)


@pytest.fixture(scope="module")
def books(demo, folder):
    return Books(folder / "shadow" / "journal.sqlite3")


def number(cell: str) -> float:
    return float(cell.replace(",", "").rstrip("%"))


def test_the_demo_ends_with_a_page(demo, folder, html):
    assert demo.stdout.splitlines()[-1] == f"Report:          {folder / 'shadow' / 'report.html'}"
    assert html.startswith("<!doctype html>")
    assert html.rstrip().endswith("</html>")
    assert html.count("<svg") == 9  # equity, five symbols, predicted moves, calibration, timeline


def test_the_page_needs_nothing_from_anywhere(html):
    assert re.findall(r"\w+://", html) == []
    assert "<script" not in html
    assert set(re.findall(r"""(?:href|src)=["']([^"'#][^"']*)""", html)) == {"data:,"}


def test_trades_are_those_of_the_journal(tables, books):
    lines = {line["symbol"]: line for line in tables["What was traded"]}
    fills = books.bodies["fill"]
    for symbol in {fill["symbol"] for fill in fills}:
        mine = [fill for fill in fills if fill["symbol"] == symbol]
        line = lines[symbol]
        assert int(line["fills"]) == len(mine)
        assert number(line["bought"]) == sum(f["quantity"] for f in mine if f["side"] == "buy")
        assert number(line["sold"]) == sum(f["quantity"] for f in mine if f["side"] == "sell")
        assert number(line["turnover"]) == pytest.approx(sum(f["quantity"] * f["price"] for f in mine), abs=0.006)
        assert number(line["commission"]) == pytest.approx(sum(f["commission"] for f in mine), abs=0.006)
        if number(line["position"]) == 0:
            paid = sum(f["quantity"] * f["price"] * (1 if f["side"] == "sell" else -1) for f in mine)
            assert number(line["realised P&L"]) == pytest.approx(paid, abs=0.006)
    assert int(lines["all"]["fills"]) == len(fills)


def test_refusals_are_those_of_the_journal(tables, books):
    refused = Counter(body["check"] for body in books.bodies["verdict"] if not body["allowed"])
    assert {line["check"]: int(line["count"]) for line in tables["What the checks refused"]} == refused


def test_firings_are_those_of_the_journal(tables, books, html):
    fired = Counter(body["trigger"] for body in books.bodies["firing"])
    assert {line["trigger"]: number(line["fired"]) for line in tables["Triggers"]} == fired
    latest = tables["The latest firings"][-1]
    assert (latest["trigger"], latest["why"]) == (books.bodies["firing"][-1]["trigger"], books.bodies["firing"][-1]["reason"])
    assert f"firings: weekly {fired['weekly']}" in html


def test_equity_and_drawdown_are_those_of_the_journal(html, books):
    values = [body["equity"] for body in books.bodies["equity"]]
    assert books.worth["at"] == books.bodies["equity"][-1]["at"]
    values[-1] = books.worth["equity"]  # the day's record is made before the last bars of that moment
    high = deepest = 0.0
    for value in values:
        high = max(high, value)
        deepest = max(deepest, 1 - value / high)
    assert f"{values[0]:,.2f} → {values[-1]:,.2f}" in html
    assert html.count(f"{deepest:.2%}") >= 3  # the headline, the caption, and the words for who listens


def test_forecasts_are_scored_as_by_hand(tables, books):
    for line in tables["Forecasts (skill"]:
        pairs = books.pairs(line["model"])
        errors = [abs(came["price"] - told["price"]) / told["reference_price"] for told, came in pairs]
        naive = [abs(came["price"] - told["reference_price"]) / told["reference_price"] for told, came in pairs]
        assert number(line["issued"]) == sum(body["model"] == line["model"] for body in books.bodies["forecast"])
        assert number(line["resolved"].split(" ")[0]) == len(pairs)
        assert number(line["declined"]) == books.subjects["declined", line["model"]]
        assert number(line["MAE"]) == pytest.approx(100 * sum(errors) / len(pairs), abs=0.006)
        assert number(line["naive MAE"]) == pytest.approx(100 * sum(naive) / len(pairs), abs=0.006)
        assert number(line["skill"]) == pytest.approx(1 - sum(errors) / sum(naive), abs=0.0006)
    drift = books.pairs("drift")
    hits = [came["direction_hit"] for _, came in drift if came["direction_hit"] is not None]
    (line,) = (line for line in tables["Forecasts (skill"] if line["model"] == "drift")
    assert number(line["hit rate"]) == pytest.approx(100 * sum(hits) / len(hits), abs=0.06)


def test_reliability_is_that_of_the_journal(tables, books):
    bins = defaultdict(list)
    for told, came in books.pairs("drift"):
        bins[int(told["confidence"] * 10)].append((told["confidence"], came["direction_hit"]))
    for line, (_, pairs) in zip(tables["Reliability of confidence"], sorted(bins.items()), strict=True):
        assert number(line["forecasts"]) == len(pairs)
        assert number(line["claimed"]) == pytest.approx(100 * sum(given for given, _ in pairs) / len(pairs), abs=0.06)
        assert number(line["came true"]) == pytest.approx(100 * sum(hit for _, hit in pairs) / len(pairs), abs=0.06)


def test_predicted_moves_and_what_came_are_those_of_the_journal(tables, books):
    pairs = books.pairs("drift")
    lines = [line for line in tables["Predicted moves"] if line["model"] == "drift"]
    count = sum(number(line["forecasts"]) for line in lines)
    assert count == len(pairs)
    came = sum(number(line["came"]) * number(line["forecasts"]) for line in lines) / count
    assert came == pytest.approx(100 * sum(c["price"] / t["reference_price"] - 1 for t, c in pairs) / count, abs=0.001)


def test_the_terminal_says_what_the_page_says(demo, folder, tables):
    done = typed("report", "--state-dir", folder, "--all")
    assert done.returncode == 0, done.stderr
    printed = " ".join(done.stdout.split())
    for title, (head, *rows) in tables.found.items():
        assert title.split(" (")[0] in printed, title
        if not title.startswith("Forecasts"):  # too wide for a terminal: cells are broken into lines
            assert all(" ".join(cell for cell in row if cell) in printed for row in rows), (title, head)


def test_a_rotated_demo_is_reported_whole(demo, folder, html, tmp_path):
    copy = shutil.copytree(folder, tmp_path / "copy")
    assert typed("journal", "rotate", "--state-dir", copy, "--keep", "3000").returncode == 0
    assert typed("report", "--state-dir", copy, "--output", tmp_path / "r.html").returncode == 0
    before, after = Tables(html).found, Tables((tmp_path / "r.html").read_text()).found
    differing = {title for title in before.keys() | after.keys() if before.get(title) != after.get(title)}
    assert differing == {"What happened to the run"}  # it has the rotation
    assert re.findall(r"([\d,]+) prices", html) == re.findall(r"([\d,]+) prices", (tmp_path / "r.html").read_text())


def test_it_can_be_asked_for_while_the_run_is_on(tmp_path):
    """A replay in real time, so that it is on for as long as the test wants."""
    prices = "timestamp,symbol,open,high,low,close,volume\n" + "".join(
        f"2026-01-05T10:{minute:02}:00Z,BTC-USDT,1,1,1,1,1\n" for minute in range(60)
    )
    (tmp_path / "prices.csv").write_text(prices)
    (tmp_path / "idle.py").write_text("class Idle:\n    def on_data(self, timestamp, data, context, broker):\n        pass\n")
    config = tmp_path / "live.toml"
    config.write_text(
        '[live]\nname = "slow"\nstrategy = "idle:Idle"\n'
        '[feeds.main]\nuse = "replay"\npath = "prices.csv"\nsymbols = ["BTC-USDT"]\nspeed = 1\n'
    )
    state = tmp_path / "state"
    command = [SCRIPT, "run", str(config), "--state-dir", str(state)]
    running = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
    try:
        assert running.stderr is not None
        assert any("running" in line for line in running.stderr)
        done = typed("report", "--state-dir", state, "--output", tmp_path / "r.html", "--json")
        assert json.loads(done.stdout)["running"] is True, done.stderr
        assert "while the run was on" in (tmp_path / "r.html").read_text()
        assert running.poll() is None
    finally:
        running.terminate()
        running.communicate()

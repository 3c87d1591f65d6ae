"""The page: whole, safe and without any wish for a network, whatever happened in the session."""

from __future__ import annotations

import re
from importlib import resources

import pytest
from page_kit import Page

from ml4t.live.ledger.outcome import resolve
from ml4t.live.model import Direction, Distribution, Fill, Firing, Forecast, Gap, Order, OrderSide, OrderState, Verdict
from ml4t_live_report.canvas import Ink

START = 1_700_000_000 * 10**9
HOUR = 3_600
EVIL = '"><script>alert(1)</script><img src=http://evil.example/x onerror=alert(2)> $x_1$ & \x07'


def begin(desk, name="r", strategy="s:S"):
    desk.note(0, "run", name, {"mode": "shadow", "name": name, "strategy": strategy})


def trade(desk, hour, symbol, number=0, size=1.0, why="because"):
    now = START + hour * HOUR * 10**9
    stamps = {"state": OrderState.FILLED, "created_at": now, "updated_at": now, "filled_quantity": size, "average_price": 100.0}
    order = Order(f"o{symbol}{number}", symbol, OrderSide.BUY, size, cause=why, **stamps)
    desk.note(hour * HOUR, "order", order.order_id, order)
    fill = Fill(f"e{symbol}{number}", order.order_id, symbol, OrderSide.BUY, size, 100.0 + number, now, 0.0, "shadow", "a")
    desk.note(hour * HOUR, "fill", fill.execution_id, fill)


def predict(desk, hour, symbol="A", model="m", **says):
    now = START + hour * HOUR * 10**9
    stamps = {"forecast_id": f"f{hour}{symbol}", "issued_at": now, "reference_price": 100.0, "reference_time": now}
    told = Forecast(symbol, HOUR * 10**9, model=model, **stamps, **says)
    desk.note(hour * HOUR, "forecast", told.forecast_id, told)
    desk.note((hour + 1) * HOUR, "resolution", told.forecast_id, resolve(told, 101.0 + hour % 3, told.due, told.due))


def everything(desk, name="A"):
    """A session in which everything has happened, under one name for everything that others may name."""
    begin(desk, name, name)
    desk.note(1, "health", name, {"state": "lost", "why": name})
    desk.note(2, "gap", name, Gap(name, START, START + 10**9, name))
    desk.note(3, "error", name, {"type": name, "message": name})
    switch = {"action": "kill", "scope": f"strategy:{name}", "on": True, "by": name, "via": name, "reason": name}
    desk.note(4, "kill_switch", f"strategy:{name}", switch)
    desk.note(5, "firing", name, Firing(name, name, {name: 1.5}, name, START + 5 * 10**9, "x"))
    desk.note(6, "suppressed", name, {"trigger": name, "symbol": name, "reason": name})
    desk.note(7, "verdict", "o", Verdict(False, name, name, name))
    desk.note(8, "declined", name, {"why": name})
    for hour in range(1, 6):
        says = {"direction": Direction.UP, "confidence": 0.6, "price": 100.0 + hour, "quantiles": {0.1: 98.0, 0.9: 103.0}}
        predict(desk, hour, name, name, distribution=Distribution(101.0, 2.0), **says)
        desk.note(
            (hour + 1) * HOUR, "equity", "shadow", {"at": START + hour * HOUR * 10**9, "cash": 1.0, "equity": 100.0 - hour}
        )
    trade(desk, 7, name, why=name)
    desk.note(8 * HOUR, "run", name, {"ended": True, "why": name})


@pytest.fixture
def page(desk):
    """The page of a session in which everything has happened."""
    everything(desk)
    return Page(desk.page())


def test_every_part_is_there(page):
    titles = [each["title"] for each in page.tables]
    for wanted in (
        *("What was traded", "The latest that traded", "What the checks refused", "Triggers", "The latest firings"),
        *(
            "Forecasts (skill",
            "Forecasts by symbol",
            "Predicted moves",
            "Reliability of confidence",
            "Reliability of quantiles",
        ),
        *("Where prices fell", "What happened to the run", "Health of the parts", "Gaps in the data", "Errors"),
    ):
        assert any(title.startswith(wanted) for title in titles), wanted
    assert len(page.all("svg")) == 5  # equity, price, outcomes, calibration, timeline


def test_it_names_no_other_place_and_has_no_script(page):
    inside = {f"#{attributes['id']}" for _, attributes in page.elements if "id" in attributes}
    outside = [link for link in page.links if link not in inside]
    assert outside == ["data:,"]  # the icon, so that a browser asks for none
    assert page.names & {"script", "iframe", "object", "embed", "form", "base", "img", "image", "foreignobject"} == set()
    assert not [name for _, attributes in page.elements for name in attributes if name.startswith("on")]
    (policy,) = [each["content"] for each in page.all("meta") if each.get("http-equiv") == "Content-Security-Policy"]
    assert policy.startswith("default-src 'none';")


def test_it_says_no_address_at_all(desk):
    everything(desk)
    assert re.findall(r"\w+://[^\s\"'<]*", desk.page()) == []


def test_ids_are_there_once_and_what_is_named_exists(page):
    ids = [attributes["id"] for _, attributes in page.elements if "id" in attributes]
    assert len(ids) == len(set(ids))
    assert {link for link in page.links if link.startswith("#")} <= {f"#{each}" for each in ids}


def test_names_and_reasons_are_text_and_never_markup(desk):
    everything(desk, EVIL)
    html = desk.page()
    page = Page(html)
    assert page.names & {"script", "img"} == set()
    assert not [name for _, attributes in page.elements for name in attributes if name.startswith("on")]
    assert page.text.count("<script>alert(1)</script>") > 20
    assert "<script" not in html.lower()
    assert [link for link in page.links if "evil" in (link or "")] == []
    assert page.table("What the checks refused")[0]["the latest, for example"] == EVIL
    assert "$x_1$" in page.text


def test_it_can_be_read_aloud_and_in_the_dark(page):
    (html,) = page.all("html")
    assert html["lang"] == "en"
    assert "title" in page.names
    for svg in page.all("svg"):
        assert svg["role"] == "img"
        assert len(svg["aria-label"]) > 20
    assert all(each.get("scope") == "col" for each in page.all("th"))
    assert page.names >= {"caption", "header", "main", "nav", "figure", "figcaption", "h1", "h2", "h3"}
    style = resources.files("ml4t_live_report").joinpath("templates/style.css").read_text()
    light, dark = style.split("prefers-color-scheme: dark")
    assert "@media print" in dark
    for ink in Ink:
        assert f"{ink.variable}:" in light
        assert f"{ink.variable}:" in dark


def test_pictures_have_the_colours_of_the_page(page, desk):
    html = desk.page()
    for ink in Ink:
        assert ink.value not in html
    assert "var(--price)" in html
    assert {f"--{name}" for name in re.findall(r"var\(--([a-z]+)\)", html)} <= {ink.variable for ink in Ink} | {
        "--panel",
        "--link",
    }


def test_a_session_in_which_nothing_happened(desk):
    begin(desk)
    page = Page(desk.page())
    for text in ("The journal holds no prices", "There is no curve yet", "No check refused an order", "Every part was well"):
        assert text in page.text
    assert len(page.all("svg")) == 1


def test_an_empty_journal(desk):
    page = Page(desk.page())
    assert "The journal holds no prices" in page.text
    assert page.all("svg") == []


def test_one_without_forecasts(desk):
    begin(desk)
    trade(desk, 1, "A")
    trade(desk, 2, "A", 1)
    page = Page(desk.page())
    assert [section["id"] for section in page.all("section")] == ["account", "prices", "trading", "risk", "health"]


def test_one_without_trades(desk):
    begin(desk)
    for hour in range(5):
        predict(desk, hour, price=101.0)
    page = Page(desk.page())
    assert "No order has traded" in page.text
    assert "Predicted moves, and what came" in page.text
    assert page.table("Forecasts (skill")[0]["issued"] == "5"


def test_the_symbols_that_traded_most_are_unfolded_and_the_last_have_no_chart(desk):
    begin(desk)
    for number in range(15):
        trade(desk, number + 1, f"S{number:02}", size=1.0 + number)
    page = Page(desk.page())
    headings = re.findall(r"<(h3|summary)>(S\d\d)<", desk.page())
    assert headings == [("h3", f"S{n:02}") for n in (14, 13, 12)] + [("summary", f"S{n:02}") for n in range(11, 2, -1)]
    assert "Without a chart: 3 more symbols" in page.text
    assert len(page.table("What was traded")) == 15 + 1


def test_a_session_that_is_on_says_so(desk):
    begin(desk)
    assert "while the run was on" in desk.page(running=True)


def test_the_reliability_of_a_calibrated_forecaster_is_drawn_on_the_diagonal(desk):
    begin(desk)
    for hour in range(200):
        came_true = hour % 10 < 7
        says = Direction.UP if came_true else Direction.DOWN
        predict(desk, hour, direction=says, confidence=0.7)
    html = desk.page()
    row = Page(html).table("Reliability of confidence")[0]
    assert (row["claimed"], row["came true"], row["forecasts"]) == ("70.0%", "70.0%", "200")
    label = next(each["aria-label"] for each in Page(html).all("svg") if "Calibration" in each["aria-label"])
    assert "called 70.0%, came true 70.0%" in label

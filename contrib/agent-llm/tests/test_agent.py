"""What a model may say, what it may cost, and what nobody may be told."""

from __future__ import annotations

import json
import logging
import tomllib
from pathlib import Path

import pytest
from llm_kit import HOUR, TIME, agent, ask, config, request
from structlog.testing import capture_logs

from agent_llm.agent import LlmAgent
from agent_llm.config import LlmConfig
from agent_llm.stub import KEY, Stub, chat, opinion
from ml4t.live.config.decode import make_converter
from ml4t.live.config.secret import SecretSource
from ml4t.live.config.table import structure_table
from ml4t.live.contracts import Forecaster, StatefulForecaster
from ml4t.live.errors import LiveError
from ml4t.live.ledger.checking import checked
from ml4t.live.model import Direction
from ml4t.live.testing.http_server import Response

DAY = 24 * HOUR


# --- what is asked ---------------------------------------------------------------------------------------------------------


def test_it_asks_once_for_all_symbols_and_says_what_the_model_said(stub):
    stub.says = [chat({"forecasts": [opinion(), opinion("MSFT", "down", 0.7, None)]})]
    apple, microsoft = ask(agent(stub))
    assert len(stub.asked) == 1
    assert (apple.symbol, apple.direction, apple.confidence, apple.price) == ("AAPL", Direction.UP, 0.6, 101.0)
    assert (microsoft.symbol, microsoft.direction, microsoft.price) == ("MSFT", Direction.DOWN, None)
    assert apple.horizon == HOUR
    checked(apple, "llm")


def test_the_model_is_told_the_numbers_of_the_market_and_how_to_answer(stub):
    ask(agent(stub, instructions="Be careful.", prices=5))
    said = json.loads(stub.asked[0].body)
    system, user = (message["content"] for message in said["messages"])
    assert "Be careful." in system
    assert '"additionalProperties": false' in system
    told = json.loads(user)
    assert told["now"] == "2026-01-05T14:30:00Z"
    assert told["horizon"] == "1h"
    assert told["symbols"][0]["symbol"] == "AAPL"
    assert told["symbols"][0]["last_prices"] == pytest.approx([100.95, 100.96, 100.97, 100.98, 100.99])
    assert (said["model"], said["max_tokens"], said["temperature"], said["stream"]) == ("stub-1", 1_000, 0.0, False)
    assert said["response_format"]["json_schema"]["strict"] is True


@pytest.mark.parametrize(("form", "sent"), [("json_object", {"type": "json_object"}), ("none", None)])
def test_servers_that_know_no_schema_can_be_asked_as_well(stub, form, sent):
    ask(agent(stub, response_format=form, temperature=None))
    said = json.loads(stub.asked[0].body)
    assert said.get("response_format") == sent
    assert "temperature" not in said


def test_a_prompt_that_would_be_too_long_tells_fewer_prices(stub):
    ask(agent(stub, prices=400, max_prompt_chars=2_500), request(count=400))
    messages = json.loads(stub.asked[0].body)["messages"]
    assert sum(len(message["content"]) for message in messages) <= 2_500
    assert len(json.loads(messages[1]["content"])["symbols"][0]["last_prices"]) > 10


def test_a_prompt_that_cannot_be_short_enough_is_not_sent(stub):
    with pytest.raises(LiveError, match="ask about fewer, or raise max_prompt_chars"):
        ask(agent(stub, max_prompt_chars=100))
    assert stub.asked == []


def test_without_a_price_nothing_is_asked(stub):
    assert ask(agent(stub), request("AAPL", count=0)) == []
    assert stub.asked == []


def test_on_recorded_data_it_is_not_asked_because_it_may_know_the_future(stub):
    of = agent(stub)
    with capture_logs() as logs:
        assert ask(of, request(live_mode=False)) == ask(of, request(live_mode=False)) == []
    assert stub.asked == []
    assert len(logs) == 1
    assert len(ask(agent(stub, on_recorded=True), request(live_mode=False))) == 2


# --- what is answered ------------------------------------------------------------------------------------------------------


def test_a_model_without_an_opinion_abstains(stub):
    stub.says = [chat({"forecasts": []})]
    assert ask(agent(stub)) == []


@pytest.mark.parametrize(
    ("said", "words"),
    [
        (chat("I think AAPL will rise."), "does not answer as it was told to"),
        (chat("```json\n{}\n```"), "does not answer as it was told to"),
        (chat(None), "does not answer as it was told to"),
        (chat({}), "does not answer as it was told to"),
        (chat([opinion()]), "does not answer as it was told to"),
        (chat({"forecasts": [opinion(confidence=1.2)]}), "does not answer as it was told to"),
        (chat({"forecasts": [opinion(confidence="high")]}), "does not answer as it was told to"),
        (chat({"forecasts": [opinion(direction="moon")]}), "does not answer as it was told to"),
        (chat({"forecasts": [opinion(price=-1.0)]}), "does not answer as it was told to"),
        (chat({"forecasts": [opinion(order="buy 100")]}), "does not answer as it was told to"),
        (chat('{"forecasts": [{"symbol": "AAPL", "direction": "up", "confidence": NaN, "price": 1}]}'), "does not answer"),
        (chat({"forecasts": [opinion("TSLA")]}), "was not asked about"),
        (chat({"forecasts": [opinion(), opinion()]}), "one symbol twice"),
        (chat({"forecasts": [opinion(price=1_000.0)]}), "beyond max_move"),
        (chat({"forecasts": [opinion(), opinion("MSFT", price=1.0)]}), "beyond max_move"),
        (chat({"forecasts": [opinion()]}, finish="length"), "cut off at max_tokens"),
        (Response(b"<html>"), "no completion"),
        (Response(b'{"choices": []}'), "without a choice"),
        (Response(b"\xff"), "no completion"),
        (Response(b"", 500), "answers 500"),
        (Response(b"", 302, {"Location": "http://127.0.0.1:9/"}), "answers 302"),
    ],
)
def test_garbage_is_no_forecast_and_half_an_answer_is_none(stub, said, words):
    stub.says = [said]
    with pytest.raises(LiveError, match=words):
        ask(agent(stub))


@pytest.mark.parametrize("said", [chat(None, refusal="I cannot help with that."), chat("", finish="content_filter")])
def test_a_refusal_is_an_abstention(stub, said):
    stub.says = [said]
    with capture_logs() as logs:
        assert ask(agent(stub)) == []
    assert [each["why"] for each in logs] == ["the model refuses to answer"]


def test_an_answer_that_is_too_long_is_not_read_to_its_end(stub):
    stub.says = [Response(b" " * 5_000_000)]
    with pytest.raises(LiveError, match="longer than 1000 bytes"):
        ask(agent(stub, max_answer_bytes=1_000))


def test_a_model_that_does_not_answer_is_given_up(stub):
    stub.mute(True)
    with pytest.raises(LiveError, match=r"does not answer within 0\.2 s"):
        ask(agent(stub, timeout_seconds=0.2))


def test_nobody_listening():
    with Stub() as stub:
        of = agent(stub)
    with pytest.raises(LiveError, match="cannot be reached"):
        ask(of)


def test_after_a_429_the_server_is_left_alone(stub):
    stub.says = [Response(b"", 429, {"Retry-After": "600"})]
    of = agent(stub)
    with pytest.raises(LiveError, match="not asked for 600 s"):
        ask(of)
    assert ask(of) == []
    assert len(stub.asked) == 1


# --- what it costs ---------------------------------------------------------------------------------------------------------


def test_what_was_used_is_what_is_paid(stub):
    of = agent(stub)
    ask(of)
    assert of.state() == {"day": "2026-01-05", "spent": pytest.approx(1_000e-6 + 100 * 4e-6), "requests": 1}


def test_a_request_is_not_sent_when_it_could_cost_more_than_is_left(stub):
    of = agent(stub, budget_per_day=0.0045)
    with capture_logs() as logs:
        assert [ask(of) == [] for _ in range(5)] == [True] * 5
    assert stub.asked == [], "4,000 for the answer and more than 500 for the prompt"
    assert [each["event"] for each in logs] == [
        "the budget of 2026-01-05 is used up; the model is not asked any more on that day"
    ]


def test_the_budget_of_a_day_is_never_overspent_and_the_next_day_has_its_own(stub):
    of = agent(stub, budget_per_day=0.02)
    for number in range(40):
        ask(of, request(time=TIME + number * 1_000))
    assert 1 < len(stub.asked) < 40
    assert of.state()["spent"] <= 0.02
    assert len(ask(of, request(time=TIME + DAY))) == 2


def test_a_clock_that_goes_back_gives_no_money_back(stub):
    of = agent(stub, requests_per_day=1)
    ask(of)
    assert ask(of, request(time=TIME - DAY)) == []
    assert len(stub.asked) == 1


def test_what_nobody_knows_the_cost_of_costs_the_most(stub):
    stub.says = [chat({"forecasts": []}, tokens=None)]
    of = agent(stub)
    ask(of)
    least = len(stub.asked[0].body) * 1e-6 + 1_000 * 4e-6
    assert of.state()["spent"] == pytest.approx(least)
    stub.says = [Response(b"", 500)]
    with pytest.raises(LiveError):
        ask(of)
    assert of.state()["spent"] == pytest.approx(2 * least)


def test_requests_are_counted_also_where_they_cost_nothing(stub):
    of = agent(stub, price_in=0.0, price_out=0.0, budget_per_day=0.0, requests_per_day=2)
    assert [len(ask(of)) for _ in range(3)] == [2, 2, 0]


def test_a_restart_does_not_forget_what_was_spent(stub):
    first, second = agent(stub, requests_per_day=1), agent(stub, requests_per_day=1)
    ask(first)
    second.restore(json.loads(json.dumps(first.state())))
    assert ask(second) == []


# --- the key ---------------------------------------------------------------------------------------------------------------


def test_a_wrong_key_is_told_without_the_key_and_without_the_servers_words(stub, caplog, capfd):
    caplog.set_level(logging.DEBUG)
    of = LlmAgent(config(stub, api_key="sk-wrong-1234"))
    with capture_logs() as logs, pytest.raises(LiveError, match="check api_key") as caught:
        ask(of)
    told = f"{caught.value!r} {logs} {caplog.text} {capfd.readouterr()} {of.config!r} {of!r} {vars(of)}"
    assert "sk-wrong-1234" not in told
    assert "Incorrect" not in told


def test_the_key_is_not_in_the_prompt(stub):
    ask(agent(stub))
    assert KEY.encode() not in stub.asked[0].body


def test_a_server_may_want_no_key(stub):
    with pytest.raises(LiveError, match="check api_key"):
        ask(agent(stub, api_key=None))
    assert "authorization" not in stub.asked[0].headers


# --- options ---------------------------------------------------------------------------------------------------------------


def test_it_is_a_forecaster_with_a_memory_and_a_version(stub):
    of = agent(stub)
    assert isinstance(of, Forecaster)
    assert isinstance(of, StatefulForecaster)
    assert of.version == "stub-1"


def test_it_is_configured_from_a_file():
    raw = tomllib.loads("""
        url = "https://models.example/v1/chat/completions"
        model = "small"
        api_key = { env = "K" }
        budget_per_day = 2
        price_in = 0.5
        price_out = 1.5
        temperature = "off"
    """)
    made = structure_table(make_converter(Path(), SecretSource({"K": KEY}, Path())), raw, LlmConfig)
    assert made.api_key.reveal() == KEY
    assert (made.budget_per_day, made.temperature) == (2.0, None)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"url": "models.example"}, "is no address"),
        ({"url": "http://models.example/v1"}, "in the clear"),
        ({"url": "https://user:word@models.example/v1"}, "use api_key"),
        ({"model": ""}, "model"),
        ({"budget_per_day": -1.0}, "'budget_per_day' must be >= 0"),
        ({"response_format": "xml"}, "'response_format' must be in"),
    ],
)
def test_options_that_are_refused(options, words):
    right = {"url": "https://x/v1", "model": "m", "budget_per_day": 1.0, "price_in": 1.0, "price_out": 1.0}
    with pytest.raises(ValueError, match=words):
        LlmConfig(**{**right, **options})

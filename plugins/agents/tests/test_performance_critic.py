"""The critic in the real engine: whom it disables, whom it does not, what it weighs by, and who has another chance."""

from __future__ import annotations

import random

import pytest
from agents_kit import DAY, HOUR, MINUTE, START, Every, Script, returns_to_come, run, spec, ticks, walk

from ml4t.live.contracts import ForecastRequest, PastScore, Weight
from ml4t.live.model import Forecast
from ml4t_live_agents.config import PerformanceCriticConfig
from ml4t_live_agents.performance_critic import PerformanceCritic, Record

TRIGGERS = {"minutely": Every(MINUTE), "half_hourly": Every(30 * MINUTE)}
COUNT = 600
PRICES = walk(COUNT, 11)
TO_COME = returns_to_come(PRICES)


class Naive(Script):
    """The last price, and no direction."""

    def forecast(self, request):
        return [Forecast(symbol, request.horizon, request.market.price(symbol)) for symbol in request.symbols]


def critic(**options):
    return PerformanceCritic(PerformanceCriticConfig(**options))


def models(rng_seed=1):
    """A model that is always wrong, one that knows half of what is coming, a naive one and a coin that admits it."""
    rng = random.Random(rng_seed)
    noise = [rng.gauss(0.0, 0.0007) for _ in range(COUNT)]
    coin = [rng.choice((1e-9, -1e-9)) for _ in range(COUNT)]
    return {
        "wrong": Script(lambda _, n: -TO_COME[n]),
        "good": Script(lambda _, n: 0.6 * (TO_COME[n] + noise[n])),
        "naive": Naive(lambda _, n: 0.0),
        "coin": Script(lambda _, n: coin[n], confidence=0.5),
    }


def judge(folder, scripts, its=None, prices=PRICES, **rest):
    specs = [spec(name, script, "minutely") for name, script in scripts.items()]
    specs.append(spec("critic", its or critic(), "half_hourly"))
    return run(folder, specs, ticks(prices), TRIGGERS, **rest)


def asked_after(script, minute):
    return [each for each in script.asked if each > minute]


def test_what_is_always_wrong_is_disabled_and_nothing_else_and_the_better_weighs_more(tmp_path):
    scripts = models()
    told = judge(tmp_path, scripts)
    disabled = [r for r in told.of("weight") if r.body["weight"] == 0.0]
    assert [r.subject for r in disabled] == ["wrong"]
    assert "worse than naive" in disabled[0].body["reason"]
    minute = (int(disabled[0].body["firing"].rsplit(":", 1)[1]) - START) // MINUTE
    assert minute <= 240
    assert asked_after(scripts["wrong"], minute) == []
    declined = told.of("declined", "wrong")
    assert len(declined) == COUNT - 1 - minute
    assert declined[-1].body["why"].startswith("weight 0, by critic: evidence of ")
    held = {model: each["weight"] for model, each in told.state["weight"].items()}
    assert held["good"] > 2.0
    assert 0.01 < held["naive"] < 0.5
    assert held["coin"] == held["naive"], "neither has skill, and one that admits it is not disabled"
    assert len(asked_after(scripts["good"], 0)) == COUNT - 1


def test_a_restart_in_the_middle_ends_with_the_same_weights(tmp_path):
    whole = judge(tmp_path / "whole", models())
    judge(tmp_path / "parts", models(), prices=PRICES[:333])
    parts = judge(tmp_path / "parts", models())

    def said(told):
        return [(r.subject, r.body) for r in told.of("weight")]

    assert said(parts) == said(whole)
    assert parts.state["weight"] == whole.state["weight"]
    assert parts.state["forecaster"] == whole.state["forecaster"]


def test_an_operator_keeps_a_model_that_the_critic_would_disable(tmp_path):
    wrong = models()["wrong"]
    specs = [spec("wrong", wrong, "minutely", weight=1.0), spec("critic", critic(), "half_hourly")]
    told = run(tmp_path, specs, ticks(PRICES), TRIGGERS)
    assert len(wrong.asked) == COUNT
    assert told.state["forecaster"]["critic"]["state"]["wrong"]["stands"] == "disabled"


def test_one_that_was_wrong_and_is_good_now_comes_back_and_one_that_is_still_wrong_does_not(tmp_path):
    prices = walk(2_400, 12)
    coming = returns_to_come(prices)
    reformed = Script(lambda _, n: coming[n] if n > 500 else -coming[n])
    stubborn = Script(lambda _, n: -coming[n])
    scripts = {"reformed": reformed, "stubborn": stubborn}
    told = judge(tmp_path, scripts, critic(probation_after=10 * HOUR), prices)
    history = {name: [r.body["weight"] for r in told.of("weight", name)] for name in scripts}
    assert history["stubborn"][:3] == [0.0, 0.25, 0.0], "disabled, on probation, disabled again"
    assert history["reformed"][:2] == [0.0, 0.25]
    assert history["reformed"][-1] >= 1.0
    standing = told.state["forecaster"]["critic"]["state"]
    assert standing["reformed"]["stands"] == "good"
    assert standing["stubborn"]["disabled"] >= 2
    waits = [r.time for r in told.of("weight", "stubborn")]
    assert waits[1] - waits[0] >= 10 * HOUR
    assert len(waits) == 3 or waits[3] - waits[2] >= 20 * HOUR, "it waits twice as long the second time"


# ------------------------------------------------------------------ one request at a time


def ask(its, *scores, weights=None, time=1):
    import asyncio

    named = {score.model for score in scores} | {"critic"}
    request = ForecastRequest(
        symbols=("A",),
        horizon=MINUTE,
        time=time,
        market=None,
        model="critic",
        scores={(score.model, score.horizon): score for score in scores},
        weights=dict.fromkeys(named, 1.0) | (weights or {}),
    )
    return {weight.model: weight for weight in asyncio.run(its.forecast(request))}


def past(model, skill=None, *, against=1.0, e_value=1.0, effective=100.0, horizon=MINUTE, resolved=100):
    return PastScore(model, horizon, resolved, resolved, skill=skill, e_value=e_value, e_against=against, effective=effective)


def test_weights_follow_from_skill_drawn_to_zero():
    said = ask(critic(shrink=100.0, temperature=0.1), past("a", 0.2), past("b", 0.0))
    assert said["a"].weight == pytest.approx(2 * 2.718 / (2.718 + 1), abs=0.002), "0.2 over 100 forecasts counts as 0.1"
    assert said["b"].weight == pytest.approx(2 / (2.718 + 1), abs=0.002)
    few = ask(critic(shrink=100.0, temperature=0.1), past("a", 0.2, effective=1.0), past("b", 0.0))
    assert few == {}, "one forecast says next to nothing, and a small change is not worth a word"


def test_a_skill_that_cannot_be_leaves_weights_that_are_numbers():
    said = ask(critic(shrink=0.0), past("a", 1.0), past("b", -1e9))
    assert said["b"].weight == 0.001, "0 is for the disabled alone"
    assert said["a"].weight == 2.0


def test_the_horizon_at_which_most_is_known_decides():
    few, many = past("a", 0.5, resolved=10, horizon=1), past("a", -0.1, resolved=500, horizon=2)
    assert ask(critic(shrink=0.0), few, many, past("b", 0.0))["a"].weight < 1.0


def test_evidence_both_ways_does_not_disable_and_those_not_named_are_not_judged():
    assert ask(critic(), past("a", 0.0, against=1e6, e_value=1e6)) == {}
    assert ask(critic(models=("b",)), past("a", -0.5, against=1e6)) == {}
    assert ask(critic(), past("critic", -0.5, against=1e6)) == {}
    assert ask(critic(), past("a", None, against=25.0))["a"] == Weight(
        "a", 0.0, "evidence of 25 that it is worse than naive (no skill known, 100 forecasts resolved)"
    )


def test_probation_judges_what_has_come_since():
    its = critic(probation_after=DAY)
    assert ask(its, past("a", -0.5, against=1_000.0), time=1)["a"].weight == 0.0
    assert ask(its, past("a", -0.5, against=1_000.0), weights={"a": 0.0}, time=DAY) == {}, "not yet a day"
    assert ask(its, past("a", -0.5, against=1_000.0), weights={"a": 0.0}, time=DAY + 1)["a"].weight == 0.25
    assert ask(its, past("a", -0.5, against=19_000.0), weights={"a": 0.25}, time=DAY + 2) == {}, "not twenty times as much"
    assert ask(its, past("a", -0.5, against=20_000.0), weights={"a": 0.25}, time=DAY + 3)["a"].weight == 0.0
    assert ask(its, past("a", -0.5, against=20_000.0), weights={"a": 0.0}, time=3 * DAY + 2) == {}, "now it is two days"
    assert ask(its, past("a", -0.5, against=20_000.0), weights={"a": 0.0}, time=3 * DAY + 3)["a"].weight == 0.25
    again = critic(probation_after=DAY)
    again.restore(its.state())
    assert ask(again, past("a", 0.0, against=1_000.0), weights={"a": 0.25}, time=4 * DAY)["a"].weight == 1.0
    assert again.state()["a"] == {"stands": "good", "since": 4 * DAY, "disabled": 2, "against": 1_000.0, "skill": 1.0}
    assert Record(**its.state()["a"]).stands == "probation", "the one that was asked first knows nothing of that"


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"disable_at": 1.0}, "'disable_at' must be > 1"),
        ({"temperature": 0.0}, "'temperature' must be > 0"),
        ({"probation_weight": 1.5}, "'probation_weight' must be <= 1"),
    ],
)
def test_a_refusal_says_what_is_wrong(options, words):
    with pytest.raises(ValueError, match=words):
        PerformanceCriticConfig(**options)

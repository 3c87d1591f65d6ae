"""What a critic says of the other models, what an ensemble sees of them, and what both keep over restarts."""

from __future__ import annotations

import math

import pytest
from engine_kit import MINUTE, START, replay, trade

from ml4t.live.contracts import StatefulForecaster, Weight
from ml4t.live.engine.forecasting import ForecasterSpec
from ml4t.live.engine.memories import BUCKET as MEMORIES
from ml4t.live.engine.triggers import TriggerSpec
from ml4t.live.engine.weights import BUCKET, OPERATOR, Weights
from ml4t.live.journal import JournalReader
from ml4t.live.model import Direction, Firing, Forecast

TICKS = [trade("A", n * MINUTE, 100.0 + n) for n in range(20)]


class Each:
    def on_event(self, event, market):
        return Firing(reason="it was time")


class Model:
    """Predicts the next price; notes what it is told."""

    def __init__(self):
        self.requests = []
        self.seen = []

    def forecast(self, request):
        self.requests.append(request)
        self.seen.append({symbol: list(said) for symbol, said in request.forecasts.items()})
        return [
            Forecast(symbol, request.horizon, request.market.price(symbol) + 1.0, Direction.UP) for symbol in request.symbols
        ]


class Critic:
    """Says at its n-th request what `says[n]` is, nothing otherwise."""

    def __init__(self, **says):
        self.says = {int(name[1:]): said for name, said in says.items()}
        self.count = 0

    def forecast(self, request):
        self.count += 1
        return self.says.get(self.count)


class Counter(Critic):
    """The same, counting over restarts."""

    def state(self):
        return {"count": self.count}

    def restore(self, state):
        self.count = state["count"]


def spec(forecaster, name="model", **rest):
    return ForecasterSpec(name, forecaster, frozenset({"each"}), horizon=5 * MINUTE, **rest)


def run(folder, *specs, events=TICKS, **options):
    return replay(None, events, folder, triggers=[TriggerSpec("each", Each())], forecasters=specs, **options)


def bucket(folder, name):
    with JournalReader(next(folder.rglob("journal.sqlite3"))) as reader:
        return reader.state(name)


def minutes(requests):
    return [(request.time - START) // MINUTE for request in requests]


# ------------------------------------------------------------------ weights


def test_a_model_of_weight_0_is_asked_no_more_and_who_says_so_is_recorded(tmp_path):
    model = Model()
    critic = Critic(n5=Weight("model", 0.0, "always wrong"), n9=[Weight("model", 0.25, "on probation")])
    story = run(tmp_path, spec(critic, "critic"), spec(model))
    assert minutes(model.requests) == [*range(5), *range(9, 20)], "what is asked at the same moment is asked as before"
    declined = [r.body["why"] for r in story.of("declined") if r.subject == "model"]
    assert declined == ["weight 0, by critic: always wrong"] * 4
    assert [r.weights["model"] for r in model.requests] == [1.0] * 5 + [0.25] * 11
    assert [r.weights["critic"] for r in model.requests] == [1.0] * 16
    told = [(r.subject, r.body["weight"], r.body["before"], r.body["by"], r.body["firing"]) for r in story.of("weight")]
    ids = [f"each:A:{START + n * MINUTE}" for n in (4, 8)]
    assert told == [("model", 0.0, 1.0, "critic", ids[0]), ("model", 0.25, 0.0, "critic", ids[1])]


def test_the_order_of_model_and_critic_makes_no_difference(tmp_path):
    seen = []
    for order in (1, -1):
        model = Model()
        specs = [spec(Critic(n5=Weight("model", 0.0)), "critic"), spec(model)][::order]
        run(tmp_path / str(order), *specs)
        seen.append(minutes(model.requests))
    assert seen[0] == seen[1] == [*range(5)]


def test_weights_survive_a_restart(tmp_path):
    run(tmp_path, spec(Critic(n3=Weight("model", 0.0, "wrong")), "critic"), spec(Model()))
    model = Model()
    more = [*TICKS, *(trade("A", n * MINUTE, 100.0) for n in range(20, 30))]
    story = run(tmp_path, spec(Critic(n4=Weight("model", 2)), "critic"), spec(model), events=more)
    assert minutes(model.requests) == list(range(24, 30))
    assert {r.weights["model"] for r in model.requests} == {2.0}
    assert len(story.of("weight")) == 2


def test_the_operator_has_the_last_word_while_he_says_something(tmp_path):
    model = Model()
    critic = Critic(n2=Weight("model", 0.0, "wrong"))
    story = run(tmp_path, spec(critic, "critic"), spec(model, weight=0.5))
    assert len(model.requests) == len(TICKS)
    assert {r.weights["model"] for r in model.requests} == {0.5}
    assert [(r.body["by"], r.body["weight"]) for r in story.of("weight")] == [(OPERATOR, 0.5)]
    more = [*TICKS, trade("A", 20 * MINUTE, 100.0)]
    model = Model()
    story = run(tmp_path, spec(Critic(), "critic"), spec(model), events=more)
    assert [r.weights["model"] for r in model.requests] == [1.0]
    assert [(r.body["weight"], r.body["reason"]) for r in story.of("weight")][1:] == [(1.0, "it says nothing any more")]
    stopped = run(tmp_path, spec(Model(), weight=0.0), events=[*more, trade("A", 21 * MINUTE, 100.0)])
    assert stopped.of("declined")[-1].body["why"] == f"weight 0, by {OPERATOR}"


@pytest.mark.parametrize(
    ("said", "words"),
    [
        (Weight("modle", 0.5), "'modle', which is no model of this run; did you mean model?"),
        (Weight("model", -0.1), "weight -0.1, which is no finite number from 0 up"),
        (Weight("model", math.nan), "weight nan"),
        (Weight("model", math.inf), "weight inf"),
        (Weight("model", True), "weight True"),
        (Weight("model", "0.5"), "weight '0.5'"),
        (Weight("critic", 2.0), "critic weighs itself"),
        ([Weight("model", 0.0), Weight("model", 1.0)], "weighs model twice"),
        ([Weight("model", 0.0), Weight("nobody", 1.0), Forecast("A", 1, 1.0)], "no model of this run"),
        ([Weight("model", 0.0), Forecast("A", 1, -1.0)], "the price -1.0"),
        ([Weight("model", 0.0), "more"], "is no Forecast, OrderIntent or Weight"),
    ],
)
def test_nonsense_is_a_failure_of_the_critic_and_nothing_of_it_is_applied(tmp_path, said, words):
    model = Model()
    story = run(tmp_path, spec(Critic(n3=said), "critic"), spec(model))
    assert len(model.requests) == len(TICKS)
    assert story.of("weight") == []
    assert [r.subject for r in story.of("forecast") if r.body["model"] == "critic"] == []
    (error,) = story.of("error")
    assert error.subject == "forecaster critic"
    assert words in error.body["message"]


def test_what_is_told_again_after_a_crash_is_known():
    notes = []

    def record(kind, subject, body, *, state=(), on_durable=None):
        notes.append((kind, subject, body, state))
        return len(notes)

    weights = Weights({"a": None, "b": None}, record)
    weights.apply([Weight("a", 0.5)], by="critic", cause="t:1", time=10)
    weights.apply([Weight("a", 0.0)], by="second", cause="t:1", time=10)
    assert (weights.at(10)["a"], weights.at(11)["a"]) == (1.0, 0.0)
    import msgspec

    restored = Weights({"a": None, "b": None}, record)
    restored.restore(msgspec.json.decode(msgspec.json.encode({put.key: put.value for put in notes[-1][3]})))
    restored.apply([Weight("a", 0.5)], by="critic", cause="t:1", time=10)
    restored.apply([Weight("a", 0.0)], by="second", cause="t:1", time=10)
    assert len(notes) == 2
    assert (restored.at(10)["a"], restored.at(11)["a"]) == (1.0, 0.0)
    assert restored.why_not("a", 10) == ""
    assert restored.why_not("a", 11) == "weight 0, by second"
    restored.apply([Weight("a", 0.0)], by="critic", cause="t:2", time=12)
    assert len(notes) == 3, "the same weight on another occasion is a word of its own"


# ------------------------------------------------------------------ what the others say


def test_an_ensemble_sees_what_others_have_issued_before_its_moment_and_nothing_else(tmp_path):
    first, second = Model(), Model()
    run(tmp_path, spec(first, "first"), spec(second, "second", horizon_in="time"))
    for model in (first, second):
        assert model.seen[0] == {}
        for at, seen in zip(minutes(model.requests)[1:], model.seen[1:], strict=True):
            assert [(f.model, f.symbol) for f in seen["A"]] == [("first", "A"), ("second", "A")]
            assert {f.issued_at for f in seen["A"]} == {START + (at - 1) * MINUTE}, "the newest, and none of this moment"


def test_a_forecast_that_is_resolved_is_shown_no_more(tmp_path):
    once, watcher = Model(), Model()
    events = [*TICKS[:8], trade("B", 8 * MINUTE, 50.0)]
    first_only = TriggerSpec("first", type("First", (), {"on_event": lambda *_: None, "first": True})())
    first_only.trigger.on_event = lambda event, market: Firing(reason="first") if event.event_time == START else None
    specs = [ForecasterSpec("once", once, frozenset({"first"}), horizon=5 * MINUTE), spec(watcher, "watcher")]
    replay(None, events, tmp_path, triggers=[first_only, TriggerSpec("each", Each())], forecasters=specs)
    shown = [[f.model for f in seen.get("A", ()) if f.model == "once"] for seen in watcher.seen]
    assert [len(each) for each in shown] == [0, 1, 1, 1, 1, 0, 0, 0, 0], "due, and resolved, at the fifth minute"


# ------------------------------------------------------------------ memory


def test_what_a_forecaster_remembers_comes_back(tmp_path):
    run(tmp_path, spec(Counter(), "critic"))
    assert bucket(tmp_path, MEMORIES)["critic"] == {
        "time": TICKS[-1].event_time,
        "state": {"count": 20},
        "before": {"count": 19},
    }
    critic = Counter()
    run(tmp_path, spec(critic, "critic"), events=[*TICKS, trade("A", 20 * MINUTE, 100.0)])
    assert critic.count == 21
    assert isinstance(critic, StatefulForecaster)


def test_a_memory_that_does_not_fit_is_reported_and_the_run_goes_on(tmp_path):
    class Moody(Counter):
        def restore(self, state):
            raise KeyError("version 2")

    run(tmp_path, spec(Counter(), "critic"))
    moody = Moody()
    story = run(tmp_path, spec(moody, "critic"), events=[*TICKS, trade("A", 20 * MINUTE, 100.0)])
    assert moody.count == 1
    assert story.of("error")[-1].subject == "forecaster critic"
    assert bucket(tmp_path, BUCKET) == {}

"""What becomes of predictions of every kind, and of files that must not be read."""

from __future__ import annotations

import asyncio
import hashlib
import pickle
import tomllib
from pathlib import Path

import joblib
import numpy as np
import pytest
import sklearn
from sklearn.dummy import DummyClassifier, DummyRegressor
from sklearn.ensemble import GradientBoostingRegressor, RandomForestRegressor
from sklearn.linear_model import LinearRegression, LogisticRegression, Ridge
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import LinearSVC

from forecast_sklearn.config import SklearnConfig
from forecast_sklearn.forecaster import SklearnForecaster
from ml4t.live.config.class_path import ClassPath
from ml4t.live.config.decode import make_converter
from ml4t.live.config.secret import SecretSource
from ml4t.live.config.table import structure_table
from ml4t.live.contracts import Forecaster, ForecastRequest
from ml4t.live.engine.processes import ModelProcess
from ml4t.live.errors import LiveError
from ml4t.live.ledger.checking import checked
from ml4t.live.market import MarketState
from ml4t.live.model import Direction, Trade
from ml4t.live.times import NANOS

HERE = Path(__file__).parent
START = 1_767_623_400 * NANOS
HOUR = 3_600 * NANOS
X = np.array([[0.01, 0.02], [0.02, -0.01], [-0.01, 0.01], [-0.02, -0.02], [0.0, 0.01], [0.01, 0.0]])
Y = X @ [0.5, 0.25]


def saved(folder, model):
    path = folder / "model.joblib"
    joblib.dump(model, path)
    return path, hashlib.sha256(path.read_bytes()).hexdigest()


def made(folder, model, features="last_returns", **options):
    path, digest = saved(folder, model)
    at = ClassPath(f"my_features:{features}", HERE)
    return SklearnForecaster(SklearnConfig(**{"model": path, "sha256": digest, "features": at, **options}))


def market(**prices):
    state = MarketState()
    for number in range(max(map(len, prices.values()))):
        for symbol, series in prices.items():
            if number < len(series):
                time = START + number * 60 * NANOS
                state.apply(Trade(symbol, time, series[number], 1.0), time)
    return state


def request(state=None, *symbols):
    state = state or market(A=[100.0, 101.0, 102.01], B=[50.0, 49.5, 49.005])
    return ForecastRequest(symbols or ("A", "B"), HOUR, START + HOUR, state)


def test_a_regressor_predicts_the_return_of_every_symbol(tmp_path):
    a, b = made(tmp_path, LinearRegression().fit(X, Y)).forecast(request())
    assert (a.symbol, b.symbol) == ("A", "B")
    assert a.horizon == HOUR
    assert a.price == pytest.approx(102.01 * (1 + 0.0075))
    assert b.price == pytest.approx(49.005 * (1 - 0.0075))
    assert type(a.price) is float
    checked(a, "sklearn")


@pytest.mark.parametrize(
    ("says", "target", "price"),
    [("log_return", 0.01, 102.01 * np.exp(0.01)), ("price", 103.0, 103.0), ("return", 0.01, 102.01 * 1.01)],
)
def test_what_a_prediction_means_is_said_in_the_options(tmp_path, says, target, price):
    [a] = made(tmp_path, DummyRegressor(strategy="constant", constant=target).fit(X, Y), says=says).forecast(request(None, "A"))
    assert a.price == pytest.approx(price)


@pytest.mark.parametrize("model", [Ridge(), RandomForestRegressor(3, random_state=0), make_pipeline(StandardScaler(), Ridge())])
def test_any_estimator_will_do_and_one_call_is_made_for_all_symbols(tmp_path, model):
    forecaster = made(tmp_path, model.fit(X, Y))
    calls = []
    predict = forecaster._model.predict
    forecaster._model.predict = lambda rows: calls.append(len(rows)) or predict(rows)
    assert len(forecaster.forecast(request())) == 2
    assert calls == [2]


def test_a_prediction_of_one_column_is_one_number(tmp_path):
    model = LinearRegression().fit(X, Y.reshape(-1, 1))
    assert len(made(tmp_path, model).forecast(request())) == 2


@pytest.mark.parametrize(
    ("classes", "direction"),
    [
        ([0, 1], Direction.UP),
        ([-1, 1], Direction.UP),
        (["down", "up"], Direction.UP),
        ([False, True], Direction.UP),
        ([0.0, 1.0], Direction.UP),
        ([-1, 0], Direction.SIDEWAYS),
    ],
)
def test_a_classifier_gives_the_likeliest_direction_and_its_probability(tmp_path, classes, direction):
    model = DummyClassifier(strategy="prior").fit(X, np.array([classes[0]] * 2 + [classes[1]] * 4))
    [a] = made(tmp_path, model, says="direction").forecast(request(None, "A"))
    assert a.direction is direction
    assert a.confidence == pytest.approx(4 / 6)
    checked(a, "sklearn")


def test_three_classes(tmp_path):
    model = LogisticRegression().fit(X, np.sign(np.round(Y, 3)))
    [a] = made(tmp_path, model, says="direction").forecast(request(None, "A"))
    assert a.direction in set(Direction)
    assert a.confidence >= 1 / 3


def test_quantiles_that_cross_are_put_in_order(tmp_path):
    constants = {0.1: 0.02, 0.5: -0.01, 0.9: 0.05}
    models = {level: DummyRegressor(strategy="constant", constant=value).fit(X, Y) for level, value in constants.items()}
    [a] = made(tmp_path, models, says="quantiles").forecast(request(None, "A"))
    assert a.quantiles == pytest.approx({0.1: 102.01 * 0.99, 0.5: 102.01 * 1.02, 0.9: 102.01 * 1.05})
    assert a.price == a.quantiles[0.5]
    checked(a, "sklearn")


def test_quantiles_of_real_estimators(tmp_path):
    models = {q: GradientBoostingRegressor(loss="quantile", alpha=q, n_estimators=5).fit(X, Y) for q in (0.1, 0.9)}
    for each in made(tmp_path, models, says="quantiles").forecast(request()):
        assert each.quantiles[0.1] <= each.quantiles[0.9]
        assert each.price is None


# --- features --------------------------------------------------------------------------------------------------------------


def test_it_abstains_without_features_and_without_a_price(tmp_path):
    forecaster = made(tmp_path, LinearRegression().fit(X, Y))
    assert forecaster.forecast(request(market(A=[100.0], B=[50.0]))) == []
    assert forecaster.forecast(request(None, "C")) == []
    assert made(tmp_path, LinearRegression().fit(X, Y), "not_a_number").forecast(request()) == []


def test_features_by_name_are_put_in_the_order_of_the_fit(tmp_path):
    model = LinearRegression().fit(X, Y)
    model.feature_names_in_ = np.array(["before", "last"])  # as a fit with a data frame leaves them
    [a] = made(tmp_path, model, "named").forecast(request(None, "A"))
    assert a.price == pytest.approx(102.01 * (1 + 0.0075))


def test_names_that_are_not_those_of_the_fit_are_an_error(tmp_path):
    with pytest.raises(ValueError, match="gives last, before, and the model was fitted with features without names"):
        made(tmp_path, LinearRegression().fit(X, Y), "named").forecast(request())


def test_another_number_of_features_is_an_error_that_names_both(tmp_path):
    with pytest.raises(ValueError, match="my_features:too_many gives 3 features, and the model was fitted with 2"):
        made(tmp_path, LinearRegression().fit(X, Y), "too_many").forecast(request())


def test_candles_are_asked_for(tmp_path):
    assert made(tmp_path, LinearRegression().fit(X, Y), candle=60 * NANOS).needs_candles == (60 * NANOS,)
    assert made(tmp_path, LinearRegression().fit(X, Y)).needs_candles == ()


def test_a_function_that_there_is_not_is_said_at_the_start(tmp_path):
    with pytest.raises(ValueError, match="my_features has no last_return; did you mean"):
        made(tmp_path, LinearRegression().fit(X, Y), "last_return")


# --- files that must not be read ---------------------------------------------------------------------------------------------


class Evil:
    """What a file can do that is read without a thought."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return Path.write_text, (self.path, "owned")


def test_a_file_that_is_not_the_trusted_one_is_not_read_and_nothing_in_it_runs(tmp_path):
    path, digest = saved(tmp_path, LinearRegression().fit(X, Y))
    mark = tmp_path / "mark"
    joblib.dump(Evil(mark), path)
    config = SklearnConfig(model=path, sha256=digest, features=ClassPath("my_features:last_returns", HERE))
    with pytest.raises(LiveError, match="is not the one that is trusted: its sha256 is") as caught:
        SklearnForecaster(config)
    assert not mark.exists()
    assert hashlib.sha256(path.read_bytes()).hexdigest() in str(caught.value), "so that one's own can be written down"


def test_what_is_hashed_is_what_is_read(tmp_path, monkeypatch):
    """Exchanging the file between the two must be no use."""
    path, digest = saved(tmp_path, DummyRegressor(strategy="constant", constant=0.5).fit(X, Y))
    mark = tmp_path / "mark"
    read = Path.read_bytes

    def then_exchanged(self):
        content = read(self)
        if self == path:
            joblib.dump(Evil(mark), path)
        return content

    monkeypatch.setattr(Path, "read_bytes", then_exchanged)
    SklearnForecaster(SklearnConfig(model=path, sha256=digest, features=ClassPath("my_features:last_returns", HERE)))
    assert not mark.exists()


def test_a_model_of_another_version_is_refused(tmp_path):
    path, _ = saved(tmp_path, LinearRegression().fit(X, Y))
    version = sklearn.__version__.encode()
    other = b"0" * len(version)
    path.write_bytes(path.read_bytes().replace(version, other))
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    with pytest.raises(LiveError, match=r"was fitted with scikit-learn 0+, and this is"):
        SklearnForecaster(SklearnConfig(model=path, sha256=digest, features=ClassPath("my_features:last_returns", HERE)))


def test_a_missing_file_and_one_that_is_none(tmp_path):
    features = ClassPath("my_features:last_returns", HERE)
    with pytest.raises(LiveError, match="cannot be read"):
        SklearnForecaster(SklearnConfig(model=tmp_path / "none", sha256="0" * 64, features=features))
    (tmp_path / "text").write_text("hello")
    digest = hashlib.sha256(b"hello").hexdigest()
    with pytest.raises(LiveError, match="cannot be loaded"):
        SklearnForecaster(SklearnConfig(model=tmp_path / "text", sha256=digest, features=features))


@pytest.mark.parametrize(
    ("model", "says", "words"),
    [
        (LinearRegression(), "return", "LinearRegression is not fitted"),
        (LinearRegression().fit(X, Y), "direction", "has no predict_proba"),
        (LinearSVC().fit(X, [0, 0, 1, 1, 0, 1]), "direction", "has no predict_proba"),
        (DummyClassifier().fit(X, [5, 5, 6, 6, 5, 6]), "direction", "the classes 5, 6 are no directions"),
        (LinearRegression().fit(X, Y), "quantiles", "takes a dict of estimators"),
        ({}, "quantiles", "takes a dict of estimators"),
        ({1.5: LinearRegression().fit(X, Y)}, "quantiles", "takes a dict of estimators"),
        ("a text", "return", "str has no predict"),
    ],
)
def test_a_model_that_cannot_say_what_is_wanted_is_refused_at_the_start(tmp_path, model, says, words):
    with pytest.raises(LiveError, match=words):
        made(tmp_path, model, says=says)


# --- where it runs -----------------------------------------------------------------------------------------------------------


def test_in_a_process_of_its_own_it_says_the_same(tmp_path):
    forecaster = made(tmp_path, LinearRegression().fit(X, Y))
    asked = request()

    async def main():
        process = ModelProcess("sklearn", forecaster, asked.market)
        try:
            return await process.ask(asked)
        finally:
            await process.close()

    assert asyncio.run(main()) == forecaster.forecast(asked)


def test_the_hash_is_checked_again_in_the_other_process(tmp_path):
    text = pickle.dumps(made(tmp_path, LinearRegression().fit(X, Y)))
    joblib.dump(Evil(tmp_path / "mark"), tmp_path / "model.joblib")
    with pytest.raises(LiveError, match="not the one that is trusted"):
        pickle.loads(text)
    assert not (tmp_path / "mark").exists()


def test_it_is_a_forecaster_with_a_version(tmp_path):
    forecaster = made(tmp_path, LinearRegression().fit(X, Y))
    assert isinstance(forecaster, Forecaster)
    assert forecaster.version == forecaster.config.sha256[:12]


def test_it_is_configured_from_a_file(tmp_path):
    path, digest = saved(tmp_path, LinearRegression().fit(X, Y))
    raw = tomllib.loads(f"""
        model = "{path.name}"
        sha256 = "{digest.upper()}"
        features = "my_features:last_returns"
        candle = "5m"
    """)
    made = structure_table(make_converter(tmp_path, SecretSource({}, tmp_path)), raw, SklearnConfig)
    assert (made.model, made.sha256, made.candle) == (path, digest, 300 * NANOS)
    assert made.features == ClassPath("my_features:last_returns", tmp_path)


@pytest.mark.parametrize(("options", "words"), [({"sha256": "abc"}, "is no SHA-256"), ({"says": "odds"}, "'says' must be in")])
def test_options_that_are_refused(options, words):
    features = ClassPath("my_features:last_returns", HERE)
    with pytest.raises(ValueError, match=words):
        SklearnConfig(**{"model": "m", "sha256": "0" * 64, "features": features, **options})

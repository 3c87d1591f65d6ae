"""What the forecaster is tried with by the conformance kit."""

from __future__ import annotations

import hashlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import joblib  # type: ignore[import-untyped]
from sklearn.linear_model import LinearRegression  # type: ignore[import-untyped]

from forecast_sklearn.config import SklearnConfig
from forecast_sklearn.forecaster import SklearnForecaster
from ml4t.live.config.class_path import ClassPath
from ml4t.live.contracts import ForecastRequest
from ml4t.live.testing import ForecasterRig


@asynccontextmanager
async def rig() -> AsyncIterator[ForecasterRig]:
    """Yield a model that goes on with a part of the last two returns, in a file of its own."""
    fitted = LinearRegression().fit([[0.01, 0.0], [0.0, 0.01], [-0.01, -0.01]], [0.005, 0.002, -0.007])
    with TemporaryDirectory() as folder:
        path = Path(folder) / "model.joblib"
        joblib.dump(fitted, path)
        config = SklearnConfig(
            model=path,
            sha256=hashlib.sha256(path.read_bytes()).hexdigest(),
            features=ClassPath(f"{__name__}:last_returns", Path(folder)),
        )
        yield ForecasterRig(forecaster=lambda: SklearnForecaster(config))


def last_returns(request: ForecastRequest, symbol: str) -> list[float] | None:
    """Return the last two returns of a symbol; None before there are as many."""
    view = request.market.get(symbol)
    returns = [] if view is None else list(view.returns)[-2:]
    return returns if len(returns) == 2 else None

"""The plugin module of what a user has written without packaging it."""

from __future__ import annotations

from ml4t.live.config.own_model import OwnModelConfig
from ml4t.live.hookspecs import hookimpl
from ml4t.live.records import ForecasterRecord


@hookimpl
def ml4t_live_forecasters() -> list[ForecasterRecord]:
    """Return the forecaster that is a class of one's own."""
    return [
        ForecasterRecord(
            name="python",
            config=OwnModelConfig,
            factory="ml4t.live.config.own_model:own_model",
            summary="A class of your own with a method forecast(request).",
        )
    ]

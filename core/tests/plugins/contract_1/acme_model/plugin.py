"""What this distribution offers to ml4t-live."""

from __future__ import annotations

from acme_model.config import ModelConfig, NotesConfig, StepsConfig
from ml4t.live.hookspecs import hookimpl
from ml4t.live.records import FeedRecord, ForecasterRecord, ObserverRecord


@hookimpl
def ml4t_live_feeds() -> list[FeedRecord]:
    return [
        FeedRecord(
            name="steps",
            config=StepsConfig,
            factory="acme_model.parts:Steps",
            summary="Prices that go up in steps.",
            capabilities=frozenset({"local"}),
        )
    ]


@hookimpl
def ml4t_live_forecasters() -> list[ForecasterRecord]:
    return [
        ForecasterRecord(
            name="buys", config=ModelConfig, factory="acme_model.parts:Buys", summary="Forecasts a rise and buys it."
        )
    ]


@hookimpl
def ml4t_live_observers() -> list[ObserverRecord]:
    return [
        ObserverRecord(
            name="notes", config=NotesConfig, factory="acme_model.parts:Notes", summary="Notes what happens in a file."
        )
    ]

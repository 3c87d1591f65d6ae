"""A plugin that behaves, and must not be disturbed by the others."""

from attrs import frozen

from ml4t.live.hookspecs import hookimpl
from ml4t.live.records import (
    CommandRecord,
    DoctorRecord,
    FeedRecord,
    ForecasterRecord,
    ObserverRecord,
    RiskCheckRecord,
    TriggerRecord,
)


@frozen
class FeedConfig:
    """What the engine passes to a feed."""

    symbols: tuple[str, ...] = ()


@frozen
class Config:
    """Nothing to set."""


@hookimpl
def ml4t_live_feeds():
    return [
        FeedRecord(name="ticks", config=FeedConfig, factory="hostile_bystander.parts:Part", summary="Ticks."),
        FeedRecord(name="bars", config=FeedConfig, factory="hostile_bystander.parts:Part", summary="Bars."),
    ]


@hookimpl
def ml4t_live_risk_checks():
    yield RiskCheckRecord(name="bystander", config=Config, factory="hostile_bystander.parts:Part", summary="Passes.")
    yield RiskCheckRecord(name="other", config=Config, factory="hostile_bystander.parts:Part", summary="Passes.")


@hookimpl
def ml4t_live_triggers():
    return (TriggerRecord(name="only", config=Config, factory="hostile_bystander.parts:Part", summary="Never fires."),)


@hookimpl(specname="ml4t_live_forecasters")
def forecasters():
    return [ForecasterRecord(name="flat", config=Config, factory="hostile_bystander.parts:Part", summary="No change.")]


@hookimpl
def ml4t_live_observers():
    return [ObserverRecord(name="log", config=Config, factory="hostile_bystander.parts:Part", summary="Looks on.")]


@hookimpl
def ml4t_live_secret(reference):
    return f"opened {reference}"


@hookimpl
def ml4t_live_commands():
    return [CommandRecord(name="wave", factory="hostile_bystander.parts:Part", summary="Waves.")]


@hookimpl
def ml4t_live_doctor():
    return [DoctorRecord(name="pulse", factory="hostile_bystander.parts:Part", summary="Has one.")]

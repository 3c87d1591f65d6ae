"""What each contract asks of an object, to tell an author what is missing before it is called."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from difflib import get_close_matches

from ml4t.live.contracts.broker import Broker
from ml4t.live.contracts.feed import Feed
from ml4t.live.contracts.forecaster import Forecaster
from ml4t.live.contracts.host import StrategyHost
from ml4t.live.contracts.observer import Observer
from ml4t.live.contracts.risk import RiskCheck
from ml4t.live.contracts.simulator import Simulator
from ml4t.live.contracts.trigger import CompoundTrigger, EventTrigger, ManualTrigger, TimeTrigger
from ml4t.live.records import Kind

_CONTRACTS: Mapping[Kind, tuple[type, ...]] = {
    Kind.FEED: (Feed,),
    Kind.BROKER: (Broker,),
    Kind.RISK_CHECK: (RiskCheck,),
    Kind.TRIGGER: (EventTrigger, TimeTrigger, CompoundTrigger, ManualTrigger),
    Kind.FORECASTER: (Forecaster,),
    Kind.OBSERVER: (Observer,),
    Kind.SIMULATOR: (Simulator,),
    Kind.HOST: (StrategyHost,),
}
"""The contracts of each kind of component: it follows one of them at least."""

_MODERN_ONLY = frozenset({"replace"})
"""Methods that a capability declares: a broker without it is asked to cancel and to submit."""


def missing_methods(kind: Kind, made: object) -> str:
    """Return what a component lacks of its contract, as in `has no method check(order, view)`; empty when it has all."""
    lacks = [_missing(contract, made) for contract in _CONTRACTS[kind]]
    if not all(lacks):
        return ""
    wanted = [_signature(contract, names[0]) for contract, names in zip(_CONTRACTS[kind], lacks, strict=True)]
    near = get_close_matches(lacks[0][0], [name for name in dir(made) if not name.startswith("_")], 1)
    return f"has no method {' or '.join(wanted)}" + (f"; it has {near[0]}, did you mean that?" if near else "")


def _missing(contract: type, made: object) -> list[str]:
    names = [name for name, value in vars(contract).items() if inspect.isfunction(value) and not name.startswith("_")]
    return [name for name in names if name not in _MODERN_ONLY and not callable(getattr(made, name, None))]


def _signature(contract: type, name: str) -> str:
    parameters = [each for each in inspect.signature(getattr(contract, name)).parameters if each != "self"]
    return f"{name}({', '.join(parameters)})"

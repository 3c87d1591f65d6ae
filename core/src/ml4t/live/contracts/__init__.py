"""What a plugin writes: one small protocol per kind, each saying what must hold and which exceptions may be raised.

Core owns everything hard (reconnecting, ordering, durability, limits, scoring), so that a plugin stays small.
"""

from ml4t.live.compatibility import CONTRACT, ContractDeprecation
from ml4t.live.contracts.broker import (
    Broker,
    BrokerCapabilities,
    BrokerSink,
    BrokerSnapshot,
    FindsOrders,
    OrderUpdate,
    SubmitsBrackets,
    SubmitsOco,
)
from ml4t.live.contracts.feed import Backfills, Feed, Sink
from ml4t.live.contracts.forecaster import (
    Forecaster,
    ForecastRequest,
    OrderIntent,
    PastScore,
    StatefulForecaster,
    Weight,
)
from ml4t.live.contracts.market import CandleView, KeepsBars, MarketView, NeedsCandles, SymbolView
from ml4t.live.contracts.observer import ClosingObserver, Observer, RuntimeEvent
from ml4t.live.contracts.risk import RiskCheck, RiskView
from ml4t.live.contracts.simulator import Simulator
from ml4t.live.contracts.strategy import Strategy, StrategyBroker
from ml4t.live.contracts.trigger import CompoundTrigger, EventTrigger, ManualTrigger, StatefulTrigger, TimeTrigger, Trigger

__all__ = [
    "CONTRACT",
    "Backfills",
    "Broker",
    "BrokerCapabilities",
    "BrokerSink",
    "BrokerSnapshot",
    "CandleView",
    "ClosingObserver",
    "CompoundTrigger",
    "ContractDeprecation",
    "EventTrigger",
    "Feed",
    "FindsOrders",
    "ForecastRequest",
    "Forecaster",
    "KeepsBars",
    "ManualTrigger",
    "MarketView",
    "NeedsCandles",
    "Observer",
    "OrderIntent",
    "OrderUpdate",
    "PastScore",
    "RiskCheck",
    "RiskView",
    "RuntimeEvent",
    "Simulator",
    "Sink",
    "StatefulForecaster",
    "StatefulTrigger",
    "Strategy",
    "StrategyBroker",
    "SubmitsBrackets",
    "SubmitsOco",
    "SymbolView",
    "TimeTrigger",
    "Trigger",
    "Weight",
]

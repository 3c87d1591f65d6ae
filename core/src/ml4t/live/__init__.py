"""Live trading whose parts are pip packages: feeds, brokers, risk checks, triggers and forecasters from one TOML file.

Everything here is imported when it is first used, so that `import ml4t.live` costs next to nothing. The names of vendor
plugins (`IBBroker`, `OKXFeed`, ...) are found in the plugin that has them, with an ImportError that names the pip command
when it is not installed.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ml4t.live.bars import BarAggregator, BarBuffer
    from ml4t.live.composer import compose
    from ml4t.live.contracts import Broker, Feed, Forecaster, Observer, OrderIntent, RiskCheck, Strategy, Trigger, Weight
    from ml4t.live.engine.engine import Engine
    from ml4t.live.engine.forecasting import ForecasterSpec
    from ml4t.live.engine.live import LiveEngine
    from ml4t.live.engine.triggers import TriggerSpec
    from ml4t.live.errors import (
        BrokerConnectionError,
        ConfigError,
        FeedDisconnected,
        LiveError,
        PluginError,
        RiskLimitExceeded,
    )
    from ml4t.live.model import (
        Bar,
        Direction,
        Distribution,
        Fill,
        Firing,
        Forecast,
        Funding,
        Instrument,
        Order,
        OrderSide,
        OrderState,
        OrderStatus,
        OrderType,
        Position,
        Quote,
        Trade,
        Verdict,
    )
    from ml4t.live.portfolio import VirtualPortfolio
    from ml4t.live.risk.config import LiveRiskConfig
    from ml4t.live.runner import (
        ForecastResult,
        LiveMarketRunner,
        TriggerConfig,
        TriggerType,
        create_live_market_runner,
    )
    from ml4t.live.safe import SafeBroker
    from ml4t.live.sync import ThreadSafeBrokerWrapper

_HOMES = {
    "ml4t.live.bars": ("BarAggregator", "BarBuffer"),
    "ml4t.live.composer": ("compose",),
    "ml4t.live.contracts": (
        "Broker",
        "Feed",
        "Forecaster",
        "Observer",
        "OrderIntent",
        "RiskCheck",
        "Strategy",
        "Trigger",
        "Weight",
    ),
    "ml4t.live.engine.engine": ("Engine",),
    "ml4t.live.engine.forecasting": ("ForecasterSpec",),
    "ml4t.live.engine.live": ("LiveEngine",),
    "ml4t.live.engine.triggers": ("TriggerSpec",),
    "ml4t.live.errors": (
        "BrokerConnectionError",
        "ConfigError",
        "FeedDisconnected",
        "LiveError",
        "PluginError",
        "RiskLimitExceeded",
    ),
    "ml4t.live.model": (
        "Bar",
        "Direction",
        "Distribution",
        "Fill",
        "Firing",
        "Forecast",
        "Funding",
        "Instrument",
        "Order",
        "OrderSide",
        "OrderState",
        "OrderStatus",
        "OrderType",
        "Position",
        "Quote",
        "Trade",
        "Verdict",
    ),
    "ml4t.live.portfolio": ("VirtualPortfolio",),
    "ml4t.live.risk.config": ("LiveRiskConfig",),
    "ml4t.live.runner": ("ForecastResult", "LiveMarketRunner", "TriggerConfig", "TriggerType", "create_live_market_runner"),
    "ml4t.live.safe": ("SafeBroker",),
    "ml4t.live.sync": ("ThreadSafeBrokerWrapper",),
}
_HOME = {name: module for module, names in _HOMES.items() for name in names}

__all__ = [
    "Bar",
    "BarAggregator",
    "BarBuffer",
    "Broker",
    "BrokerConnectionError",
    "ConfigError",
    "Direction",
    "Distribution",
    "Engine",
    "Feed",
    "FeedDisconnected",
    "Fill",
    "Firing",
    "Forecast",
    "ForecastResult",
    "Forecaster",
    "ForecasterSpec",
    "Funding",
    "Instrument",
    "LiveEngine",
    "LiveError",
    "LiveMarketRunner",
    "LiveRiskConfig",
    "Observer",
    "Order",
    "OrderIntent",
    "OrderSide",
    "OrderState",
    "OrderStatus",
    "OrderType",
    "PluginError",
    "Position",
    "Quote",
    "RiskCheck",
    "RiskLimitExceeded",
    "SafeBroker",
    "Strategy",
    "ThreadSafeBrokerWrapper",
    "Trade",
    "Trigger",
    "TriggerConfig",
    "TriggerSpec",
    "TriggerType",
    "Verdict",
    "VirtualPortfolio",
    "Weight",
    "compose",
    "create_live_market_runner",
]


def __getattr__(name: str) -> Any:
    home = _HOME.get(name)
    if home is not None:
        value = getattr(import_module(home), name)
        globals()[name] = value
        return value
    from ml4t.live.plugins.known import resolve_public_name  # noqa: PLC0415 - only when a plugin's name is asked for

    return resolve_public_name(name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})

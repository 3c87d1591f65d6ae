"""Configuration: a TOML file to typed settings, with all mistakes reported at once.

`Secret` and `Duration` are the types a plugin's config class uses. The rest is imported when first asked for, so that a
plugin's light module stays light.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from ml4t.live.config.duration import Duration
from ml4t.live.config.secret import Secret

if TYPE_CHECKING:
    from ml4t.live.config.document import Document, read
    from ml4t.live.config.loader import load, settle
    from ml4t.live.config.mask import show
    from ml4t.live.config.schema import json_schema
    from ml4t.live.config.settings import (
        BrokerSettings,
        EngineSettings,
        FeedSettings,
        ForecasterSettings,
        LiveSettings,
        ObserverSettings,
        PluginSettings,
        RiskCheckSettings,
        Settings,
        TriggerSettings,
    )
    from ml4t.live.config.shadow import ShadowSettings
    from ml4t.live.config.strategy import load_strategy

_HOMES = {
    "document": ("Document", "read"),
    "loader": ("load", "settle"),
    "mask": ("show",),
    "schema": ("json_schema",),
    "settings": (
        "BrokerSettings",
        "EngineSettings",
        "FeedSettings",
        "ForecasterSettings",
        "LiveSettings",
        "ObserverSettings",
        "PluginSettings",
        "RiskCheckSettings",
        "Settings",
        "ShadowSettings",
        "TriggerSettings",
    ),
    "strategy": ("load_strategy",),
}
_HOME = {name: module for module, names in _HOMES.items() for name in names}

__all__ = [
    "BrokerSettings",
    "Document",
    "Duration",
    "EngineSettings",
    "FeedSettings",
    "ForecasterSettings",
    "LiveSettings",
    "ObserverSettings",
    "PluginSettings",
    "RiskCheckSettings",
    "Secret",
    "Settings",
    "ShadowSettings",
    "TriggerSettings",
    "json_schema",
    "load",
    "load_strategy",
    "read",
    "settle",
    "show",
]


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOME[name]}"), name)

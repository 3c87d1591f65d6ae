"""The demo: a whole pipeline on thirteen years of real daily prices of five stocks."""

from __future__ import annotations

from pathlib import Path

CONFIG = Path(__file__).with_name("demo.toml")
"""The configuration that `ml4t-live demo` runs; a copy of it is a good start for one of your own."""

PLUGINS = ("ml4t-live-trigger-time", "ml4t-live-trigger-price-move", "ml4t-live-forecast-baselines")
"""The distributions that it needs besides the core."""

"""Runs of hosted strategies over tables of bars, and what their journals say."""

from __future__ import annotations

import asyncio

from ml4t.backtest import BacktestConfig, Strategy

from ml4t.live import LiveEngine
from ml4t.live.config.settings import EngineSettings
from ml4t.live.journal import JournalReader
from ml4t.live.risk.config import LiveRiskConfig
from ml4t_live_backtest.config import HostConfig
from ml4t_live_backtest.frames import FrameFeed
from ml4t_live_backtest.host import BacktestHost


class Notes(Strategy):
    """Notes the data of every timestamp, and trades as `act(data, broker)` says."""

    def __init__(self, act=None):
        self.seen = {}
        self.act = act

    def on_data(self, timestamp, data, context, broker):
        self.seen[timestamp] = {asset: dict(bar) for asset, bar in data.items()}
        if self.act is not None:
            self.act(data, broker)

    def signals(self, asset="A"):
        """The signals of an asset by timestamp."""
        return {at: data[asset]["signals"] for at, data in self.seen.items() if asset in data}


def shadow(folder, strategy, feed, settings=None, *, backtest=None, engine=None, **options):
    """Run a strategy in shadow mode over a feed, or over a table of bars; return the engine."""
    feed = feed if hasattr(feed, "run") else FrameFeed(feed)
    hosted = BacktestHost(settings or HostConfig(), backtest=backtest or BacktestConfig()).host(strategy)
    made = LiveEngine(
        hosted,
        None,
        feed,
        risk=LiveRiskConfig.without_limits("shadow"),
        settings=EngineSettings(**{"on_error": "halt", **(engine or {})}),
        state_dir=folder,
        **options,
    )
    asyncio.run(made.run())
    return made


def errors(engine):
    """The errors that a run has recorded, as (component, text)."""
    with JournalReader(engine.state_folder.journal) as journal:
        return [(record.subject, record.body["message"]) for record in journal.records("error")]

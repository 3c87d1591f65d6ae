"""The engine as a program builds it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from attrs import evolve

from ml4t.live.clock import Clock
from ml4t.live.config.settings import EngineSettings, MarketSettings
from ml4t.live.config.shadow import ShadowSettings
from ml4t.live.config.strategy import StrategySource
from ml4t.live.contracts.broker import Broker
from ml4t.live.contracts.feed import Feed
from ml4t.live.contracts.observer import Observer
from ml4t.live.contracts.risk import RiskCheck
from ml4t.live.contracts.trigger import Trigger
from ml4t.live.engine.engine import Engine
from ml4t.live.engine.forecasting import ForecasterSpec
from ml4t.live.engine.parts import NamedFeed, Parts
from ml4t.live.engine.triggers import TriggerSpec
from ml4t.live.hosting import hosted
from ml4t.live.risk.config import LiveRiskConfig
from ml4t.live.safe import SafeBroker
from ml4t.live.sessions import ALWAYS_OPEN, calendar_of
from ml4t.live.times import parse_duration


class LiveEngine(Engine):
    """Runs a strategy, triggers and forecasters on live or recorded data: `await connect()`, `await run()`, `await stop()`.

    `broker` may be a broker, a `SafeBroker`, or None: without one, and in shadow mode, orders go to the shadow venue.
    `feed` is any object with `symbols` and `async run(sink)`, or several of them. `triggers` and `forecasters` are
    `TriggerSpec` and `ForecasterSpec` objects; a bare trigger goes by the name of its class. `checks` are (name, check)
    pairs asked after the standard ones. `bars` is a length such as `"1m"`: the strategy then gets bars, otherwise every
    event. `calendar` has the trading days and hours, `"24/7"` or an exchange's such as `"XNYS"`. `record` is
    the setting of that name. The rest is as for `Engine`.

    A strategy that was written for another framework is run by its host, with the defaults (see `ml4t.live.hosting`).

    Raises ValueError when these do not fit together, TypeError for a feed that is none, RuntimeError for a `SafeBroker`
    that is in use by itself.
    """

    def __init__(
        self,
        strategy: Any,
        broker: Broker | SafeBroker | None,
        feed: Feed | Sequence[Feed],
        *,
        risk: LiveRiskConfig | None = None,
        triggers: Sequence[TriggerSpec | Trigger] = (),
        forecasters: Sequence[ForecasterSpec] = (),
        checks: Sequence[tuple[str, RiskCheck]] = (),
        observers: Sequence[tuple[str, Observer]] = (),
        bars: str | int | None = None,
        evolving: bool = False,
        state_dir: str | Path | None = None,
        name: str = "live",
        settings: EngineSettings | None = None,
        shadow: ShadowSettings | None = None,
        market: MarketSettings | None = None,
        calendar: str = ALWAYS_OPEN,
        record: bool = False,
        clock: Clock | None = None,
        seed: int | None = None,
    ) -> None:
        if isinstance(broker, SafeBroker):
            broker.refuse_if_in_use()
            risk, broker = risk or broker.config, broker.broker
        limits = risk or LiveRiskConfig()
        if limits.execution_mode is None:
            raise ValueError("the limits say not shadow, and nothing names the mode; write execution_mode='paper' or 'live'")
        feeds: Sequence[Feed] = feed if isinstance(feed, Sequence) else [feed]
        engine = settings or EngineSettings()
        length = parse_duration(bars) if isinstance(bars, str) else bars
        parts = Parts(
            name=name,
            mode=limits.execution_mode,
            feeds=tuple(NamedFeed(name=f"feed{n}", feed=f, bars=length, evolving=evolving) for n, f in enumerate(feeds, 1)),
            strategy=hosted(strategy),
            source=None if strategy is None else StrategySource.of(strategy),
            broker=broker,
            limits=limits,
            checks=checks,
            triggers=[spec if isinstance(spec, TriggerSpec) else TriggerSpec(type(spec).__name__, spec) for spec in triggers],
            forecasters=forecasters,
            observers=observers,
            engine=evolve(engine, record=engine.record or record),
            shadow=shadow or ShadowSettings(),
            market=market or MarketSettings(),
            calendar=calendar_of(calendar),
        )
        super().__init__(parts, state_dir=state_dir, clock=clock, seed=seed)

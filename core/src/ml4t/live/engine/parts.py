"""What an engine is made of, before it runs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from attrs import field, frozen

from ml4t.live.config.settings import EngineSettings, MarketSettings
from ml4t.live.config.shadow import ShadowSettings
from ml4t.live.config.strategy import StrategySource
from ml4t.live.contracts.broker import Broker
from ml4t.live.contracts.feed import Feed
from ml4t.live.contracts.market import KeepsBars
from ml4t.live.contracts.observer import Observer
from ml4t.live.contracts.risk import RiskCheck
from ml4t.live.engine.forecasting import ForecasterSpec
from ml4t.live.engine.triggers import TriggerSpec
from ml4t.live.risk.config import LiveRiskConfig
from ml4t.live.sessions import ALWAYS, Calendar
from ml4t.live.shadow.memory import BringsVenue


@frozen(kw_only=True)
class NamedFeed:
    """A feed under its name, and how its data reach the strategy: `bars` in nanoseconds, None for every event."""

    name: str
    feed: Feed
    bars: int | None = None
    evolving: bool = False

    def __attrs_post_init__(self) -> None:
        symbols = getattr(self.feed, "symbols", None)
        if not callable(getattr(self.feed, "run", None)):
            raise TypeError(f"feed {self.name} is {self.feed!r}; a feed has `symbols` and `async run(sink)`")
        if symbols is None or isinstance(symbols, str) or not all(isinstance(symbol, str) for symbol in symbols):
            raise TypeError(f"feed {self.name} has symbols = {symbols!r}; it lists what it delivers, as in ['AAPL', 'MSFT']")


@frozen(kw_only=True)
class Parts:
    """Everything that was composed; the engine adds time, the books and the journal."""

    name: str
    mode: str
    feeds: tuple[NamedFeed, ...]
    strategy: Any = None
    source: StrategySource | None = None
    """How the strategy was made, None without one."""
    broker: Broker | None = None
    limits: LiveRiskConfig = field(factory=LiveRiskConfig)
    checks: Sequence[tuple[str, RiskCheck]] = ()
    triggers: Sequence[TriggerSpec] = ()
    forecasters: Sequence[ForecasterSpec] = ()
    observers: Sequence[tuple[str, Observer]] = ()
    engine: EngineSettings = field(factory=EngineSettings)
    market: MarketSettings = field(factory=MarketSettings)
    shadow: ShadowSettings = field(factory=ShadowSettings)
    calendar: Calendar = ALWAYS
    """Trading days and hours."""
    manifest: dict[str, Any] = field(factory=dict)
    """What is sealed into the journal at the start of a run: versions, plugins, the digest of the configuration."""
    document: Mapping[str, Any] = field(factory=dict)
    """The configuration that it was composed from, without secrets; empty for an engine made in code."""
    simulated: bool = False
    """True when simulators stand in for the vendors."""

    def __attrs_post_init__(self) -> None:
        if not self.feeds:
            raise ValueError("a run needs a feed: any object with `symbols` and `async run(sink)`")

    @property
    def state(self) -> str:
        """Whose state this is: the mode, and apart from it what was simulated in that mode."""
        return f"{self.mode}-simulated" if self.simulated else self.mode

    @property
    def strategy_name(self) -> str:
        """What the strategy's orders and errors go by: its class, or that of the one that it stands for."""
        return type(getattr(self.strategy, "hosted", self.strategy)).__name__

    @property
    def initial_cash(self) -> float:
        """The cash that a shadow account begins with."""
        return self.strategy.initial_cash if isinstance(self.strategy, BringsVenue) else self.shadow.initial_cash

    @property
    def run_id(self) -> str:
        """The part of every client order id that tells this run's orders from others'."""
        return f"{self.name}/{self.state}"

    @property
    def historical(self) -> bool | None:
        """True when the data are recorded ones, None when the feeds do not say. Raises ValueError when they disagree."""
        said = {getattr(named.feed, "historical", None) for named in self.feeds}
        if len(said) > 1:
            raise ValueError("some feeds are recorded (historical = True) and some are not; one run has one time")
        return said.pop()

    @property
    def symbols(self) -> tuple[str, ...]:
        """The symbols of all feeds."""
        return tuple(dict.fromkeys(symbol for feed in self.feeds for symbol in feed.feed.symbols))

    @property
    def candles(self) -> frozenset[int]:
        """The lengths of the candles to keep: those of the settings, and those that triggers, models and strategy need."""
        parts = [*(spec.trigger for spec in self.triggers), *(spec.forecaster for spec in self.forecasters), self.strategy]
        wanted = frozenset(self.market.candles).union(*(getattr(part, "needs_candles", ()) for part in parts))
        if not isinstance(self.strategy, KeepsBars):
            return wanted
        return wanted.union(self.strategy.candles_for(self.bars, self.market.history))

    @property
    def bars(self) -> int | None:
        """The bar length that the strategy gets, None for every event; the first feed that names one decides."""
        return next((feed.bars for feed in self.feeds if feed.bars is not None), None)

    @property
    def evolving(self) -> bool:
        """True when the strategy gets bars that are still running."""
        return any(feed.evolving for feed in self.feeds)

"""The settings: what a configuration says, typed and checked, one frozen class a section."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from math import inf
from pathlib import Path
from typing import Any, Literal

from attrs import Attribute, field, frozen
from attrs.validators import and_, ge, gt, lt, optional

from ml4t.live.config.duration import Duration
from ml4t.live.config.problem import Route
from ml4t.live.config.shadow import ShadowSettings
from ml4t.live.model import HorizonIn
from ml4t.live.risk.config import LiveRiskConfig
from ml4t.live.times import NANOS

Mode = Literal["shadow", "paper", "live"]
OnError = Literal["continue", "halt"]
CatchUp = Literal["skip", "once", "all"]
OnDifference = Literal["adopt", "halt", "flatten"]
Durability = Literal["fsync", "write", "none"]

_NAME = re.compile(r"[A-Za-z0-9][\w.-]*")
_STRATEGY = re.compile(r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)*:[A-Za-z_]\w*(\.[A-Za-z_]\w*)*")


def _named(_: object, __: Attribute[Any], value: str) -> None:
    if not _NAME.fullmatch(value):
        raise ValueError("is no name; write letters, digits, dots, dashes and underscores, as in momentum-1")


def _import_path(_: object, __: Attribute[Any], value: str | None) -> None:
    if value is None or _STRATEGY.fullmatch(value):
        return
    stem, _colon, name = value.removeprefix("./").replace(".py", "").replace("/", ".").partition(":")
    module, dot, last = stem.rpartition(".")
    if not name and dot:
        stem, name = module, last
    guess = f"{stem}:{name or 'MyStrategy'}"
    remedy = guess if _STRATEGY.fullmatch(guess) else "my_strategies:Momentum"
    raise ValueError(f'is no import path; write "module:Class", as in "{remedy}"')


def _distinct(noun: str) -> Any:
    def check(_: object, __: Attribute[Any], value: tuple[str, ...]) -> None:
        if any(not item.strip() for item in value):
            raise ValueError(f"holds a blank {noun}; take it out or write a {noun}")
        if padded := [item for item in value if item != item.strip()]:
            raise ValueError(f'"{padded[0]}" has spaces around it; write "{padded[0].strip()}"')
        if twice := [item for position, item in enumerate(value) if item in value[:position]]:
            raise ValueError(f'"{twice[0]}" is listed twice; list each {noun} once')

    return check


def _some(noun: str, example: str) -> Any:
    def check(_: object, __: Attribute[Any], value: tuple[str, ...]) -> None:
        if not value:
            raise ValueError(f"is empty; name at least one {noun}, as in {example}")

    return check


@frozen(kw_only=True)
class LiveSettings:
    """What runs, and how far its orders go: `[live]`."""

    name: str = field(default="live", validator=_named)
    """The name of the run: part of its client order ids and of its folder."""
    mode: Mode = "shadow"
    """Where orders go: shadow (nowhere), paper or live."""
    strategy: str | None = field(default=None, validator=_import_path)
    """The strategy's class, "module:Class"; the folder of the configuration is on the import path."""
    strategy_options: Mapping[str, Any] = field(factory=dict)
    """Arguments of the strategy's class."""
    calendar: str = "24/7"
    """Trading days and hours: "24/7", or those of an exchange such as "XNYS", with `pip install 'ml4t-live[calendars]'`."""
    state_dir: Path | None = None
    """The folder of the journal, relative to the configuration's. None: the caller decides."""


@frozen(kw_only=True)
class EngineSettings:
    """How the engine runs: `[engine]`."""

    strategy_thread: bool = False
    """True calls the strategy in a thread of its own, for one that blocks."""
    on_error: OnError = "continue"
    """What an exception in a strategy, trigger, forecaster or observer does once its budget is spent: continue or halt."""
    error_budget: int = field(default=10, validator=ge(0))
    """How many exceptions each of them may raise before `on_error` counts."""
    durability: Durability | None = None
    """How an intent gets to disk before it is sent: fsync, write, or none. None: fsync; none when the data are recorded."""
    inbox_capacity: int = field(default=65_536, validator=gt(0))
    """How many market events may wait."""
    silence_seconds: float = field(default=30.0, validator=gt(0))
    """A feed that says nothing for so long is taken to be lost and is connected again."""
    forecaster_budget_seconds: float = field(default=30.0, validator=gt(0))
    """Time that a forecaster may take, unless it has a budget of its own."""
    forecast_late: Duration | None = None
    """How much trading time after its horizon a price may come and still count. None: 1h or a tenth of the horizon, whichever
    is more; without a calendar 4d, so that a weekend is not late."""
    forecast_give_up: Duration = 14 * 86_400 * NANOS
    """How long after its horizon a forecast waits for a price before it is unresolvable."""
    forecast_cost: float = field(default=0.0005, validator=[ge(0), lt(1)])
    """What each trade of following a forecast costs besides the quoted spread, as a fraction: 0.0005 is 5 basis points."""
    blocked_after_seconds: float = field(default=5.0, validator=gt(0))
    """An event loop that does not turn for so long is reported with its stack."""
    heartbeat_seconds: float = field(default=5.0, validator=gt(0))
    """How often every part is looked at and the heartbeat file is written; four that are missing are a run that hangs."""
    control_seconds: float = field(default=0.5, validator=gt(0))
    """How often the run looks for commands that were left for it: kill, resume, flatten."""
    flush_timeout_seconds: float = field(default=2.0, validator=gt(0))
    """How long after its end a bar waits for late trades before it is closed."""
    reconnect_first_seconds: float = field(default=1.0, validator=gt(0))
    """The wait before the first attempt to connect again; it doubles with every attempt."""
    reconnect_max_seconds: float = field(default=60.0, validator=gt(0))
    """The longest wait between two attempts."""
    reconnect_attempts: int | None = field(default=None, validator=optional(gt(0)))
    """Attempts in a row before giving up. None: for ever."""

    reconcile_seconds: float = field(default=60.0, validator=gt(0))
    """How often, in paper and live mode, the venue's books are compared with ours; besides after every connect."""
    on_difference: OnDifference = "adopt"
    """What a difference that nothing explains does besides being taken over: adopt (go on), halt or flatten."""
    recent_orders: int = field(default=10_000, validator=ge(1_000))
    """Orders that have ended, and twice as many executions, that stay in memory; older ones are looked up in the journal."""
    export_seconds: float = field(default=60.0, validator=ge(0))
    """How often the files for people (`current_state.json` and others) are written, and once more at the end. 0: never."""
    journal_max_mib: int | None = field(default=None, validator=optional(gt(0)))
    """A start moves the older half of a journal larger than this (MiB) into an archive. None: `journal rotate` does."""
    record: bool = False
    """True keeps all that the strategy is handed on a tape beside the journal, for `ml4t-live parity --session`."""
    record_max_mib: int = field(default=2_048, validator=gt(0))
    """How much the tapes of a mode may take (MiB): a start deletes the oldest until half is free, and a run that fills it goes
    on without."""

    def __attrs_post_init__(self) -> None:
        if self.reconnect_first_seconds > self.reconnect_max_seconds:
            raise ValueError("reconnect_first_seconds is above reconnect_max_seconds; write a longer reconnect_max_seconds")


@frozen(kw_only=True)
class MarketSettings:
    """What is kept of the market: `[market]`."""

    history: int = field(default=1_000, validator=ge(2))
    """How many prices, and how many candles of each length, are kept per symbol."""
    candles: tuple[Duration, ...] = field(default=(), converter=tuple)
    """Lengths of the candles that are kept of every symbol, as in ["1m", "1h"]; besides those that triggers need."""
    warmup: Duration = 0
    """At the start of a live run: how much history is asked of the feeds, where they can tell, as in "2h". Nothing: none."""
    save: Duration = 3_600 * NANOS
    """How often a live run saves the history of every symbol, as in "1h"; besides at its end."""

    def __attrs_post_init__(self) -> None:
        if any(length <= 0 for length in self.candles):
            raise ValueError('candles holds a length of nothing; write ["1m"]')


@frozen(kw_only=True)
class FeedSettings:
    """A source of market data: `[feeds.NAME]`. Other keys are the component's own."""

    name: str = field(validator=_named)
    use: str
    """The feed: "plugin" or "plugin.component"."""
    symbols: tuple[str, ...] = field(default=(), validator=_distinct("symbol"))
    """The symbols to subscribe to, as the venue spells them."""
    bars: Duration | None = None
    """Make bars of this length from what the feed delivers, as in "1m"."""
    evolving: bool = False
    """True delivers a bar while it is still forming, too."""
    options: Any = None
    """The component's own settings: an instance of its config class."""


@frozen(kw_only=True)
class BrokerSettings:
    """Where orders go in paper and live mode: `[broker]`. Other keys are the component's own."""

    use: str
    """The broker: "plugin" or "plugin.component"."""
    options: Any = None


@frozen(kw_only=True)
class HostSettings:
    """What runs a strategy that was written for another framework: `[host]`. Other keys are the component's own.

    Without the table the host is found by the strategy's class, and has its defaults.
    """

    use: str
    """The host: "plugin" or "plugin.component"."""
    options: Any = None


@frozen(kw_only=True)
class TriggerSettings:
    """What wakes forecasters: `[triggers.NAME]`. Other keys are the component's own."""

    name: str = field(validator=_named)
    use: str
    """The trigger: "plugin" or "plugin.component"."""
    symbols: tuple[str, ...] = field(default=(), validator=_distinct("symbol"))
    """The symbols to watch; none means all."""
    cooldown: Duration = 0
    """How long to stay quiet after a firing, as in "10m"."""
    warmup: int = field(default=0, validator=ge(0))
    """How many events of a symbol to see before the first firing."""
    catch_up: CatchUp = "skip"
    """What becomes of firings that were missed because nobody ran or the machine slept: they are recorded, and then skipped,
    or the last one is fired late (once), or up to a hundred are (all)."""
    enabled: bool = True
    """False keeps it in the file and out of the run."""
    options: Any = None


@frozen(kw_only=True)
class ForecasterSettings:
    """A model or agent that predicts: `[forecasters.NAME]`. Other keys are the component's own."""

    name: str = field(validator=_named)
    use: str
    """The forecaster: "plugin" or "plugin.component"."""
    on: tuple[str, ...] = field(validator=[_distinct("trigger"), _some("trigger", 'on = ["hourly"]')])
    """The names of the triggers that wake it."""
    horizon: Duration
    """How far ahead it looks, as in "24h"."""
    horizon_in: HorizonIn = HorizonIn.TIME
    """What the horizon is measured in: time, trading time (hours in which the market is open), or sessions ("1d" is the next
    session's close)."""
    symbols: tuple[str, ...] = field(default=(), validator=_distinct("symbol"))
    """The symbols to forecast; none means those of the firing."""
    budget_seconds: float | None = field(default=None, validator=optional(gt(0)))
    """Time that one forecast may take. None: `engine.forecaster_budget_seconds`."""
    process: bool = False
    """True runs it in a process of its own, for one that computes for long: it then slows nothing but itself."""
    weight: float | None = field(default=None, validator=optional(and_(ge(0), lt(inf))))
    """How much it counts, whatever critics say; with 0 it is not asked. None: 1, until a critic says otherwise."""
    enabled: bool = True
    """False keeps it in the file and out of the run."""
    options: Any = None


@frozen(kw_only=True)
class RiskCheckSettings:
    """A risk check after the standard ones, in the order written: `[[risk.checks]]`. Other keys are the component's own."""

    use: str
    """The check: "plugin" or "plugin.component"."""
    name: str = field(validator=_named)
    """What refusals call it; `use` unless given."""
    options: Any = None


@frozen(kw_only=True)
class ObserverSettings:
    """Something that watches: alerts, metrics, a dashboard: `[observers.NAME]`. Other keys are the component's own."""

    name: str = field(validator=_named)
    use: str
    """The observer: "plugin" or "plugin.component"."""
    options: Any = None


@frozen(kw_only=True)
class PluginSettings:
    """Which plugins may be used: `[plugins]`."""

    allow: tuple[str, ...] | None = field(default=None, validator=optional(_distinct("plugin")))
    """The plugins that may be imported besides those of the core. None: every installed one that is named."""
    lock: Path | None = None
    """What `ml4t-live plugins lock` has written, relative to the configuration's folder: a live run refuses plugins that are
    not as it says, other runs warn. None: whatever is installed is run, and a live run warns."""


def _nowhere(_: Route) -> str:
    return ""


@frozen(kw_only=True)
class Settings:
    """A whole configuration. Equal documents have equal digests; `path` is None for one made in code."""

    live: LiveSettings
    engine: EngineSettings
    market: MarketSettings
    feeds: tuple[FeedSettings, ...]
    broker: BrokerSettings | None
    host: HostSettings | None
    risk: LiveRiskConfig
    checks: tuple[RiskCheckSettings, ...]
    shadow: ShadowSettings
    triggers: tuple[TriggerSettings, ...]
    forecasters: tuple[ForecasterSettings, ...]
    observers: tuple[ObserverSettings, ...]
    plugins: PluginSettings
    path: Path | None
    folder: Path
    """What relative paths are relative to, and where the strategy's module is looked for first."""
    digest: str
    document: Mapping[str, Any] = field(factory=dict, repr=False)
    """What all this was read from, with references in place of secrets."""
    where: Callable[[Route], str] = field(default=_nowhere, eq=False, repr=False)
    """Says where a value of it is written, as in `line 12`; empty when that is not known."""
    drift: tuple[str, ...] = ()
    """How the plugins that it names differ from the lock; of a live run there is no such difference."""

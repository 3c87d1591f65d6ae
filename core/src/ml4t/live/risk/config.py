"""The limits that every order must respect, as one class (row 45 of the table of controls)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from difflib import get_close_matches
from typing import Any, ClassVar, Literal, TypedDict, Unpack

from attrs import field, fields, frozen

from ml4t.live.risk.fields import (
    Above,
    Symbols,
    allowed,
    amount,
    blocked,
    count,
    flag,
    groups,
    one_of,
    order_types,
    share,
    shortable,
    times_in_force,
    wrong,
)

ExecutionMode = Literal["shadow", "paper", "live"]
OnBreach = Literal["halt", "flatten"]
DrawdownSince = Literal["resume", "day", "start"]


class _Limits(TypedDict, total=False):
    """The arguments of `LiveRiskConfig`, for editors and type checkers; a test keeps them equal to its fields."""

    execution_mode: ExecutionMode | None
    max_position_value: float | None
    max_position_shares: float | None
    max_positions: int | None
    max_total_exposure: float | None
    max_order_value: float | None
    max_order_shares: float | None
    max_orders_per_minute: int | None
    max_open_orders: int | None
    max_daily_loss: float | None
    max_drawdown_pct: float | None
    max_price_deviation_pct: float | None
    max_spread_pct: float | None
    max_data_staleness_seconds: float | None
    dedup_window_seconds: float | None
    allowed_assets: Symbols
    blocked_assets: Symbols
    kill_switch_enabled: bool
    on_breach: OnBreach
    max_consecutive_rejects: int | None
    max_strategy_fills_per_minute: int | None
    drawdown_since: DrawdownSince
    trade_only_in_session: bool
    check_budget_ms: float
    max_price_drift_pct: float | None
    max_market_deviation_pct: float | None
    price_tick: float | None
    lot_size: float | None
    min_order_shares: float | None
    min_order_value: float | None
    max_volume_pct: float | None
    max_messages_per_second: int | None
    max_messages_per_minute: int | None
    max_messages_per_hour: int | None
    max_order_to_fill_ratio: float | None
    max_orders_per_decision: int | None
    max_open_orders_per_symbol: int | None
    max_long_value: float | None
    max_short_value: float | None
    max_strategy_value: float | None
    max_net_exposure: float | None
    max_leverage: float | None
    max_group_exposure: float | None
    max_daily_turnover: float | None
    max_fills_per_minute: int | None
    max_symbol_loss: float | None
    max_strategy_loss: float | None
    max_losing_streak: int | None
    losing_streak_cooldown_seconds: float | None
    max_silence_seconds: float | None
    max_jump_sigmas: float | None
    max_clock_skew_seconds: float | None
    ramp_up_seconds: float | None
    ramp_up_order_value: float | None
    ramp_up_orders: int | None
    check_buying_power: bool
    refuse_locked_book: bool
    prevent_self_match: bool
    allow_shorts: bool
    shortable_assets: Symbols
    allowed_order_types: Iterable[str]
    allowed_times_in_force: Iterable[str]
    asset_groups: Mapping[str, Symbols]
    max_shares: float | None
    shadow_mode: bool


@frozen(kw_only=True)
class LiveRiskConfig:
    """Every limit that an order must respect; `None` switches one off.

    Two older spellings are understood: `max_shares` is `max_position_shares`, and `shadow_mode=True` is
    `execution_mode="shadow"`. `shadow_mode=False` alone leaves `execution_mode` None: paper or live must then be named
    elsewhere. Money is in the account's currency. Raises ValueError that names the field, its value and the remedy.
    """

    also_accepts: ClassVar[dict[str, str | type]] = {"max_shares": "max_position_shares", "shadow_mode": bool}

    execution_mode: ExecutionMode | None = field(default="shadow", validator=one_of("shadow", "paper", "live", None))
    """Where orders go: shadow (nowhere), paper or live. None: to be named elsewhere."""
    max_position_value: float | None = amount(50_000.0)
    """Largest value of one position, open orders included, in money."""
    max_position_shares: float | None = amount(None)
    """Largest quantity of one position, open orders included, in shares, contracts or coins."""
    max_positions: int | None = count(20)
    """Most symbols held at once, open orders included."""
    max_total_exposure: float | None = amount(200_000.0)
    """Largest sum of the absolute values of all positions, open orders included, in money."""
    max_order_value: float | None = amount(10_000.0)
    """Largest value of one order, in money."""
    max_order_shares: float | None = amount(None)
    """Largest quantity of one order, in shares, contracts or coins."""
    max_orders_per_minute: int | None = count(60)
    """Most orders in any sixty seconds."""
    max_open_orders: int | None = count(50)
    """Most orders that may still trade at once."""
    max_daily_loss: float | None = amount(5_000.0)
    """Largest loss since the day began, realised and open, in money."""
    max_drawdown_pct: float | None = share(0.10)
    """Largest fall of equity from its highest point, as a share of that point: 0.10 is ten per cent."""
    max_price_deviation_pct: float | None = share(0.05)
    """Furthest an order's price may be from the last trusted price, as a share of it."""
    max_spread_pct: float | None = share(None)
    """Widest gap between bid and ask at which orders may go out, as a share of the mid price."""
    max_data_staleness_seconds: float | None = amount(60.0)
    """Oldest market data of the order's symbol to trade on, in seconds. Never seen counts as stale."""
    dedup_window_seconds: float | None = amount(1.0)
    """How long the same order again (symbol, side, quantity, type and price) is a duplicate, in seconds."""
    allowed_assets: frozenset[str] = field(default=frozenset(), converter=allowed)
    """The only symbols that may be traded; empty allows all."""
    blocked_assets: frozenset[str] = field(default=frozenset(), converter=blocked)
    """Symbols that may not be traded."""
    kill_switch_enabled: bool = field(default=False, validator=flag)
    """True starts with the kill switch thrown: nothing is sent until a person re-arms it."""
    on_breach: OnBreach = field(default="halt", validator=one_of("halt", "flatten"))
    """What a breached loss limit does: halt (send nothing more) or flatten (close every position, then halt)."""
    max_consecutive_rejects: int | None = count(None)
    """So many refusals of the venue in a row in one symbol stop that symbol until a person resumes."""
    max_strategy_fills_per_minute: int | None = count(None)
    """More executions of one strategy in any sixty seconds stop that strategy until a person resumes."""
    drawdown_since: DrawdownSince = field(default="resume", validator=one_of("resume", "day", "start"))
    """Since when the highest equity counts: resume (somebody last resumed), day (the day began) or start (the books began)."""
    trade_only_in_session: bool = field(default=False, validator=flag)
    """True refuses orders while the market of `[live] calendar` is closed."""
    check_budget_ms: float = field(default=50.0, validator=Above())
    """Time one check may take, in milliseconds; a slower one refuses the order."""
    max_price_drift_pct: float | None = share(None)
    """Furthest an order's price may be from the price of up to twenty observations ago, as a share of it."""
    max_market_deviation_pct: float | None = share(None)
    """Furthest a market or stop order may be expected to fill from the mean of the last twenty prices, as a share of it."""
    price_tick: float | None = amount(None)
    """Step that limit and stop prices must be multiples of, in money."""
    lot_size: float | None = amount(None)
    """Step that quantities must be multiples of, in shares, contracts or coins."""
    min_order_shares: float | None = amount(None)
    """Smallest quantity of one order, in shares, contracts or coins."""
    min_order_value: float | None = amount(None)
    """Smallest value of one order, in money."""
    max_volume_pct: float | None = share(None)
    """Largest order as a share of the mean volume of the last twenty observations."""
    max_messages_per_second: int | None = count(None)
    """Most messages (orders, refused ones too, and cancels) in any second; a fifth is kept for cancels."""
    max_messages_per_minute: int | None = count(None)
    """Most messages (orders, refused ones too, and cancels) in any sixty seconds; a fifth is kept for cancels."""
    max_messages_per_hour: int | None = count(None)
    """Most messages (orders, refused ones too, and cancels) in any hour; a fifth is kept for cancels."""
    max_order_to_fill_ratio: float | None = amount(None)
    """Most messages of a day for each execution of that day; before the first, as many are allowed as for one."""
    max_orders_per_decision: int | None = count(None)
    """Most orders that one decision (a firing, a forecast, or the reason given) may send in one symbol."""
    max_open_orders_per_symbol: int | None = count(None)
    """Most orders of one symbol that may still trade at once."""
    max_long_value: float | None = amount(None)
    """Largest sum of the values of all long positions, open buys included, in money."""
    max_short_value: float | None = amount(None)
    """Largest sum of the values of all short positions, open sells included, in money."""
    max_strategy_value: float | None = amount(None)
    """Largest sum of the absolute values of one strategy's positions, its open orders included, in money."""
    max_net_exposure: float | None = amount(None)
    """Largest absolute difference of longs and shorts, open orders included on the side that hurts, in money."""
    max_leverage: float | None = amount(None)
    """Largest sum of the absolute values of all positions, open orders included, as a multiple of equity."""
    max_group_exposure: float | None = amount(None)
    """Largest sum of the absolute values of one group of asset_groups, open orders included, in money."""
    max_daily_turnover: float | None = amount(None)
    """Largest value of all orders sent in a day, in money."""
    max_fills_per_minute: int | None = count(None)
    """Most executions in any sixty seconds; one more order is refused."""
    max_symbol_loss: float | None = amount(None)
    """Largest loss of one symbol since the day began, realised and open, in money."""
    max_strategy_loss: float | None = amount(None)
    """Largest loss of one strategy since the day began, realised and open, in money."""
    max_losing_streak: int | None = count(None)
    """Closing orders in a row that may lose money in a day before new risk is refused."""
    losing_streak_cooldown_seconds: float | None = amount(None)
    """How long a losing streak refuses new risk after its last loss, in seconds. None: until the day ends."""
    max_silence_seconds: float | None = amount(None)
    """Longest time since anything of the order's symbol was received, in seconds."""
    max_jump_sigmas: float | None = amount(None)
    """Largest last move of the price, in standard deviations of the moves before it."""
    max_clock_skew_seconds: float | None = amount(None)
    """Furthest data may be stamped ahead of the clock, and the clock may be set while running, in seconds."""
    ramp_up_seconds: float | None = amount(None)
    """How long after the first order of a process the ramp_up limits hold, in seconds."""
    ramp_up_order_value: float | None = amount(None)
    """Largest value of one order while ramping up, in money."""
    ramp_up_orders: int | None = count(None)
    """Most orders while ramping up."""
    check_buying_power: bool = field(default=False, validator=flag)
    """True refuses what the buying power (the venue's figure, or cash) does not cover."""
    refuse_locked_book: bool = field(default=False, validator=flag)
    """True refuses orders while the bid is not below the ask."""
    prevent_self_match: bool = field(default=False, validator=flag)
    """True refuses an order that could trade with an open one of our own."""
    allow_shorts: bool = field(default=True, validator=flag)
    """False refuses orders that could end below zero."""
    shortable_assets: frozenset[str] = field(default=frozenset(), converter=shortable)
    """The only symbols that may be sold short; empty allows all."""
    allowed_order_types: frozenset[str] = field(default=frozenset(), converter=order_types)
    """The only order types that may be sent, such as `limit`; empty allows all."""
    allowed_times_in_force: frozenset[str] = field(default=frozenset(), converter=times_in_force)
    """The only times in force that may be sent, such as `day`; empty allows all."""
    asset_groups: Mapping[str, frozenset[str]] = field(factory=dict, converter=groups, hash=False)
    """Groups of symbols (a sector, a currency) by name, for max_group_exposure."""

    def __init__(self, **limits: Unpack[_Limits]) -> None:
        given: dict[str, Any] = dict(limits)
        _refuse_unknown(given, [f.name for f in fields(LiveRiskConfig)])
        _rename(given)
        _name_mode(given)
        self.__attrs_init__(**given)  # type: ignore[attr-defined]

    def __attrs_post_init__(self) -> None:
        both = sorted(self.allowed_assets & self.blocked_assets)
        if both:
            raise wrong("blocked_assets", both, "are in allowed_assets too; take them out of one of the two")
        if self.check_budget_ms is None:
            raise wrong("check_budget_ms", None, "cannot be switched off; write a number of milliseconds, such as 50")
        _refuse_half_armed(self)

    @classmethod
    def without_limits(cls, execution_mode: ExecutionMode) -> LiveRiskConfig:
        """Return limits that let every order pass which makes sense: for a comparison or a test of something else."""
        off = (name for name in _SWITCHED_ON if name != "check_budget_ms")
        return cls(execution_mode=execution_mode, **dict.fromkeys(off))  # type: ignore[arg-type]  # each may be None

    @property
    def max_shares(self) -> float | None:
        """The other name of `max_position_shares`."""
        return self.max_position_shares

    @property
    def shadow_mode(self) -> bool:
        """True when orders go nowhere."""
        return self.execution_mode == "shadow"

    def disabled(self) -> tuple[str, ...]:
        """Return the names of the limits that are switched off, in the order of the fields."""
        return tuple(f.name for f in fields(LiveRiskConfig) if getattr(self, f.name) is None and f.name != "execution_mode")


_SWITCHED_ON = tuple(
    f.name for f in fields(LiveRiskConfig) if isinstance(f.default, int | float) and not isinstance(f.default, bool)
)
"""The limits that hold unless they are switched off."""


def _refuse_half_armed(limits: LiveRiskConfig) -> None:
    """A limit that rests on another, which is off, would limit nothing."""
    if limits.ramp_up_seconds is None and (limits.ramp_up_order_value, limits.ramp_up_orders) != (None, None):
        raise wrong("ramp_up_seconds", None, "must be set for ramp_up_order_value or ramp_up_orders to hold")
    if limits.max_group_exposure is not None and not limits.asset_groups:
        raise wrong("asset_groups", {}, "must name the groups for max_group_exposure to hold")
    if limits.losing_streak_cooldown_seconds is not None and limits.max_losing_streak is None:
        raise wrong("max_losing_streak", None, "must be set for losing_streak_cooldown_seconds to hold")


def _refuse_unknown(given: dict[str, Any], names: list[str]) -> None:
    """A misspelt limit would be a missing limit."""
    names = [*names, *LiveRiskConfig.also_accepts]
    for name in given.keys() - set(names):
        near = get_close_matches(name, names, n=1)
        hint = f"; did you mean {near[0]}?" if near else ""
        raise TypeError(f"{name} is not a limit of LiveRiskConfig{hint}")


def _rename(given: dict[str, Any]) -> None:
    if "max_shares" not in given:
        return
    value = given.pop("max_shares")
    if given.setdefault("max_position_shares", value) != value:
        text = f"contradicts max_position_shares = {given['max_position_shares']!r}; they are one limit, write one of them"
        raise wrong("max_shares", value, text)


def _name_mode(given: dict[str, Any]) -> None:
    if "shadow_mode" not in given:
        return
    shadow = given.pop("shadow_mode")
    if not isinstance(shadow, bool):
        raise wrong("shadow_mode", shadow, "must be True or False")
    mode = given.setdefault("execution_mode", "shadow" if shadow else None)
    if mode is not None and shadow != (mode == "shadow"):
        raise wrong("shadow_mode", shadow, f"contradicts execution_mode = {mode!r}; write execution_mode alone")
    if shadow:
        given["execution_mode"] = "shadow"

"""The limits that every order must respect, as one class."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from difflib import get_close_matches
from typing import Any, ClassVar, Literal, TypedDict, Unpack

from attrs import Attribute, field, fields, frozen

ExecutionMode = Literal["shadow", "paper", "live"]
OnBreach = Literal["halt", "flatten"]
Symbols = Iterable[str]

_OFF = 'None (in a file: "off") switches the limit off'


def _wrong(name: str, value: object, text: str) -> ValueError:
    return ValueError(f"{name} = {value!r}: {text}")


@frozen
class _Above:
    """Validator: a finite number above zero, not above `highest`, or None. Its `json_schema` is read by the schema export."""

    whole: bool = False
    highest: float | None = None

    @property
    def json_schema(self) -> dict[str, float]:
        return {"exclusiveMinimum": 0} | ({} if self.highest is None else {"maximum": self.highest})

    def __call__(self, _: object, attribute: Attribute[Any], value: object) -> None:
        if value is None:
            return
        name, noun = attribute.name, "whole number" if self.whole else "number"
        kinds = (int,) if self.whole else (int, float)
        if isinstance(value, bool) or not isinstance(value, kinds) or not math.isfinite(value):
            raise _wrong(name, value, f"must be a {noun}; {_OFF}")
        if value <= 0:
            raise _wrong(name, value, f"must be a {noun} greater than 0; {_OFF}")
        if self.highest is not None and value > self.highest:
            raise _wrong(
                name, value, f"is a share between 0 and {self.highest:g}; write {value / 100:g} for {value:g} per cent"
            )


def _amount(default: float | None) -> float | None:
    return field(default=default, validator=_Above())


def _count(default: int | None) -> int | None:
    return field(default=default, validator=_Above(whole=True))


def _share(default: float | None) -> float | None:
    return field(default=default, validator=_Above(highest=1))


def _one_of(*choices: object) -> Callable[[object, Attribute[Any], object], None]:
    def check(_: object, attribute: Attribute[Any], value: object) -> None:
        if value not in choices:
            raise _wrong(attribute.name, value, f"must be one of {', '.join(map(repr, choices))}")

    return check


def _flag(_: object, attribute: Attribute[Any], value: object) -> None:
    if not isinstance(value, bool):
        raise _wrong(attribute.name, value, "must be True or False")


def _symbols(name: str, value: Symbols) -> frozenset[str]:
    if isinstance(value, str) or not isinstance(value, Iterable):
        raise _wrong(name, value, f"must be several symbols; write [{value!r}]")
    symbols = list(value)
    for symbol in symbols:
        if not isinstance(symbol, str) or not symbol.strip():
            raise _wrong(name, symbols, f"{symbol!r} is no symbol; write one such as 'AAPL'")
    return frozenset(symbols)


def _allowed(value: Symbols) -> frozenset[str]:
    return _symbols("allowed_assets", value)


def _blocked(value: Symbols) -> frozenset[str]:
    return _symbols("blocked_assets", value)


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
    check_budget_ms: float
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

    execution_mode: ExecutionMode | None = field(default="shadow", validator=_one_of("shadow", "paper", "live", None))
    """Where orders go: shadow (nowhere), paper or live. None: to be named elsewhere."""
    max_position_value: float | None = _amount(50_000.0)
    """Largest value of one position, open orders included, in money."""
    max_position_shares: float | None = _amount(None)
    """Largest quantity of one position, open orders included, in shares, contracts or coins."""
    max_positions: int | None = _count(20)
    """Most symbols held at once, open orders included."""
    max_total_exposure: float | None = _amount(200_000.0)
    """Largest sum of the absolute values of all positions, open orders included, in money."""
    max_order_value: float | None = _amount(10_000.0)
    """Largest value of one order, in money."""
    max_order_shares: float | None = _amount(None)
    """Largest quantity of one order, in shares, contracts or coins."""
    max_orders_per_minute: int | None = _count(60)
    """Most orders in any sixty seconds."""
    max_open_orders: int | None = _count(50)
    """Most orders that may still trade at once."""
    max_daily_loss: float | None = _amount(5_000.0)
    """Largest loss since the day began, realised and open, in money."""
    max_drawdown_pct: float | None = _share(0.10)
    """Largest fall of equity from its highest point, as a share of that point: 0.10 is ten per cent."""
    max_price_deviation_pct: float | None = _share(0.05)
    """Furthest an order's price may be from the last trusted price, as a share of it."""
    max_spread_pct: float | None = _share(None)
    """Widest gap between bid and ask at which orders may go out, as a share of the mid price."""
    max_data_staleness_seconds: float | None = _amount(60.0)
    """Oldest market data of the order's symbol to trade on, in seconds. Never seen counts as stale."""
    dedup_window_seconds: float | None = _amount(1.0)
    """How long the same order again (symbol, side, quantity, type and price) is a duplicate, in seconds."""
    allowed_assets: frozenset[str] = field(default=frozenset(), converter=_allowed)
    """The only symbols that may be traded; empty allows all."""
    blocked_assets: frozenset[str] = field(default=frozenset(), converter=_blocked)
    """Symbols that may not be traded."""
    kill_switch_enabled: bool = field(default=False, validator=_flag)
    """True starts with the kill switch thrown: nothing is sent until a person re-arms it."""
    on_breach: OnBreach = field(default="halt", validator=_one_of("halt", "flatten"))
    """What a breached loss limit does: halt (send nothing more) or flatten (close every position, then halt)."""
    check_budget_ms: float = field(default=50.0, validator=_Above())
    """Time one check may take, in milliseconds; a slower one refuses the order."""

    def __init__(self, **limits: Unpack[_Limits]) -> None:
        given: dict[str, Any] = dict(limits)
        _refuse_unknown(given, [f.name for f in fields(LiveRiskConfig)])
        _rename(given)
        _name_mode(given)
        self.__attrs_init__(**given)  # type: ignore[attr-defined]

    def __attrs_post_init__(self) -> None:
        both = sorted(self.allowed_assets & self.blocked_assets)
        if both:
            raise _wrong("blocked_assets", both, "are in allowed_assets too; take them out of one of the two")
        if self.check_budget_ms is None:
            raise _wrong("check_budget_ms", None, "cannot be switched off; write a number of milliseconds, such as 50")

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
        raise _wrong("max_shares", value, text)


def _name_mode(given: dict[str, Any]) -> None:
    if "shadow_mode" not in given:
        return
    shadow = given.pop("shadow_mode")
    if not isinstance(shadow, bool):
        raise _wrong("shadow_mode", shadow, "must be True or False")
    mode = given.setdefault("execution_mode", "shadow" if shadow else None)
    if mode is not None and shadow != (mode == "shadow"):
        raise _wrong("shadow_mode", shadow, f"contradicts execution_mode = {mode!r}; write execution_mode alone")
    if shadow:
        given["execution_mode"] = "shadow"

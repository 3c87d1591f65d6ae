"""What cannot be the same live as in a backtest: listed here, and refused before a run begins."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from ml4t.backtest import BacktestConfig, Strategy
from ml4t.backtest.config import DataFrequency

NOT_LIVE: Mapping[str, str] = {
    "funding_df": "funding payments come from the venue; leave it out",
    "settlement_events": "a venue settles futures by itself; leave it out",
    "runtime": "scheduled callbacks and controls of its own clock do not run live; use triggers and risk checks",
    "target_intent_state": "target intents that wait for their opening come back with the run; leave it out",
    "benchmark": "a benchmark is compared after the run; leave it out",
    "holdings_sampling": "holdings are in the journal of the run; leave it out",
    "capital_flows": "deposits and withdrawals are made at the venue; leave them out",
    "corporate_actions": "splits and dividends come from the venue; leave them out, and use adjusted prices",
    "feature_spec": "what was known when is what has come by then; hand over the signals without it",
    "input_manifest": "it describes the files of a backtest; leave it out",
    "session_col": "a strategy is called at every timestamp; make bars of a session each",
}
"""The options of the backtest's engine and feed that a live run cannot honour, and what to do instead."""

NOT_LIVE_AS_SET: Mapping[str, str] = {
    "futures_variation": "it is settled every day, which a venue does by itself; write signed_notional",
    "requires_observed_ohlc": "such a slippage model needs the runtime of a backtest; use another",
    "enforce_sessions": (
        "the times of bars within a day have to be known beforehand; write enforce_sessions: false in the configuration of the "
        "backtest, and the calendar in [live] of that of the run"
    ),
}
"""Settings, a kind of contract and a kind of model that a live run cannot honour, and what to do instead."""

NOT_TRADED: Mapping[str, str] = {
    "a price that the type of the order needs is missing, or not above zero": "no venue takes such an order",
    "a quantity that is no finite number": "no venue takes such an order",
    "update_order to a quantity that is no number above zero": "no venue takes such an order",
    "update_order of the quantity of an exit of a bracket": "it follows what the other exit trades; cancel it for another size",
    "update_order of the stop_price of a trailing stop": "the venue moves it; amend trail_amount, or use a stop",
}
"""What a backtest lets an order be that no venue would, and why the desk refuses it: with a REJECTED order, or False.

ml4t-backtest 0.2 refuses most of it by itself. A comparison stops at such an order, as at any difference.
"""

NOT_AT_A_VENUE: Mapping[str, str] = {
    "register_target_intent": (
        "target intents trade in an opening auction, and by the first bar of a session that is over; "
        "write order_target_percent or rebalance_to_weights"
    ),
}
"""What a broker cannot be asked for where a venue fills the orders, and what to write instead."""

NOT_TAKEN_BACK: Mapping[str, str] = {
    "reduce_all_positions or roll_position that raises half-way": "what it has done by then stays done: the venue has it",
    "an exception of a callback": "what the callback did stays done: its orders have left",
}
"""What a backtest takes back when something raises, and a live run does not."""

DOES_NOT_ADD_UP = (
    "the executions of the backtest itself come to ours: with short_cash_policy lock_notional it books less than it has "
    "executed when an order turns a position over; write lock_notional_update_mode: combined_order"
)
"""Why a position may differ although all executions are the same."""


def refuse_what_cannot_run(
    strategy: Strategy, config: BacktestConfig, options: Mapping[str, Any], *, recorded: bool = False
) -> None:
    """Raise ValueError with every reason why this cannot run live as it does in a backtest; `recorded` data can do more."""
    problems = [f"{name} cannot be honoured: {NOT_LIVE[name]}" for name in options if name in NOT_LIVE]
    problems += [
        f"{asset} cannot be honoured: {NOT_LIVE_AS_SET['futures_variation']}"
        for asset, spec in (options.get("contract_specs") or {}).items()
        if getattr(spec, "accounting_method", None) == "futures_variation"
    ]
    if getattr(options.get("slippage_model"), "requires_observed_ohlc", False):
        problems.append(f"slippage_model cannot be honoured: {NOT_LIVE_AS_SET['requires_observed_ohlc']}")
    if config.enforce_sessions and config.resolved_calendar and not recorded and not _daily(config):
        problems.append(
            f"enforce_sessions cannot be honoured: {NOT_LIVE_AS_SET['enforce_sessions']} ({config.resolved_calendar})"
        )
    if problems:
        raise ValueError(f"{type(strategy).__name__}: " + "; ".join(problems))


def refuse_at_a_venue(member: str) -> Callable[..., Any]:
    """Return what stands in for a member of a broker that is in `NOT_AT_A_VENUE`: it raises ValueError with the remedy."""

    def refused(*_asked: Any, **_named: Any) -> Any:
        raise ValueError(f"{member} works in shadow mode only: {NOT_AT_A_VENUE[member]}")

    return refused


def _daily(config: BacktestConfig) -> bool:
    return bool(config.resolved_data_frequency == DataFrequency.DAILY)

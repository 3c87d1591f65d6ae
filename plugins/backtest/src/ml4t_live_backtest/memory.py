"""What a backtest broker has to know again after a restart, besides the books of the desk."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from ml4t.backtest.broker import Broker
from ml4t.backtest.types import Position as TheirPosition

from ml4t.live.model import Position

_KEPT = (
    "bars_held",
    "high_water_mark",
    "low_water_mark",
    "max_favorable_excursion",
    "max_adverse_excursion",
    "initial_quantity",
    "entry_commission",
    "entry_slippage",
)
"""What position rules and statistics know of a holding, and the desk does not."""

Stamp = Callable[[int], datetime]


def notes_of(broker: Broker) -> dict[str, Any]:
    """Return as plain values what to remember of a broker at the end of a bar."""
    return {
        "orders": broker._order_state.counter,
        "rebalances": broker._rebalance_counter,
        "positions": {asset: _note(position) for asset, position in broker.positions.items()},
        "intents": _waiting(broker),
    }


def take_back(broker: Broker, notes: Mapping[str, Any] | None, held: Mapping[str, Position], cash: float, stamp: Stamp) -> None:
    """Give a new broker the account as the desk has it, and what was remembered of it."""
    notes = notes or {}
    broker._order_state.counter = notes.get("orders", 0)
    broker._rebalance_counter = notes.get("rebalances", 0)
    if notes.get("intents"):
        broker.restore_target_intent_state({"targets": notes["intents"]})
    known = notes.get("positions", {})
    for asset, position in held.items():
        broker.positions[asset] = adopted(broker, position, stamp(position.opened_at), known.get(asset))
    broker.account.cash = cash


def adopted(broker: Broker, position: Position, since: datetime, note: Mapping[str, Any] | None = None) -> TheirPosition:
    """Return a holding of the desk as one of the broker's; `note` is what was remembered of it.

    What was remembered of another holding (the side has changed since) is not taken.
    """
    mark = position.average_price if position.mark is None else position.mark
    made = TheirPosition(
        asset=position.symbol,
        quantity=position.quantity,
        entry_price=position.average_price,
        entry_time=since,
        current_price=mark,
        multiplier=broker.get_multiplier(position.symbol),
        context={
            "stop_fill_mode": broker.stop_fill_mode,
            "stop_level_basis": broker.stop_level_basis,
            "trail_hwm_source": broker.trail_hwm_source,
            "trail_stop_timing": broker.trail_stop_timing,
        },
    )
    if note is not None and note["quantity"] * position.quantity > 0:
        for name in _KEPT:
            setattr(made, name, note[name])
        made.entry_price = note["entry_price"] if note["quantity"] == position.quantity else made.entry_price
        made.entry_time = datetime.fromisoformat(note["entry_time"])
        made.context.update(note["context"])
    return made


def _waiting(broker: Broker) -> list[dict[str, Any]]:
    """Return the target intents whose opening is still to come."""
    manager = broker._preopen_target_manager
    return [intent.to_dict() for intent in manager.targets if intent.intent_id not in manager._processed_targets]


def _note(position: TheirPosition) -> dict[str, Any]:
    context = {key: value for key, value in position.context.items() if type(value) in _PLAIN}
    return {
        "quantity": position.quantity,
        "entry_price": position.entry_price,
        "entry_time": position.entry_time.isoformat(),
        "context": context,
        **{name: getattr(position, name) for name in _KEPT},
    }


_PLAIN = frozenset({str, float, int, bool})
"""What of a holding's context is remembered; enumerations of the configuration come back with it."""

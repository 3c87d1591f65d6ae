"""A strategy that says what it wants to hold at the next opening, and leaves the orders to the engine of the backtest."""

from __future__ import annotations

from datetime import UTC, timedelta

from compared_kit import Counted
from ml4t.backtest import PreOpenIntentError, StopLoss, Strategy, TakeProfit
from ml4t.specs import LifecyclePhase
from ml4t.specs.intents import (
    AssetTarget,
    CanonicalTargetIntent,
    IntentReason,
    ResidualPolicy,
    RoundingPolicy,
    TargetMeasure,
)

PLANS = (
    (TargetMeasure.WEIGHT, 0.4, RoundingPolicy.TOWARD_ZERO, ResidualPolicy.KEEP_CASH),
    (TargetMeasure.QUANTITY, 20.0, RoundingPolicy.NEAREST, ResidualPolicy.KEEP_CASH),
    (TargetMeasure.WEIGHT, 0.3, RoundingPolicy.TOWARD_ZERO, ResidualPolicy.LARGEST_REMAINDER),
    (TargetMeasure.QUANTITY, 0.0, RoundingPolicy.NONE, ResidualPolicy.REJECT),
)


def intent_for(decided, session, assets, plan, policy=None):
    """Return what to hold in a session, as `PLANS` has it."""
    measure, value, rounding, residual = PLANS[plan % len(PLANS)]
    return CanonicalTargetIntent(
        intent_id=f"intent {session}",
        decision_time=decided,
        information_cutoff=decided,
        effective_session=session,
        effective_phase=LifecyclePhase.PRE_OPEN,
        targets=tuple(AssetTarget(asset, measure, value / len(assets)) for asset in assets),
        idempotency_key=f"key {session}",
        measure=measure,
        cash_buffer=0.02,
        rounding=rounding,
        residual=residual,
        reason=IntentReason.REBALANCE,
        position_rule_policy_id=policy,
    )


class Intents(Counted):
    """One target a session, with rules for the positions of every other; what became of them decides the size of an order."""

    def __init__(self):
        super().__init__()
        self.seen = []
        self.decided = None

    def on_start(self, broker):
        broker.register_position_rule_policy("tight", StopLoss(pct=0.01))

    def on_bar(self, count, timestamp, data, context, broker):
        aware = timestamp if timestamp.tzinfo is not None else timestamp.replace(tzinfo=UTC)
        session = (timestamp + timedelta(days=1)).date()
        if data and session != self.decided:
            self.decided = session
            intent = intent_for(aware.astimezone(UTC), session, sorted(data), count, "tight" if count % 2 else None)
            try:
                broker.register_target_intent(intent, position_rules=None)
                assert broker.register_target_intent(intent) is broker.get_target_intents()[-1]
            except PreOpenIntentError as error:
                self.seen.append(repr(error))
        filled = [repr(each) for each in broker.get_intent_reconciliations()]
        self.seen.append((filled, len(broker.get_child_order_intents()), broker.get_target_rule_reconciliations()))
        self.seen.append(repr(broker.export_target_intent_state()))
        if count % 4 == 2 and data:
            broker.submit_order(next(iter(data)), 1 + len(filled) % 5)
        try:
            broker.restore_target_intent_state({})
        except RuntimeError as error:  # not in a callback
            self.seen.append(repr(error))


class RuledIntents(Intents):
    """The rules come with the target."""

    def on_start(self, broker):
        broker.register_position_rule_policy("loose", TakeProfit(pct=0.02))
        broker.register_position_rule_policy("tight", TakeProfit(pct=0.005))


INTENTS: tuple[type[Strategy], ...] = (Intents, RuledIntents)

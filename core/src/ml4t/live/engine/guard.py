"""What stops orders without anybody's command: broken limits, latches, the configuration, a venue whose books differ."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

from ml4t.live.clock import Clock
from ml4t.live.engine.agenda import Agenda
from ml4t.live.engine.control import Command
from ml4t.live.engine.emergency import Emergency, Flattener
from ml4t.live.engine.parts import Parts
from ml4t.live.engine.reconciliation import Difference
from ml4t.live.journal import RecordKind, StatePut
from ml4t.live.model import Order
from ml4t.live.orders.desk import Desk
from ml4t.live.orders.ports import Recorder
from ml4t.live.risk.latches import LATCHES, Latches
from ml4t.live.risk.loss import LossWatch
from ml4t.live.risk.switch import Connection, Switch

RECONCILIATION = "reconciliation"
"""Who throws the kill switch when the venue's books differ."""


class Guard:
    """Throws the switch and empties the account when what watches them says so, each as the configuration wants it."""

    def __init__(
        self,
        parts: Parts,
        desk: Desk,
        *,
        switch: Switch,
        connection: Connection,
        losses: LossWatch,
        latches: Latches,
        agenda: Agenda,
        record: Recorder,
        clock: Clock,
        on_loop: Callable[[Callable[[], None]], None],
    ) -> None:
        self.flattener = Flattener(desk, agenda, connection, record, parts.run_id)
        self.emergency = Emergency(
            switch, self.flattener, agenda, record, clock.now, lambda: losses.to_flatten != "", self._rearm
        )
        self._limits = parts.limits
        self._on_difference = parts.engine.on_difference
        self._desk = desk
        self._switch = switch
        self._losses = losses
        self._record = record
        self._on_loop = on_loop
        desk.keeper.on_breach = self._breached
        desk.keeper.latches, desk.keeper.on_latch = latches, self._latched

    def start(self, account: Mapping[str, Any] | None, symbols: Mapping[str, Any]) -> None:
        """Throw the switch when the configuration says so, and withdraw what an earlier run left working.

        What it has not finished emptying is taken back: the `account`, when somebody asked for that, and `symbols`.
        """
        if self._limits.kill_switch_enabled and not self._switch.on:
            reason = "kill_switch_enabled is set in the configuration"
            self.emergency.obey(Command(action="kill", reason=reason, by="configuration", via="configuration"))
        self.emergency.withdraw()
        wanted = {symbol: str(line["reason"]) for symbol, line in symbols.items()}
        why = str(account["reason"]) if account is not None else self._losses.to_flatten
        self.flattener.wanted = wanted | ({"": why} if why else {})

    def differed(self, differences: Sequence[Difference], foreign: Sequence[Order]) -> None:
        """Do what the policy says when the venue's books are not ours: the figures themselves have been taken over."""
        policy = self._on_difference
        if policy == "adopt":
            return
        if differences:
            why = f"the venue's books differ: {'; '.join(map(str, differences))}"
            kill = Command(action="kill", reason=why, by=RECONCILIATION, via="limit", flatten=policy == "flatten")
            self.emergency.obey(kill)
        executor = self._desk.executor
        if policy == "flatten" and self._switch.on and self._switch.by == RECONCILIATION and executor is not None:
            for order in foreign:
                executor.cancel(order)

    def _breached(self, why: str) -> None:
        self._record(RecordKind.HEALTH, "loss limit", {"state": "breached", "why": why, "action": self._limits.on_breach})
        if self._limits.on_breach == "flatten":
            self._on_loop(partial(self.emergency.obey, Command(action="flatten", reason=why, by="loss limits", via="limit")))

    def _latched(self, scope: str, why: str) -> None:
        kill = Command(action="kill", reason=why, by=LATCHES, via="limit", scope=scope)
        self._on_loop(partial(self.emergency.obey, kill))

    def _rearm(self) -> list[StatePut]:
        """Begin the loss limits anew, because a named person has resumed."""
        self._losses.rearm(self._desk.portfolio.equity)
        return [StatePut("risk", "losses", self._losses.state()), StatePut("risk", "rearm", None)]

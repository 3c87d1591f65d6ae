"""Reasons to send nothing at all (rows 38 and 40 of the table of controls)."""

from __future__ import annotations

from ml4t.live.contracts.risk import RiskView
from ml4t.live.model import ALLOW, Order, Verdict, refuse
from ml4t.live.risk.switch import Connection, Switch


class KillSwitch:
    """Refuses what the kill switch stops (everything, a symbol, a strategy), exits too: somebody wants it left alone."""

    def __init__(self, switch: Switch) -> None:
        self._switch = switch

    def check(self, order: Order, view: RiskView) -> Verdict:
        """Refuse while the switch is on."""
        stopped = self._switch.stopping(order)
        if stopped is None:
            return ALLOW
        scope, switch = stopped
        return refuse("kill_switch", f"the kill switch{' of ' + scope if scope else ''} is on: {switch.reason}")


class VenueReady:
    """Refuses everything while the venue is not connected and reconciled."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def check(self, order: Order, view: RiskView) -> Verdict:
        """Refuse until the venue's books are known."""
        if self._connection.ready:
            return ALLOW
        return refuse("venue_not_ready", f"nothing is sent while {self._connection.why}")

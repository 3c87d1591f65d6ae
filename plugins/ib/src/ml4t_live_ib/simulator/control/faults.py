"""The failures of Interactive Brokers, as told."""

from __future__ import annotations

from collections.abc import Iterable

from ml4t.live.testing.loop_thread import stop_accepting
from ml4t_live_ib.simulator.control.venue import VenueControls
from ml4t_live_ib.simulator.venue.order import Order
from ml4t_live_ib.simulator.venue.terms import manual_terms

_LOST = "Connectivity between IBKR and Trader Workstation has been lost."
_RESTORED = "Connectivity between IBKR and Trader Workstation has been restored - data {}."


class FaultControls(VenueControls):
    """What goes wrong at this vendor. The codes are those of its documented errors."""

    def send_error(self, code: int, text: str, *, request_id: int = -1, client_id: int | None = None) -> None:
        """Send an error or a notice to one client, or to everybody; nothing else happens."""
        self._call(lambda: self._send_error(code, text, request_id, client_id))

    def _send_error(self, code: int, text: str, request_id: int, client_id: int | None) -> None:
        for session in self._tws.ready():
            if client_id in {None, session.client_id}:
                session.error(request_id, code, text)

    def send_order_error(self, order_id: str, code: int, text: str) -> None:
        """Send an error about an open order, named by its `orderRef`, to its client; nothing happens to the order."""
        self._call(lambda: self._send_order_error(self._open(order_id), code, text))

    def _send_order_error(self, order: Order, code: int, text: str) -> None:
        self._send_error(code, text, order.order_id, order.client_id)

    def lose_link(self) -> None:
        """Lose the vendor's servers (1100): no data, orders and cancellations wait, sockets stay."""
        self._call(self._lose_link)

    def _lose_link(self) -> None:
        self._tws.link.lose()
        self._tws.notify(1100, _LOST)

    def restore_link(self, *, data_kept: bool, stalled: bool = False) -> None:
        """Find the vendor's servers again: 1102, or 1101 with every data subscription lost.

        With `stalled` 1102 says that data goes on, and it does not.
        """
        self._call(lambda: self._restore_link(data_kept, stalled))

    def _restore_link(self, data_kept: bool, stalled: bool) -> None:
        if not data_kept:
            self._tws.data.lose_subscriptions()
        self._tws.data.stalled = stalled
        self._tws.notify(1102 if data_kept else 1101, _RESTORED.format("maintained" if data_kept else "lost"))
        self._tws.link.restore()

    def stall_data(self, on: bool) -> None:
        """Send no market data while it is on, and everything else."""
        self._call(lambda: setattr(self._tws.data, "stalled", on))

    def compete(self, on: bool) -> None:
        """Let another session of the login have the market data (10197) while it is on."""
        self._call(lambda: self._tws.data.compete(on))

    def unsubscribe(self, symbol: str) -> None:
        """Take the live market data of a symbol from the login: requests are answered with 354, 420 or 162."""
        self._call(lambda: self._tws.data.unsubscribed.add(symbol))

    def end_subscriptions(self, symbol: str, code: int, text: str) -> None:
        """End what listens to a symbol with an error, such as 10182 or 10225."""
        self._call(lambda: self._tws.data.end(self._contract(symbol), code, text))

    def nightly_reset(self, *, data_kept: bool = False) -> None:
        """Let the night come: 1100, a new trading day on which orders of the day are gone, then 1101 or 1102."""
        self._call(lambda: self._nightly_reset(data_kept))

    def _nightly_reset(self, data_kept: bool) -> None:
        self._lose_link()
        for code, farm in ((2103, "usfarm"), (2105, "ushmds"), (2157, "secdefil")):
            self._tws.notify(code, f"Farm connection is broken:{farm}")
        self._tws.book.next_day()
        self._restore_link(data_kept, stalled=False)
        for code, farm in ((2104, "usfarm"), (2106, "ushmds"), (2158, "secdefil")):
            self._tws.notify(code, f"Farm connection is OK:{farm}")

    def auction(self, *, opening: bool) -> None:
        """Let the market open (orders of lifetime OPG trade) or close (MOC and LOC trade)."""
        self._call(lambda: self._tws.book.auction(opening=opening))

    def enter_by_hand(self, symbol: str, action: str, quantity: float, *, limit: float | None = None) -> int:
        """Place an order in the window of TWS: it has client 0, order id 0 and no `orderRef`. Return its permanent id."""
        return self._call(lambda: self._enter_by_hand(symbol, action, quantity, limit))

    def _enter_by_hand(self, symbol: str, action: str, quantity: float, limit: float | None) -> int:
        contract = self._contract(symbol)
        kind = "MKT" if limit is None else "LMT"
        terms = manual_terms(contract, action=action, totalQuantity=quantity, orderType=kind, lmtPrice=limit)
        order = self._tws.book.take(0, 0, terms, contract)
        self._tws.book.begin(order)
        return order.perm_id

    def change_port(self) -> int:
        """Announce another port (1300), drop everybody, and listen there; return it."""
        self._run(self._change_port())
        return self.address[1]

    async def _change_port(self) -> None:
        old, self.address = self._listener, (self.address[0], 0)
        await self._listen()
        self._tws.notify(
            1300,
            "TWS socket port has been reset and this connection is being dropped. "
            f"Please reconnect on the new port - {self.address[1]}",
        )
        await stop_accepting(old.sockets)
        old.close()
        await self._drop(reset=False)

    def forget_ids(self) -> None:
        """Issue order ids from 1 again from the next connection on."""
        self._call(self._tws.book.forget_ids)

    def leave_unanswered(self, requests: Iterable[str], *, end_only: bool = False) -> None:
        """Give these requests (`reqPositions`, `reqExecutions`, ...) no answer, or one without its end; empty ends it."""
        names = set(requests)
        self._call(lambda: setattr(self._tws.faults, "without_end" if end_only else "unanswered", names))

    def delay(self, seconds: float) -> None:
        """Let everything that is sent be late by this much."""
        self._call(lambda: setattr(self._tws.faults, "delay", seconds))

    def shuffle(self, on: bool) -> None:
        """Let messages about orders overtake each other."""
        self._call(lambda: setattr(self._tws.faults, "shuffled", on))

    def duplicate(self, chance: float) -> None:
        """Send messages about orders twice with this chance, 0 to 1."""
        self._call(lambda: setattr(self._tws.faults, "duplicated", chance))

    def refuse_next_cancel(self, code: int, text: str) -> None:
        """Refuse the next cancellation, with 161 for instance; the order goes on."""
        self._call(lambda: setattr(self._tws.faults, "next_cancel_refused", (code, text)))

    def refuse_next_change(self, code: int, text: str) -> None:
        """Refuse the next modification of an order, with 201 for instance; the order goes on as it was."""
        self._call(lambda: setattr(self._tws.faults, "next_change_refused", (code, text)))

    def warn_of_presets(self, on: bool) -> None:
        """Send 10349 for every new order, which the SDK takes for a cancellation."""
        self._call(lambda: setattr(self._tws.faults, "preset_warning", on))

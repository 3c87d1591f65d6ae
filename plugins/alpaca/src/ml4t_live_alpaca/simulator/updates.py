"""The simulated stream of order updates (`/stream`): JSON, in binary frames for a paper account and text for a live one."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from attrs import define, field

from ml4t_live_alpaca.simulator.faults import Faults
from ml4t_live_alpaca.simulator.orders import VenueOrder
from ml4t_live_alpaca.simulator.wire import WebSocket
from ml4t_live_alpaca.times import to_text


@define(eq=False)
class Listening:
    """One client that listens."""

    socket: WebSocket
    untold: set[str] = field(factory=set)
    """The orders that it is told nothing of, by id."""


class Updates:
    """Everybody who listens to the account."""

    def __init__(self, keys: tuple[str, str], *, binary: bool, now: Callable[[], int], faults: Faults) -> None:
        self.listening: list[Listening] = []
        self._keys = keys
        self._binary = binary
        self._now = now
        self._faults = faults
        self._count = 0
        self._late: dict[str, Any] | None = None

    async def serve(self, socket: WebSocket) -> None:
        """Serve one client until it goes."""
        if not await self._authorize(socket):
            socket.close(1008, "unauthorized")
            return
        client = Listening(socket)
        try:
            while (message := await socket.receive()) is not None:
                request = json.loads(message)
                if request.get("action") == "listen" and not self._faults.muted:
                    if client not in self.listening:
                        self.listening.append(client)
                    self._send(socket, {"stream": "listening", "data": {"streams": request["data"]["streams"]}})
        finally:
            if client in self.listening:
                self.listening.remove(client)

    def tell(self, event: str, order: VenueOrder, **more: Any) -> None:
        """Tell everybody what happened to an order, as often and in the order that the faults make of it."""
        self.tell_again(event, order.as_json(), **more)

    def tell_again(self, event: str, order: dict[str, Any], **more: Any) -> None:
        """Tell of something that happened to an order when it stood like this."""
        self._count += 1
        news = {
            "at": to_text(self._now()),
            "event_id": f"01SIM{self._count:021d}",
            "event": event,
            "timestamp": to_text(self._now()),
            "order": order,
            **more,
        }
        self._send_in_order(news)

    def _send_in_order(self, news: dict[str, Any]) -> None:
        """Send an update; a swapped one waits for the next."""
        rng, late = self._faults.rng, self._late
        if late is None and self._faults.swaps and rng.random() < self._faults.swaps:
            self._late = news
            return
        self._late = None
        for each in (news, late):
            if each is not None:
                again = self._faults.duplicates and rng.random() < self._faults.duplicates
                for _ in range(2 if again else 1):
                    self._deliver(each)

    def flush(self) -> None:
        """Send what waits for another."""
        late, self._late = self._late, None
        if late is not None:
            self._deliver(late)

    def silence(self, order: VenueOrder) -> None:
        """Tell whoever listens now nothing of an order."""
        for client in self.listening:
            client.untold.add(order.id)

    def _deliver(self, news: dict[str, Any]) -> None:
        if self._faults.muted:
            return
        for client in self.listening:
            if news["order"]["id"] not in client.untold:
                self._send(client.socket, {"stream": "trade_updates", "data": news})

    async def _authorize(self, socket: WebSocket) -> bool:
        message = await socket.receive()
        if message is None:
            return False
        request = json.loads(message)
        data = request.get("data") or {}
        keys = (data.get("key_id") or request.get("key"), data.get("secret_key") or request.get("secret"))
        good = keys == self._keys
        status = "authorized" if good else "unauthorized"
        self._send(socket, {"stream": "authorization", "data": {"status": status, "action": "authenticate"}})
        return good

    def _send(self, socket: WebSocket, message: dict[str, Any]) -> None:
        if not self._faults.muted:
            text = json.dumps(message)
            socket.send(text.encode() if self._binary else text)

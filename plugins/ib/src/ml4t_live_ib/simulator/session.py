"""One connection of one client: handshake, messages in, messages out."""

from __future__ import annotations

import asyncio
import logging
import random
import socket
import struct
import time
from collections import deque
from collections.abc import Mapping
from typing import Any, Protocol

from ml4t_live_ib.simulator.config import OLDEST_VERSION
from ml4t_live_ib.simulator.faults import Faults
from ml4t_live_ib.simulator.protocol import answer_tables as answers
from ml4t_live_ib.simulator.protocol.fields import Values
from ml4t_live_ib.simulator.protocol.message import Message
from ml4t_live_ib.simulator.protocol.request_tables import PLACE_OF_REQUEST_ID, REQUESTS
from ml4t_live_ib.simulator.protocol.wire import Splitter, WireError, frame

_log = logging.getLogger(__name__)

MESSAGES_PER_SECOND = 50
_MOST_UNREAD = 64 << 20
"""Bytes that a client may leave unread before it is dropped."""


class Host(Protocol):
    """What a connection needs of the TWS that it belongs to."""

    faults: Faults
    version: int
    pacing: bool

    @property
    def clock_text(self) -> str:
        """The time in the handshake."""

    def opened(self, session: Session) -> None:
        """A client has introduced itself."""

    def received(self, session: Session, request: str, values: Values) -> None:
        """A client has asked for something."""

    def closed(self, session: Session) -> None:
        """A connection has ended."""


class Session(asyncio.Protocol):
    """A client. Everything it is sent goes through `send`, which is where the faults of the line are."""

    def __init__(self, host: Host, number: int, rng: random.Random) -> None:
        self.number = number
        self.client_id = -1
        self.version = 0
        self.market_data_type = 1
        self.binds_manual_orders = False
        self.wants_positions = False
        self.accounts_watched: set[str] = set()
        self._host = host
        self._rng = rng
        self._splitter = Splitter()
        self._out: list[bytes] = []
        self._arrivals: deque[float] = deque(maxlen=MESSAGES_PER_SECOND + 1)
        self._transport: asyncio.Transport
        self.gone = asyncio.Event()
        """Set once the connection has ended."""

    @property
    def is_ready(self) -> bool:
        """True once the client has introduced itself."""
        return self.client_id >= 0

    # --- the socket

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin."""
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def connection_lost(self, exc: Exception | None) -> None:
        """End."""
        self._host.closed(self)
        self.gone.set()

    def data_received(self, data: bytes) -> None:
        """Handle the messages that have become whole; a client that does not speak the protocol is dropped."""
        try:
            for texts in self._splitter.feed(data):
                self._handle(texts)
        except WireError as error:
            _log.warning("connection %d is dropped: %s", self.number, error)
            self.close()

    def close(self, *, reset: bool = False) -> None:
        """End the connection with FIN after everything was sent, or at once with RST."""
        if reset:
            linger = struct.pack("ii", 1, 0)
            self._transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
            self._transport.abort()
        else:
            self.flush()
            self._transport.close()

    # --- out

    def send(self, message: Message, values: Mapping[str, Any], *, probe: bool = False) -> None:
        """Send a message, unless the line is mute."""
        if not self._host.faults.muted or (probe and self._host.faults.answers_probes):
            self._put(message.frame(values, self.version))

    def push(self, message: Message, values: Mapping[str, Any]) -> None:
        """Send news of an order that nobody asked for: it may overtake others, and come twice."""
        faults = self._host.faults
        if faults.muted:
            return
        data = message.frame(values, self.version)
        for _ in range(1 + (self._rng.random() < faults.duplicated)):
            self._put(data, anywhere=faults.shuffled)

    def after_answer(self, message: Message, values: Mapping[str, Any]) -> None:
        """Send a message once the answer that is being sent is complete."""
        asyncio.get_running_loop().call_soon(self.send, message, values)

    def send_data(self, data: bytes) -> None:
        """Send frames of market data, ready made."""
        if not self._host.faults.muted:
            self._put(data)

    def error(self, request_id: int, code: int, text: str) -> None:
        """Send an error or a notice; -1 is about no request."""
        self.send(answers.ERROR, {"reqId": request_id, "code": code, "text": text})

    def _put(self, data: bytes, *, anywhere: bool = False) -> None:
        if not self._out:
            asyncio.get_running_loop().call_soon(self.flush)
        self._out.insert(self._rng.randint(0, len(self._out)) if anywhere else len(self._out), data)

    def flush(self) -> None:
        """Hand everything that was sent to the network, in one piece."""
        if not self._out or self._transport.is_closing():
            self._out.clear()
            return
        data = b"".join(self._out)
        self._out.clear()
        if self._host.faults.delay:
            asyncio.get_running_loop().call_later(self._host.faults.delay, self._write, data)
        else:
            self._write(data)

    def _write(self, data: bytes) -> None:
        if self._transport.is_closing():
            return
        self._transport.write(data)
        if self._transport.get_write_buffer_size() > _MOST_UNREAD:
            _log.warning("connection %d is dropped: it does not read", self.number)
            self._transport.abort()

    # --- in

    def _handle(self, texts: list[str]) -> None:
        if not self.version:
            self._greet(texts[0])
        elif not self.is_ready:
            self._introduce(texts)
        elif self._is_within_pace():
            self._dispatch(texts)

    def _greet(self, text: str) -> None:
        versions = text.split(" ", maxsplit=1)[0].removeprefix("v").partition("..")
        try:
            lowest, highest = int(versions[0]), int(versions[2] or versions[0])
        except ValueError:
            raise WireError(f"{text!r} is not a range of versions") from None
        if highest < OLDEST_VERSION or lowest > self._host.version:
            raise WireError(f"the client speaks versions {lowest} to {highest}, not {self._host.version}")
        self.version = min(highest, self._host.version)
        self._put(frame((str(self.version), self._host.clock_text)))

    def _introduce(self, texts: list[str]) -> None:
        if texts[0] != "71":
            raise WireError(f"the first message of a client is 71, not {texts[0]}")
        self.client_id = REQUESTS[71].read(texts, self.version)["clientId"]
        self._host.opened(self)

    def _is_within_pace(self) -> bool:
        now = time.monotonic()
        self._arrivals.append(now)
        too_many = len(self._arrivals) > MESSAGES_PER_SECOND and now - self._arrivals[0] < 1
        if too_many and self._host.pacing:
            self.error(-1, 100, f"Max rate of messages per second has been exceeded:max={MESSAGES_PER_SECOND}")
            return False
        return True

    def _dispatch(self, texts: list[str]) -> None:
        message = REQUESTS.get(int(texts[0])) if texts[0].isdigit() else None
        if message is None:
            self._refuse_unknown(texts)
            return
        self._host.received(self, message.name, message.read(texts, self.version))

    def _refuse_unknown(self, texts: list[str]) -> None:
        _log.warning("client %d sent message %s, which is not simulated", self.client_id, texts[0])
        place = PLACE_OF_REQUEST_ID.get(int(texts[0])) if texts[0].isdigit() else None
        request_id = int(texts[place]) if place is not None and len(texts) > place and texts[place].isdigit() else -1
        # Not 321: the SDK takes that for a warning, and whoever waits for the answer would wait for ever.
        self.error(request_id, 505, f"Fatal Error: Unknown message id: message {texts[0]} is not simulated")

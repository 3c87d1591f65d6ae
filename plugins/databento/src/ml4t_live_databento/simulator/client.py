"""One client of the gateway: its login, its subscriptions, and what it is sent."""

from __future__ import annotations

import asyncio
import hashlib
import socket
import struct
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from attrs import define, field
from databento_dbn import SymbolMappingMsg, SystemMsg

from ml4t_live_databento.sdk import REPLAY_DATA_AGED_OUT, Code, ErrorCode, SystemCode
from ml4t_live_databento.simulator import encoding
from ml4t_live_databento.simulator.encoding import SERIES, TICKS, Happened, Series
from ml4t_live_databento.simulator.frames import is_of

if TYPE_CHECKING:
    from ml4t_live_databento.simulator.gateway import SimulatedGateway

BUCKET = 5
"""The last characters of a key are sent along, to say which it is."""
DEFAULT_HEARTBEAT = 30.0


@define(eq=False)
class Subscription:
    """What was asked for."""

    number: str
    schema: str
    stype_in: str
    symbols: set[str]
    start: int | None

    @property
    def series(self) -> Series:
        """How its schema tells of what happened."""
        return SERIES[self.schema]

    def wants(self, record: Any, instruments: Mapping[str, int]) -> bool:
        """Return whether a record of a recording was asked for; `instruments` is what symbols stand for."""
        if isinstance(record, SymbolMappingMsg):
            return record.stype_in_symbol in self.symbols
        if isinstance(record, SystemMsg):
            return record.code == SystemCode.END_OF_INTERVAL and self.series.interval > 0
        return is_of(self.schema, record) and any(instruments[symbol] == record.instrument_id for symbol in self.symbols)


@define(eq=False)
class Client:
    """One connection. `send` and what follows are called on the simulator's loop."""

    gateway: SimulatedGateway
    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    subscriptions: list[Subscription] = field(factory=list)
    streaming: bool = False
    dataset: str = ""
    heartbeat: float = DEFAULT_HEARTBEAT
    behaviour: str = ""
    skipped: int = 0
    warned: bool = False
    sent_at: float = 0.0

    # ------------------------------------------------------------------ what a client says

    async def serve(self) -> None:
        """Log the client in, take its subscriptions, and stream until it goes."""
        if not await self._log_in():
            return
        while line := await self._line():
            if "start_session" in line:
                self._start()
            elif "schema" in line:
                self._take(line)
            else:
                self.tell_error(ErrorCode.INVALID_SUBSCRIPTION, f"unknown request: {'|'.join(line)}")

    async def _log_in(self) -> bool:
        gateway = self.gateway
        challenge = f"{gateway.rng.getrandbits(128):032x}"
        self.writer.write(f"lsg_version=0.7.2\ncram={challenge}\n".encode())
        said = await self._line()
        if not said:
            return False
        if gateway.faults.hang_logins:
            await asyncio.get_running_loop().create_future()
        refusal = gateway.faults.refuse_logins or self._refusal(challenge, said)
        if refusal:
            self.writer.write(f"success=0|error={refusal}\n".encode())
            return False
        self.dataset = said["dataset"]
        self.heartbeat = gateway.config.heartbeat_seconds or float(said.get("heartbeat_interval_s") or DEFAULT_HEARTBEAT)
        self.behaviour = said.get("slow_reader_behavior", "")
        self.writer.write(f"success=1|session_id={gateway.next_number()}\n".encode())
        return True

    def _refusal(self, challenge: str, said: Mapping[str, str]) -> str:
        key = self.gateway.key
        digest = hashlib.sha256(f"{challenge}|{key}".encode()).hexdigest()
        if said.get("auth") != f"{digest}-{key[-BUCKET:]}":
            return "Authentication failed."
        if said.get("encoding") != "dbn" or said.get("compression", "none") != "none" or said.get("ts_out", "0") != "0":
            return "Only encoding=dbn, without compression and ts_out, is simulated."
        if sum(client.dataset != "" for client in self.gateway.clients) >= self.gateway.config.connections:
            return "User has reached their open connection limit."
        return ""

    def _take(self, line: Mapping[str, str]) -> None:
        schema, stype_in = line["schema"], line.get("stype_in", "raw_symbol")
        if schema not in SERIES or stype_in not in {"raw_symbol", "continuous"}:
            self.tell_error(ErrorCode.INVALID_SUBSCRIPTION, f"schema {schema} of {stype_in} is not to be had")
            return
        number = line.get("id", "")
        start = int(line["start"]) if line.get("start") else None
        symbols = set(filter(None, line.get("symbols", "").split(",")))
        known = next((each for each in self.subscriptions if each.number == number and each.schema == schema), None)
        if known is None:
            known = Subscription(number, schema, stype_in, set(), start)
            self.subscriptions.append(known)
        known.symbols |= symbols
        if line.get("is_last", "1") == "1" and self.streaming:
            self._serve_subscription(known)

    def _start(self) -> None:
        self.streaming = True
        self._write(encoding.metadata(self.dataset, self.gateway.now()))
        for subscription in self.subscriptions:
            self._serve_subscription(subscription)
        self.gateway.listened.set()

    async def _line(self) -> dict[str, str]:
        text = (await self.reader.readline()).decode()
        if not text.endswith("\n"):
            return {}
        self.gateway.lines.append(text.rstrip("\n"))
        return {key: value for key, _, value in (part.partition("=") for part in text.rstrip("\n").split("|"))}

    # ------------------------------------------------------------------ what it is sent

    def _serve_subscription(self, subscription: Subscription) -> None:
        gateway = self.gateway
        unknown = sorted(subscription.symbols - gateway.instruments.keys())
        subscription.symbols -= set(unknown)
        for symbol in sorted(subscription.symbols):
            self.send(encoding.mapping(symbol, gateway.instruments[symbol], subscription.stype_in, gateway.now()))
        if unknown:
            self.tell_error(ErrorCode.SYMBOL_RESOLUTION_FAILED, f"Failed to resolve symbols: {', '.join(unknown)}")
        text = f"Subscription request {subscription.number} for {subscription.schema} data succeeded"
        self.tell(SystemCode.SUBSCRIPTION_ACK, text)
        if subscription.start is not None:
            self._replay(subscription, subscription.start)

    def _replay(self, subscription: Subscription, start: int) -> None:
        if self.gateway.faults.refuse_replays:
            self.tell_error(ErrorCode.INTERNAL_ERROR, self.gateway.faults.refuse_replays)
            return
        if 0 < start < self.gateway.kept_from:
            self.tell_error(REPLAY_DATA_AGED_OUT, "start must be within the last 24 hours")
            return
        series = subscription.series
        start = max(start, self.gateway.kept_from)
        for it in self.gateway.tape.since(start, series.interval, sorted(subscription.symbols)):
            self.send(series.encode(it, self.gateway.instruments[it.symbol]))
        self.tell(SystemCode.REPLAY_COMPLETED, f"Finished replay for subscription {subscription.number}")

    def hear(self, it: Happened, interval: int = TICKS) -> None:
        """Be sent what happened, as far as it was asked for."""
        for subscription in self.subscriptions if self.streaming else ():
            series = subscription.series
            if series.interval != interval or it.symbol not in subscription.symbols:
                continue
            if self._too_slow(series):
                self.skipped += 1
            else:
                self.send(series.encode(it, self.gateway.instruments[it.symbol]))

    def hear_again(self, record: Any) -> None:
        """Be sent a record of a recording as it is, as far as it was asked for."""
        for subscription in self.subscriptions if self.streaming else ():
            if subscription.wants(record, self.gateway.instruments):
                self.send(bytes(record))

    def end_interval(self, interval: int, end: int) -> None:
        """Be told that all bars of an interval have been sent."""
        if self.streaming and any(each.series.interval == interval for each in self.subscriptions):
            self.send(encoding.system(SystemCode.END_OF_INTERVAL, "End of interval", end))

    def tell(self, code: Code, text: str) -> None:
        """Be sent a message that is no error."""
        self.send(encoding.system(code, text, self.gateway.now()))

    def tell_error(self, code: Code, text: str) -> None:
        """Be sent an error."""
        self.send(encoding.error(code, text, self.gateway.now()))

    def send(self, record: bytes) -> None:
        """Be sent a record, unless the gateway is mute."""
        if not self.gateway.faults.muted:
            self._write(record)

    def beat(self, now: float) -> None:
        """Be told that the gateway is there, when nothing has been sent for so long."""
        if self.streaming and not self.gateway.faults.heartless and now - self.sent_at >= self.heartbeat:
            self._write(encoding.system(SystemCode.HEARTBEAT, "Heartbeat", self.gateway.now()))

    def _write(self, record: bytes) -> None:
        self.sent_at = asyncio.get_running_loop().time()
        if not self.writer.is_closing():
            self.writer.write(record)

    def _too_slow(self, series: Series) -> bool:
        """Warn a client that is behind; return True when it misses what comes, because its schema says so or it does."""
        waiting = self.backlog
        if waiting <= self.gateway.config.slow_bytes:
            self.warned = False
            if self.skipped:
                text = f"{self.skipped} records were skipped after slow reading"
                self.skipped = 0
                self.tell_error(ErrorCode.SKIPPED_RECORDS_AFTER_SLOW_READING, text)
            return False
        if self.behaviour == "skip" or (series.skips and self.behaviour != "warn"):
            return True
        if not self.warned:
            self.warned = True
            self.tell(SystemCode.SLOW_READER_WARNING, f"{waiting} bytes are waiting to be read")
        return False

    @property
    def backlog(self) -> int:
        """How many bytes are waiting to be read, beside what sockets hold."""
        return self.writer.transport.get_write_buffer_size()

    def close(self, *, reset: bool) -> None:
        """Hang up, with FIN or with RST."""
        if not reset:
            self.writer.close()
            return
        connection = self.writer.get_extra_info("socket")
        # Without this a transport that is aborted sends FIN.
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.writer.transport.abort()

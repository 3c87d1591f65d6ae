"""Databento's HTTP API for history on 127.0.0.1: `timeseries.get_range`, and how it fails."""

from __future__ import annotations

import asyncio
import base64
import binascii
import json
import random
from collections import deque
from collections.abc import Iterator, Mapping
from datetime import timedelta
from heapq import merge
from typing import TYPE_CHECKING
from urllib.parse import parse_qs

import zstandard
from attrs import define, field, frozen

from ml4t.live.testing.loop_thread import stop_accepting
from ml4t.live.times import NANOS, to_datetime
from ml4t_live_databento.simulator import encoding
from ml4t_live_databento.simulator.encoding import SERIES, Happened, Interval, Symbol
from ml4t_live_databento.simulator.walk import market_of

if TYPE_CHECKING:
    from ml4t_live_databento.simulator.gateway import SimulatedGateway

PATH = "/v0/timeseries.get_range"
PIECE = 16_384
LARGEST = 200_000
"""Records of one symbol that are made up for a range in which nothing was simulated."""


@frozen
class Answer:
    """What a request is answered with."""

    status: int = 200
    body: bytes = b""
    headers: Mapping[str, str] = field(factory=dict)
    cut_after: int | None = None
    """Send so many bytes of the body and no more."""
    whole: bool = True
    """A body that is cut ends as if it was whole, or the connection with it."""


def refusal(status: int, message: str, *, retry_after: float | None = None) -> Answer:
    """Return a refusal in Databento's form."""
    detail = {
        "case": "simulated",
        "message": message,
        "status_code": status,
        "docs": "https://databento.com/docs",
        "payload": {},
    }
    headers = {} if retry_after is None else {"Retry-After": f"{retry_after:g}"}
    return Answer(status, json.dumps({"detail": detail}).encode(), headers)


@define
class Faults:
    """What goes wrong with the next downloads, one each, and with all of them."""

    refusals: deque[Answer] = field(factory=deque)
    cuts: deque[tuple[int, bool]] = field(factory=deque)
    hang: bool = False


class History:
    """Serves what has happened, and makes up what was before. Everything below runs on the simulator's own thread."""

    def __init__(self, gateway: SimulatedGateway) -> None:
        self._gateway = gateway
        self._began = gateway.now()
        self._server: asyncio.Server | None = None
        self.faults = Faults()
        self.port = 0
        self.asked: list[dict[str, str]] = []
        """What was asked for, one form each."""

    async def open(self, host: str) -> None:
        """Listen."""
        self._server = await asyncio.start_server(self._serve, host, 0)
        self.port = self._server.sockets[0].getsockname()[1]

    async def stop(self) -> None:
        """Take no more requests."""
        if self._server is not None:
            await stop_accepting(self._server.sockets)
            self._server.close()
            self._server = None

    # ------------------------------------------------------------------ HTTP

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            first, *lines = (await reader.readuntil(b"\r\n\r\n")).decode().rstrip().split("\r\n")
            headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
            body = (await reader.readexactly(int(headers.get("content-length", "0")))).decode()
            form = {name: values[-1] for name, values in parse_qs(body).items()}
            self.asked.append(form)
            if self.faults.hang:
                await reader.read()
            await self._send(writer, self._answer(first, headers, form))
        except (ConnectionError, ValueError, asyncio.IncompleteReadError):
            pass  # a client that is gone, or that does not speak HTTP
        finally:
            writer.close()

    async def _send(self, writer: asyncio.StreamWriter, answer: Answer) -> None:
        headers = {"Connection": "close", "Transfer-Encoding": "chunked", "Content-Type": "application/json", **answer.headers}
        head = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
        writer.write(f"HTTP/1.1 {answer.status} {'OK' if answer.status == 200 else 'No'}\r\n{head}\r\n".encode())
        body = answer.body[: answer.cut_after]
        for start in range(0, len(body), PIECE):
            piece = body[start : start + PIECE]
            writer.write(f"{len(piece):x}\r\n".encode() + piece + b"\r\n")
            await writer.drain()
        if answer.whole:
            writer.write(b"0\r\n\r\n")
        await writer.drain()

    # ------------------------------------------------------------------ what is asked for

    def _answer(self, first: str, headers: Mapping[str, str], form: Mapping[str, str]) -> Answer:
        if self.faults.refusals:
            return self.faults.refusals.popleft()
        if _user(headers.get("authorization", "")) != self._gateway.key:
            return refusal(401, "Authentication failed.")
        if first.split()[:2] != ["POST", PATH]:
            return refusal(404, f"{first} is not simulated.")
        try:
            return self._range(form)
        except (KeyError, ValueError) as error:
            return refusal(400, f"Invalid request: {error}")

    def _range(self, form: Mapping[str, str]) -> Answer:
        start, end, schema = int(form["start"]), int(form["end"]), form["schema"]
        if end > self._gateway.now():
            return refusal(422, "The dataset's available range ends before the end of the query.")
        if (
            form["encoding"] != "dbn"
            or form["compression"] != "zstd"
            or form["stype_out"] != "instrument_id"
            or schema not in SERIES
        ):
            return refusal(422, f"{schema} is not simulated in this form.")
        instruments = self._gateway.instruments
        symbols = [symbol for symbol in form["symbols"].split(",") if symbol in instruments]
        if not symbols:
            return refusal(422, "None of the symbols could be resolved.")
        days = (to_datetime(start).date(), to_datetime(end).date() + timedelta(days=1))
        known = [Symbol(symbol, [Interval(*days, str(instruments[symbol]))]) for symbol in symbols]
        header = encoding.download_header(form["dataset"], schema, form["stype_in"], start, end, known)
        encode = SERIES[schema].encode
        records = (encode(it, instruments[it.symbol]) for it in self._happened(schema, symbols, start, end))
        cut_after, whole = self.faults.cuts.popleft() if self.faults.cuts else (None, True)
        return Answer(200, zstandard.compress(header + b"".join(records)), cut_after=cut_after, whole=whole)

    def _happened(self, schema: str, symbols: list[str], start: int, end: int) -> Iterator[Happened]:
        interval = SERIES[schema].interval
        past = self._made_up(interval or NANOS, set(symbols), start, min(end, self._began))
        since = (it for it in self._gateway.tape.since(start, interval, symbols) if it.time < end)
        return merge(past, since, key=lambda it: it.time)

    def _made_up(self, step: int, symbols: set[str], start: int, end: int) -> Iterator[Happened]:
        """Yield a random walk, or the file that is replayed, in a market that does not stand still."""
        config = self._gateway.config
        if config.still:
            return
        step *= 1 + max(0, end - start) // (step * LARGEST)
        market = market_of(config, random.Random(config.seed))  # noqa: S311 - a simulation is reproduced by its seed
        before: dict[str, int] = {}
        for moment, prints in zip(range(-(-start // step) * step, end, step), market, strict=False):
            for symbol, price, size in prints:
                close = round(price * 1e9)
                opened = before.get(symbol, close)
                before[symbol] = close
                if symbol in symbols:
                    yield Happened(symbol, moment, opened, max(opened, close), min(opened, close), close, round(size))


def _user(authorization: str) -> str:
    """Return the user of a basic authorization, whose password is empty."""
    try:
        return base64.b64decode(authorization.removeprefix("Basic ")).decode().removesuffix(":")
    except (binascii.Error, ValueError):
        return ""

"""The simulated TWS on a thread of its own, listening on 127.0.0.1."""

from __future__ import annotations

import asyncio
import concurrent.futures
import threading
from collections.abc import Callable, Coroutine, Mapping
from contextlib import suppress
from typing import Any, Self, TypeVar

from ml4t.live.errors import ConfigError
from ml4t.live.testing.loop_thread import stop_accepting
from ml4t_live_ib.simulator.config import SimulatorConfig
from ml4t_live_ib.simulator.tws import Tws

HOST = "127.0.0.1"
_PATIENCE = 60.0
_GRACE = 1.0
"""Seconds that a client has to read what it was sent before a connection is closed."""

T = TypeVar("T")


class Server:
    """Runs a `Tws`: start, close, and work handed to its thread."""

    def __init__(self, config: SimulatorConfig | None = None) -> None:
        self.config = config or SimulatorConfig()
        self.address = (HOST, self.config.port)
        """Where it listens; the port is known once it has started."""
        self._tws = Tws(self.config)
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None
        self._stop: asyncio.Event
        self._listener: asyncio.Server

    @property
    def options(self) -> Mapping[str, Any]:
        """What a feed or a broker of this plugin needs to reach it."""
        return {"host": self.address[0], "port": self.address[1], "account": self.config.accounts[0]}

    @property
    def environ(self) -> Mapping[str, str]:
        """No variables: TWS has no keys."""
        return {}

    def start(self) -> None:
        """Listen. Returns when clients can connect; raises `ConfigError` if the port is taken."""
        if self._thread is not None:
            return
        started: concurrent.futures.Future[None] = concurrent.futures.Future()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._main(started)), name="tws-simulator", daemon=True)
        self._thread.start()
        try:
            started.result(_PATIENCE)
        except OSError as error:
            self._thread.join()
            self._thread = None
            port = self.config.port
            remedy = f"port: {HOST}:{port} cannot be listened on ({error.strerror}); is TWS itself there? 0 takes a free one"
            raise ConfigError([remedy]) from error

    def close(self) -> None:
        """Stop listening, drop everybody and end the thread; the books can still be read."""
        thread, self._thread = self._thread, None
        if thread is None or self._loop is None:
            return
        with suppress(RuntimeError):  # it has just ended by itself
            self._loop.call_soon_threadsafe(self._stop.set)
        thread.join(_PATIENCE)
        self._loop = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    async def _main(self, started: concurrent.futures.Future[None]) -> None:
        self._loop = asyncio.get_running_loop()
        self._stop = asyncio.Event()
        try:
            await self._listen()
        except OSError as error:
            started.set_exception(error)
            return
        moving = asyncio.create_task(self._tws.keep_moving()) if self.config.interval else None
        started.set_result(None)
        await self._stop.wait()
        if moving is not None:
            moving.cancel()
        await self._hang_up()

    async def _listen(self) -> None:
        loop = asyncio.get_running_loop()
        self._listener = await loop.create_server(self._tws.new_session, *self.address)
        self.address = self._listener.sockets[0].getsockname()[:2]

    async def _hang_up(self) -> None:
        await stop_accepting(self._listener.sockets)
        self._listener.close()
        await self._drop(reset=False)

    def _call(self, work: Callable[[], T]) -> T:
        """Do something on the simulator's thread, and hand what it sends to the network before returning."""
        if self._loop is None:
            return work()

        async def do() -> T:
            result = work()
            self._tws.flush()
            return result

        return self._run(do())

    def _run(self, work: Coroutine[Any, Any, T]) -> T:
        assert self._loop is not None, "start the simulator first"
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(_PATIENCE)

    # --- what every simulated server can be made to do

    @property
    def connections(self) -> int:
        """How many clients are connected and have introduced themselves."""
        return self._call(lambda: len(self._tws.ready()))

    @property
    def requests_seen(self) -> Mapping[str, int]:
        """How many requests of each kind have come, by the name that IB's API has for it."""
        return self._call(lambda: dict(self._tws.seen))

    def drop(self, *, reset: bool = False) -> None:
        """Close every connection, with FIN or with RST, and take new ones."""
        self._run(self._drop(reset=reset))

    async def _drop(self, *, reset: bool) -> None:
        leaving = list(self._tws.connected)
        for session in leaving:
            session.close(reset=reset)
        if leaving:
            _, late = await asyncio.wait([asyncio.create_task(each.gone.wait()) for each in leaving], timeout=_GRACE)
            for task in late:
                task.cancel()
        for session in self._tws.connected.intersection(leaving):
            session.close(reset=True)  # it does not read what it was sent
            await session.gone.wait()

    def mute(self, on: bool, *, answer_probes: bool = False) -> None:
        """Keep connections open and send nothing while it is on; what is muted is sent never.

        The protocol has no heartbeats. With `answer_probes` reqCurrentTime, which clients use for one, is answered.
        """
        self._call(lambda: self._set_mute(on, answer_probes))

    def _set_mute(self, on: bool, answer_probes: bool) -> None:
        self._tws.flush()
        self._tws.faults.muted, self._tws.faults.answers_probes = on, answer_probes

    def restart(self, *, forget_ids: bool = False) -> None:
        """Stop listening, drop everybody, and come back on the same address with the same books.

        With `forget_ids` order ids begin at 1 again.
        """
        self._run(self._restart(forget_ids))

    async def _restart(self, forget_ids: bool) -> None:
        await self._hang_up()
        if forget_ids:
            self._tws.book.forget_ids()
        await self._listen()

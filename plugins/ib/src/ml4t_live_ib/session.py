"""One connection to TWS or the Gateway: opened or refused with a sentence, watched, and noticed when it is lost."""

from __future__ import annotations

import asyncio
import logging
import re
import time
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar, cast

import structlog
from ib_async import IB, StartupFetch

from ml4t.live.errors import LiveError
from ml4t_live_ib.codes import Action, action_of
from ml4t_live_ib.config import Connection

T = TypeVar("T")

OnCode = Callable[[int, int, str], None]
"""Gets the id that a message names (-1: none), its code and its text."""

LONGEST = 12
"""How many times `timeout_seconds` an answer may take that comes in many messages."""
SKEW_SECONDS = 5
"""How far this machine's clock may be from that of TWS before somebody is told."""
HOW = (
    "start TWS or the Gateway, log in, switch on `Enable ActiveX and Socket Clients` in its API settings, and compare the port "
    "(TWS: 7497 paper, 7496 live; Gateway: 4002 paper, 4001 live)"
)
PARTS, PART_SECONDS = 5, 0.24
"""A second's messages go in so many parts, so far apart: what is late by a fifth of a second meets no more than it should."""
RAISED = "API connection failed"
"""How the SDK begins to tell of an error that it raises as well."""

for _name in ("ib", "client", "wrapper"):
    # The SDK writes a page about every order; what matters of it is told by the adapter, in words.
    logging.getLogger(f"ib_async.{_name}").setLevel(logging.CRITICAL)

_log = structlog.get_logger("ml4t_live_ib")


class Session:
    """A connection that can be opened again and again, each time with a client that has no past.

    `failure` is what it raises when the connection cannot be had or is lost. `wire` attaches to a new client whatever its owner
    wants to hear. `on_loss` is told once, with the reason, when an open connection is lost; `on_alive` whenever TWS is known to
    have spoken.
    """

    def __init__(
        self,
        config: Connection,
        failure: type[LiveError],
        *,
        wire: Callable[[IB], None],
        on_code: OnCode,
        on_loss: Callable[[str], None],
        on_alive: Callable[[], None] = lambda: None,
    ) -> None:
        self._config = config
        self._failure = failure
        self._wire = wire
        self._on_code = on_code
        self._on_loss = on_loss
        self._on_alive = on_alive
        self._port = config.port
        self._ib: IB | None = None
        self._question = asyncio.Lock()
        self._uncrowded = asyncio.Event()
        self._asked: set[asyncio.Task[Any]] = set()
        self._waiting: dict[str, asyncio.Task[Any]] = {}
        self._watching: asyncio.Task[None] | None = None
        self._refusal: asyncio.Future[str] | None = None

    @property
    def ib(self) -> IB:
        """The client. Raises the session's failure when it is not connected."""
        if self._ib is None or not self._ib.isConnected():
            raise self._failure(f"there is no connection to TWS at {self._where}")
        return self._ib

    @property
    def client(self) -> Any:
        """The SDK's own client below it, which sends IB's messages one by one and has no types. Raises as `ib`."""
        return self.ib.client

    @property
    def is_open(self) -> bool:
        """True until the connection is closed or known to be lost."""
        return self._ib is not None and self._ib.isConnected()

    async def open(self) -> None:
        """Connect. Raises the session's failure, with the remedy, when that cannot be done."""
        self.close()
        ib = IB()
        ib.RaiseRequestErrors = True
        ib.TimezoneTWS = self._config.timezone
        ib.client.MaxRequests = max(1, self._config.requests_per_second // PARTS)
        cast(Any, ib.client).RequestsInterval = PART_SECONDS  # the SDK says int, and computes with any number
        ib.errorEvent += self._on_error
        ib.client.apiError += self._on_api_error
        ib.disconnectedEvent += self._on_disconnect
        ib.client.decoder.logger = _Undecoded(self._on_undecoded)
        self._wire(ib)
        self._question, self._uncrowded, self._waiting = asyncio.Lock(), asyncio.Event(), {}
        self._uncrowded.set()
        ib.client.throttleStart += self._uncrowded.clear
        ib.client.throttleEnd += self._uncrowded.set
        self._refusal = asyncio.get_running_loop().create_future()
        try:
            await self._connect(ib)
        except BaseException:
            self._detach(ib)
            ib.disconnect()
            raise
        finally:
            self._refusal.cancel()
        self._ib = ib
        await self._compare_clocks()
        self._watching = asyncio.get_running_loop().create_task(self._watch(), name="ib watch")

    def close(self) -> None:
        """Let go of the connection; calling it again is harmless."""
        ib, self._ib = self._ib, None
        self._uncrowded.set()
        if self._watching is not None:
            self._watching.cancel()
        if ib is not None:
            self._detach(ib)
            transport, wrapper = ib.client.conn.transport, cast(Any, ib.wrapper)
            wrapper.connectionClosed()  # whoever waits for an answer is told; `disconnect` alone would forget them
            if transport is not None:
                # A line that is dead would never let go of what is still to be sent; on one that was reset a farewell raises.
                transport.abort()
            ib.disconnect()

    def lose(self, why: str) -> None:
        """Give the connection up, and tell the owner why."""
        if self._ib is not None:
            self.close()
            self._on_loss(why)

    async def ask(self, what: str, request: Callable[[IB], Awaitable[T]], *, shared: bool = False) -> T:
        """Return what TWS answers; one question at a time, because the SDK cannot tell the answers apart.

        A question that was asked is seen through even when whoever asked is cancelled. One that is `shared` is put once for all
        who want `what` before it is put. Raises the session's failure, and gives the connection up, when the answer does not
        come.
        """
        asking = self._waiting.get(what) if shared else None
        if asking is None or asking.done():
            asking = asyncio.get_running_loop().create_task(self._ask(what, request), name=f"ib {what}")
            self._asked.add(asking)
            asking.add_done_callback(self._answered)
            if shared:
                self._waiting[what] = asking
        return await asyncio.shield(cast("asyncio.Task[T]", asking))

    def guard(self, handler: Callable[..., None]) -> Callable[..., None]:
        """Return a handler for the SDK to call: what goes wrong in it is not swallowed, it ends the connection."""

        def guarded(*arguments: Any) -> None:
            try:
                handler(*arguments)
            except Exception as error:  # noqa: BLE001 - the SDK would log it, drop the message and go on
                _log.exception("a message of TWS could not be handled")
                self.lose(f"a message of TWS could not be handled: {error!r}")

        return guarded

    def tap(self, ib: IB, callback: str, handler: Callable[..., None]) -> None:
        """Let `handler` have what TWS says by one of IB's callbacks, after the SDK has."""
        before, after = getattr(ib.wrapper, callback), self.guard(handler)

        def both(*arguments: Any) -> None:
            before(*arguments)
            after(*arguments)

        setattr(ib.wrapper, callback, both)

    def take(self, ib: IB, callback: str, handler: Callable[..., None]) -> None:
        """Let `handler` have what TWS says by one of IB's callbacks in place of the SDK, which would keep or alter it."""
        setattr(ib.wrapper, callback, self.guard(handler))

    # ------------------------------------------------------------------ inside

    @property
    def _where(self) -> str:
        return f"{self._config.host}:{self._port}"

    async def _connect(self, ib: IB) -> None:
        config, refusal = self._config, self._refusal
        assert refusal is not None
        connecting = asyncio.ensure_future(
            ib.connectAsync(
                config.host,
                self._port,
                config.client_id,
                timeout=config.timeout_seconds,
                raiseSyncErrors=True,
                fetchFields=StartupFetch(0),
            )
        )
        try:
            await asyncio.wait({connecting, refusal}, return_when=asyncio.FIRST_COMPLETED)
            if refusal.done():
                raise self._failure(refusal.result())
            await connecting
        except ConnectionRefusedError:
            where, self._port = self._where, config.port
            raise self._failure(f"nothing listens at {where}: {HOW}") from None
        except TimeoutError:
            raise self._failure(
                f"{self._where} does not answer as TWS does: it may be showing a dialog, not trust this machine (API settings, "
                f"Trusted IPs), or be something else; {HOW}"
            ) from None
        except OSError as error:
            # The SDK raises ConnectionError, which is an OSError, when its first questions are not answered.
            raise self._failure(f"TWS at {self._where} cannot be used: {error}; {HOW}") from None
        finally:
            connecting.cancel()
            await asyncio.gather(connecting, return_exceptions=True)

    async def _ask(self, what: str, request: Callable[[IB], Awaitable[T]]) -> T:
        ib = self.ib
        async with self._question:
            await self._uncrowded.wait()  # a question behind a storm of orders would be late before it was asked
            self._waiting.pop(what, None)  # what happens from here on may not be in the answer
            if self._ib is not ib:
                raise self._failure(f"the connection to TWS was lost before it could be asked for {what}")
            try:
                return await self._answer(ib, request)
            except TimeoutError:
                why = f"TWS did not say {what} within {self._config.timeout_seconds:g} s"
                if self._ib is ib:
                    self.lose(why)
                raise self._failure(why) from None
            except ConnectionError as error:
                raise self._failure(f"the connection to TWS was lost while it was asked for {what}: {error}") from None

    async def _answer(self, ib: IB, request: Callable[[IB], Awaitable[T]]) -> T:
        """Wait for an answer while messages keep coming: the list of a day's orders may take longer than any other.

        Raises TimeoutError after `timeout_seconds` in which none came, and after `LONGEST` times as long in all.
        """
        asking = asyncio.ensure_future(request(ib))
        try:
            for _ in range(LONGEST):
                heard = ib.client.connectionStats().numMsgRecv
                if (await asyncio.wait({asking}, timeout=self._config.timeout_seconds))[0]:
                    return asking.result()
                if ib.client.connectionStats().numMsgRecv == heard:
                    break
            raise TimeoutError
        finally:
            if not asking.cancel() and not asking.cancelled():
                asking.exception()  # it may have failed in the same moment in which nobody waited any more

    async def _watch(self) -> None:
        """Ask for the time whenever TWS has been quiet: a socket can be open and dead."""
        heard = -1
        while True:
            await asyncio.sleep(self._config.probe_seconds)
            # Messages and not bytes: after a damaged length the bytes go on coming, and no message ever does.
            if heard == self.ib.client.connectionStats().numMsgRecv:
                await self.ask("the time", lambda ib: ib.reqCurrentTimeAsync())
            heard = self.ib.client.connectionStats().numMsgRecv
            self._on_alive()

    async def _compare_clocks(self) -> None:
        theirs = await self.ask("the time", lambda ib: ib.reqCurrentTimeAsync())
        ahead = time.time() - theirs.timestamp()
        if abs(ahead) > SKEW_SECONDS:
            direction = "ahead of" if ahead > 0 else "behind"
            _log.warning(f"this machine's clock is {abs(ahead):.0f} s {direction} that of TWS; synchronise both (NTP)")

    def _answered(self, asking: asyncio.Task[Any]) -> None:
        self._asked.discard(asking)
        if not asking.cancelled():
            asking.exception()  # whoever still waits is told; when nobody does, that is no fault

    def _detach(self, ib: IB) -> None:
        ib.errorEvent -= self._on_error
        ib.client.apiError -= self._on_api_error
        ib.disconnectedEvent -= self._on_disconnect

    def _on_error(self, request: int, code: int, text: str, _contract: Any) -> None:
        action = action_of(code, names_order=False)
        if action is Action.TAKEN:
            self._refuse(
                f"client id {self._config.client_id} is in use at {self._where}: another process holds it; stop that one, "
                f"or set another client_id"
            )
        elif action is Action.MOVED:
            port = re.search(r"\d{2,5}\s*$", text)
            self._port = int(port.group()) if port else self._port
            self.lose(f"TWS listens on port {self._port} now: {text}")
        else:
            self.guard(self._on_code)(request, code, text)

    def _on_undecoded(self, text: str) -> None:
        why = f"a message of TWS at {self._where} could not be decoded, and what it said is not known: {text}"
        self._refuse(why)
        self.lose(why)

    def _on_api_error(self, text: str) -> None:
        if not text.startswith(RAISED):
            self._refuse(f"TWS at {self._where} closed the connection before it was ready ({text}); {HOW}")

    def _refuse(self, why: str) -> None:
        if self._refusal is not None and not self._refusal.done():
            self._refusal.set_result(why)

    def _on_disconnect(self) -> None:
        self.lose(f"TWS at {self._where} closed the connection")


class _Undecoded(logging.Logger):
    """Stands where the SDK logs that it cannot decode a message, before it drops the message and goes on."""

    def __init__(self, on_undecoded: Callable[[str], None]) -> None:
        super().__init__("ib_async.Decoder")
        self._on_undecoded = on_undecoded

    def exception(self, msg: object, *_: object, **__: object) -> None:
        """Tell of one message."""
        self._on_undecoded(str(msg))

"""The real SDK against the simulator, over loopback."""

from __future__ import annotations

import asyncio
import contextlib
import inspect
import time
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any

import pytest
from ib_async import IB, Stock

from ml4t_live_ib.simulator import SimulatorConfig, TwsSimulator

PATIENCE = 60.0


@pytest.fixture
def make_tws() -> Iterator[Callable[..., TwsSimulator]]:
    """A maker of simulators whose prices move only when told to, and that allow any number of requests."""
    with contextlib.ExitStack() as stack:

        def make(**options: Any) -> TwsSimulator:
            return stack.enter_context(TwsSimulator(SimulatorConfig(**{"interval": 0, "pacing": False, **options})))

        yield make


class Client(IB):
    """The SDK's client, which remembers the errors that it was told of."""

    def __init__(self) -> None:
        super().__init__()
        self.errors: list[tuple[int, int, str]] = []
        self.errorEvent += lambda request_id, code, text, _: self.errors.append((request_id, code, text))
        self.client.MaxRequests = 0

    @property
    def codes(self) -> list[int]:
        return [code for _, code, _ in self.errors if not 2100 <= code < 2200]

    async def stock(self, symbol: str = "AAPL") -> Stock:
        (contract,) = await self.qualifyContractsAsync(Stock(symbol, "SMART", "USD"))
        assert contract is not None
        return contract


@pytest.fixture
def eventually() -> Callable[..., Any]:
    """Wait until a condition holds, and say what it was when it never does."""

    async def wait(condition: Callable[[], Any], seconds: float = PATIENCE) -> None:
        deadline = time.monotonic() + seconds
        while not condition():
            assert time.monotonic() < deadline, f"never: {inspect.getsource(condition).strip()}"
            await asyncio.sleep(0.002)

    return wait


@pytest.fixture
def connected() -> Callable[..., Any]:
    """A context with a client that is connected."""

    @contextlib.asynccontextmanager
    async def connect(tws: TwsSimulator, client_id: int = 7, **options: Any) -> AsyncIterator[Client]:
        client = Client()
        await client.connectAsync(*tws.address, clientId=client_id, **{"timeout": 5, "raiseSyncErrors": True, **options})
        try:
            yield client
        finally:
            client.disconnect()

    return connect

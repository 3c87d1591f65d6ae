"""The feed, the forecaster and the observer."""

from __future__ import annotations

from pathlib import Path

from acme_model.config import ModelConfig, NotesConfig, StepsConfig
from ml4t.live.contracts import ForecastRequest, OrderIntent, RuntimeEvent, Sink
from ml4t.live.model import Direction, Forecast, Trade

START, MINUTE = 1_709_650_800_000_000_000, 60_000_000_000


class Steps:
    """Says prices that go up, and ends."""

    historical = True

    def __init__(self, config: StepsConfig) -> None:
        self.symbols, self.steps = config.symbols, config.steps

    async def run(self, sink: Sink) -> None:
        for step in range(self.steps):
            sink.push_many(Trade(symbol, START + step * MINUTE, 100.0 + step, 10.0) for symbol in self.symbols)
            await sink.ready()


class Buys:
    """Says that it goes up, and orders."""

    version = "1"

    def __init__(self, config: ModelConfig) -> None:
        self.quantity = config.quantity

    async def forecast(self, request: ForecastRequest) -> list[Forecast | OrderIntent]:
        said: list[Forecast | OrderIntent] = []
        for symbol in request.symbols:
            price = request.market.price(symbol)
            if price is not None:
                said += [
                    Forecast(symbol, request.horizon, price * 1.01, Direction.UP, 0.6),
                    OrderIntent(symbol, self.quantity),
                ]
        return said


class Notes:
    """Adds a line for every fill and refusal."""

    kinds = ("fill", "verdict", "forecast")

    def __init__(self, config: NotesConfig) -> None:
        self.path = Path(config.path) if config.path else None

    async def on_event(self, event: RuntimeEvent) -> None:
        if self.path is not None:
            with self.path.open("a", encoding="utf-8") as file:
                file.write(f"{event.kind} {event.subject}\n")

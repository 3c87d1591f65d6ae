"""What the tests of the ledger are written with: a market that the test moves, and what the ledger records."""

from __future__ import annotations

from ml4t.live.journal import RecordKind, TrackedForecast
from ml4t.live.ledger import ForecastLedger
from ml4t.live.market import MarketState
from ml4t.live.model import Forecast, ForecastState, Quote, Trade

HOUR = 3_600_000_000_000
DAY = 24 * HOUR
START = 1_700_000_000_000_000_000


class Bench:
    """A ledger on a market that the test moves."""

    def __init__(self, start=START, **options) -> None:
        self.market = MarketState()
        self.options = options
        self.lines = []
        self.now = start
        self.ledger = self.new_ledger()

    def new_ledger(self):
        return ForecastLedger(self.market, self.record, **self.options)

    def record(self, kind, subject, body, *, state=(), on_durable=None, also=()):
        self.lines.append((kind, subject, body, tuple(state)))
        return len(self.lines)

    def price(self, price, *, after=0, symbol="A"):
        """Move the market and resolve what is due, as the engine does."""
        self.now += after
        state = self.market.apply(Trade(symbol, self.now, price, 1.0), self.now)
        if state is not None:
            self._resolve(state)

    def quote(self, bid, ask, *, after=0, symbol="A"):
        self.now += after
        state = self.market.apply(Quote(symbol, self.now, bid, ask, 1.0, 1.0), self.now)
        self._resolve(state)

    def _resolve(self, state):
        due = self.ledger.next_due.get(state.symbol)
        if due is not None and state.event_time >= due:
            self.ledger.on_price(state.symbol, state.price, state.event_time, self.now)

    def issue(self, *forecasts, model="m", cause="", version="1", **rest):
        return self.ledger.issue(forecasts, model=model, version=version, cause=cause, now=self.now, **rest)

    def bodies(self, kind):
        return [body for k, _, body, _ in self.lines if k is RecordKind(kind)]

    def state(self, bucket):
        """What the journal would hold."""
        return {put.key: put.value for _, _, _, state in self.lines for put in state if put.bucket == bucket}

    def restart(self):
        self.ledger = self.new_ledger()
        self.ledger.restore(Lines(self), 1_000)

    def total(self, model="m", horizon=HOUR):
        return self.ledger.board.total(model, horizon)


def forecast(price=105.0, *, horizon=HOUR, symbol="A", **rest):
    return Forecast(symbol, horizon, price, **rest)


class Lines:
    """What a bench has recorded, as a journal answers."""

    def __init__(self, bench) -> None:
        self._bench = bench
        self._outcomes = {outcome.forecast_id: outcome for outcome in bench.bodies("resolution")}
        self._forecasts = {each.forecast_id: each for each in bench.bodies("forecast")}

    def state(self, bucket):
        return self._bench.state(bucket)

    def forecast(self, forecast_id):
        outcome = self._outcomes.get(forecast_id)
        state = ForecastState.OPEN if outcome is None else outcome.state
        return TrackedForecast(self._forecasts[forecast_id], state, outcome)

    def forecasts(self, *, state):
        return [tracked for tracked in map(self.forecast, self._forecasts) if tracked.state is state]

    def resolved_forecasts(self, limit):
        return list(self._outcomes)[-limit:] if limit else []

    def ledger_records(self, after_seq):
        lines = enumerate(self._bench.lines, start=1)
        return [(k, n, s) for n, (k, s, *_) in lines if n > after_seq and k in {RecordKind.FORECAST, RecordKind.RESOLUTION}]

"""Forecasts from issue to resolution."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from hashlib import blake2b
from heapq import heapify, heappop, heappush
from typing import Any

import attrs

from ml4t.live.contracts.market import MarketView, SymbolView
from ml4t.live.journal import RecordKind, StatePut
from ml4t.live.journal.queries import Queries
from ml4t.live.ledger.checking import checked, checked_ratio
from ml4t.live.ledger.horizons import Horizons
from ml4t.live.ledger.inputs import digest
from ml4t.live.ledger.latest import Latest
from ml4t.live.ledger.outcome import resolve
from ml4t.live.ledger.recall import LEDGER, NOTE_EVERY, SPLITS, SUSPECTS, THROUGH, recall
from ml4t.live.ledger.scoreboard import Group, Scoreboard
from ml4t.live.ledger.scores import Score
from ml4t.live.model import Forecast, ForecastState, HorizonIn, Resolution
from ml4t.live.orders.ports import Recorder

KNOWN = 100_000
"""Ids of forecasts that are remembered, so that none is issued twice."""

JUDGE_EVERY = 50
"""Resolutions of a model and horizon between two looks at whether it is too good to be honest."""

Entry = tuple[int, str, Forecast]


class ForecastLedger:
    """Stamps, stores, resolves and scores forecasts.

    A forecast is stamped with the engine's time and the last trusted price, so it cannot be backdated, and is resolved by
    the first price at or after its horizon that counts (see `Horizons`). The same model asked by the same firing for the
    same symbol and horizon is the same forecast, however often a restart repeats it: the last `KNOWN` are remembered,
    resolved or not. `cost` is what each of the two trades of following a forecast costs besides the spread, as a fraction.

    The records of forecasts and resolutions are the truth. Scores are what follows from them (see `Scoreboard`), and are
    noted with every `NOTE_EVERY`-th record; a start takes them back and folds the few records since.
    """

    def __init__(
        self,
        market: MarketView,
        record: Recorder,
        *,
        horizons: Horizons | None = None,
        cost: float = 0.0,
    ) -> None:
        self._market = market
        self._record = record
        self._horizons = horizons or Horizons()
        self._cost = cost
        self._open: dict[str, list[Entry]] = {}
        self._known: dict[str, None] = {}
        self._splits: dict[str, dict[int, float]] = {}
        self._through = self._unnoted = 0
        self.suspects: dict[str, str] = {}
        """Models (`model|horizon`) that seem to know the outcome, and why."""
        self.next_due: dict[str, int] = {}
        """When to look next per symbol with open forecasts: this is all that a tick costs."""
        self.board = Scoreboard()
        self.latest = Latest(self._splits)

    @property
    def open_count(self) -> int:
        """How many forecasts wait for their horizon."""
        return sum(len(heap) for heap in self._open.values())

    def by_model(self) -> dict[str, Score]:
        """Return the score of each model; of one with several horizons the sums of all."""
        return self.board.by_model()

    def issue(
        self,
        forecasts: Sequence[Forecast],
        *,
        model: str,
        version: str,
        cause: str,
        now: int,
        horizon_in: HorizonIn = HorizonIn.TIME,
        inputs: Mapping[str, str] | None = None,
    ) -> list[Forecast]:
        """Stamp, store and return the forecasts that are new.

        `inputs` are the digests of what the model was shown, by symbol. Raises ValueError for one that makes no sense or is of
        a symbol without a price, and for two of one symbol and horizon; then none of them is issued.
        """
        stamp = {"model": model, "version": version, "cause": cause, "issued_at": now, "horizon_in": horizon_in}
        made = [self._stamp(forecast, stamp, inputs or {}) for forecast in forecasts]
        by_id = {forecast.forecast_id: forecast for forecast in made}
        if len(by_id) < len(made):
            twice = next(forecast for forecast in made if by_id[forecast.forecast_id] is not forecast)
            raise ValueError(f"{model} gave two forecasts of {twice.symbol} over one horizon; one can say all of it")
        issued = []
        for stamped in made:
            if stamped.forecast_id in self._known:
                continue
            self._put(stamped)
            self._note(RecordKind.FORECAST, stamped.forecast_id, stamped)
            self.board.issue(stamped)
            issued.append(stamped)
        return issued

    def on_price(self, symbol: str, price: float, time: int, now: int) -> None:
        """Resolve what is due with a price of `time` (nanoseconds UTC)."""
        ready, waiting = self._due(symbol, time)
        self._keep(symbol, waiting, time)
        for forecast in ready:
            self._close(forecast, self._outcome(forecast, price, time, now))

    def expire(self, now: int) -> None:
        """Give up what has waited for a price longer than it may."""
        limit = now - self._horizons.give_up
        for symbol in list(self._open):
            heap = self._open[symbol]
            lost = []
            while heap and heap[0][0] < limit:
                lost.append(heappop(heap)[2])
            self._keep(symbol, [], limit)
            why = "no price came before the deadline"
            for forecast in lost:
                self._close(forecast, Resolution(forecast.forecast_id, ForecastState.UNRESOLVABLE, now, why=why))

    def split(self, symbol: str, ratio: float, at: int) -> bool:
        """Note that from `at` on (nanoseconds UTC) one share is `ratio` shares; return False when that is known.

        Forecasts from before it are judged in the units that they were made in. Raises ValueError for a ratio that is none.
        """
        ratio = checked_ratio(ratio)
        splits = self._splits.setdefault(symbol, {})
        if at in splits:
            return False
        splits[at] = ratio
        body = {"symbol": symbol, "ratio": ratio, "at": at}
        self._record(RecordKind.SPLIT, symbol, body, state=(StatePut(SPLITS, f"{symbol}|{at}", ratio),))
        return True

    def restore(self, journal: Queries, known: int = 0) -> None:
        """Take back what is open, the scores, and the ids of the newest `known` forecasts that are resolved."""
        for forecast_id in journal.resolved_forecasts(known):
            self._remember(forecast_id)
        for tracked in journal.forecasts(state=ForecastState.OPEN):
            self._put(tracked.forecast)
        self.board, self._through, self._unnoted = recall(journal)
        self.suspects = journal.state(SUSPECTS)
        for name, ratio in journal.state(SPLITS).items():
            symbol, at = name.rsplit("|", 1)
            self._splits.setdefault(symbol, {})[int(at)] = ratio

    # ------------------------------------------------------------------ issue

    def _stamp(self, forecast: Forecast, stamp: Mapping[str, Any], inputs: Mapping[str, str]) -> Forecast:
        view = self._market.get(forecast.symbol)
        model, now, cause = stamp["model"], stamp["issued_at"], stamp["cause"]
        if view is None or view.price is None:
            raise ValueError(f"{model} spoke of {forecast.symbol}, of which no price has been seen")
        forecast = checked(forecast, model)
        version = str(forecast.version or stamp["version"])
        try:
            due = self._horizons.due(now, forecast.horizon, stamp["horizon_in"])
        except ValueError as error:
            raise ValueError(f"{model} gave a horizon for {forecast.symbol} that cannot be reckoned: {error}") from error
        # The firing says when the question was asked; without one, the engine's time does.
        identity = repr((model, version, forecast.symbol, forecast.horizon, cause or now))
        return attrs.evolve(
            forecast,
            **{**stamp, "version": version},
            **self._seen(forecast, view),
            forecast_id="f" + blake2b(identity.encode(), digest_size=10).hexdigest(),
            trigger=cause.split(":", 1)[0],
            inputs=inputs.get(forecast.symbol) or digest(view),
            due_at=due,
        )

    def _seen(self, forecast: Forecast, view: SymbolView) -> dict[str, Any]:
        """Return what the market and the past say at issue."""
        base = self.board.baseline(forecast)
        regime = view.regime(forecast.horizon)
        quoted = view.bid is not None and view.ask is not None and view.bid <= (view.price or 0.0) <= view.ask
        return {
            "reference_price": view.price,
            "reference_time": view.event_time,
            "bid": view.bid if quoted else None,  # a quote that the last trade has left behind is not tradable
            "ask": view.ask if quoted else None,
            "regime": "" if regime is None else regime.kind.value,
            "naive_scale": base.scale,
            "naive_confidence": None if forecast.direction is None else base.confidence(forecast.direction),
        }

    def _put(self, forecast: Forecast) -> None:
        heap = self._open.setdefault(forecast.symbol, [])
        heappush(heap, (forecast.due, forecast.forecast_id, forecast))
        self._remember(forecast.forecast_id)
        self.latest.put(forecast)
        self.next_due[forecast.symbol] = min(forecast.due, self.next_due.get(forecast.symbol, forecast.due))

    def _remember(self, forecast_id: str) -> None:
        self._known[forecast_id] = None
        if len(self._known) > KNOWN:
            del self._known[next(iter(self._known))]

    # ------------------------------------------------------------------ resolution

    def _due(self, symbol: str, time: int) -> tuple[list[Forecast], list[Entry]]:
        """Take what is due off the heap: what a price of `time` answers, and what waits for the market to open."""
        heap = self._open.get(symbol, [])
        ready, waiting = [], []
        while heap and heap[0][0] <= time:
            entry = heappop(heap)
            if self._horizons.answers(entry[0], time):
                ready.append(entry[2])
            else:
                waiting.append(entry)
        return ready, waiting

    def _keep(self, symbol: str, waiting: list[Entry], time: int) -> None:
        """Put back what waits, and note when to look next."""
        heap = self._open.get(symbol, [])
        following = heap[0][0] if heap else None
        if waiting:
            opening = self._horizons.opening(time)
            following = opening if following is None else min(opening, following)
            heap.extend(waiting)
            heapify(heap)
        if following is None:
            self._open.pop(symbol, None)
            self.next_due.pop(symbol, None)
        else:
            self.next_due[symbol] = following

    def _outcome(self, forecast: Forecast, price: float, time: int, now: int) -> Resolution:
        split = 1.0
        for at, ratio in self._splits.get(forecast.symbol, {}).items():
            if forecast.reference_time < at <= time:
                split *= ratio
        late = self._horizons.is_late(forecast.due, time, forecast.horizon)
        block = self._horizons.block(forecast)
        return resolve(forecast, price, time, now, block=block, late=late, cost=self._cost, split=split)

    def _close(self, forecast: Forecast, outcome: Resolution) -> None:
        self._note(RecordKind.RESOLUTION, forecast.forecast_id, outcome)
        self.board.close(forecast, outcome)
        self.latest.drop(forecast)
        self._look_for_leaks(Group(forecast.model, forecast.horizon))

    def _note(self, kind: RecordKind, subject: str, body: Forecast | Resolution) -> None:
        """Record, and every now and then note with it the scores as they were before, and how far they reach."""
        state: tuple[StatePut, ...] = ()
        if self._unnoted >= NOTE_EVERY:
            self._unnoted = 0
            noted = (StatePut(LEDGER, name, value) for name, value in self.board.changes())
            state = (*noted, StatePut(LEDGER, THROUGH, self._through))
        self._through = self._record(kind, subject, body, state=state)
        self._unnoted += 1

    def _look_for_leaks(self, group: Group) -> None:
        """Say so, once, when a model is better than any can be that does not know the outcome."""
        score = self.board.scores[group]
        name = f"{group.model}|{group.horizon}"
        if score.resolved % JUDGE_EVERY or name in self.suspects:
            return
        why = score.too_good
        if why:
            self.suspects[name] = why
            body = {"state": "suspect", "why": why, "horizon": group.horizon}
            self._record(RecordKind.HEALTH, group.model, body, state=(StatePut(SUSPECTS, name, why),))

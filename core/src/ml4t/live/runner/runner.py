"""The runner: the engine behind the methods that the classic one had."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
from collections.abc import Iterator, Mapping
from functools import reduce
from pathlib import Path
from typing import Any

import structlog

from ml4t.live import logs
from ml4t.live.clock import SystemClock
from ml4t.live.composer import compose
from ml4t.live.config.document import Source
from ml4t.live.engine.core import Core
from ml4t.live.engine.forecasting import ForecasterSpec
from ml4t.live.errors import ConfigError
from ml4t.live.export import current_state, forecast_results
from ml4t.live.journal import JournalReader
from ml4t.live.ledger.scores import Score
from ml4t.live.model import ForecastState
from ml4t.live.runner.config import HORIZON, RunnerConfig
from ml4t.live.times import parse_duration
from ml4t.live.waiting import first_of

PIPELINE = "ML4T_LIVE_CONFIG"
"""The variable of the environment that names the pipeline when the program does not."""

HEARD_SECONDS = 30.0
"""How long `start` waits for the first prices."""

_log = structlog.get_logger("ml4t.live")


class LiveMarketRunner:
    """Streams a market, asks agents when their triggers fire, and keeps what they forecast beside what happened.

    `config` is the classic dictionary; None takes the classic defaults. `pipeline` is the TOML file (or mapping) that says
    where data come from, and whatever else a configuration may say; None takes the file that the environment variable
    ML4T_LIVE_CONFIG names. `state_dir` replaces the pipeline's own.

    `agents` in the dictionary gives an agent to a trigger by its name: an object with `forecast(request)`, the name of a
    plugin's forecaster, or a table with `use` and its options. `symbols` replaces those of the pipeline's one feed;
    `update_interval` is how often the files beside the journal are written, `cache_size` how many prices are kept per
    symbol, `max_retries` how often a lost feed is tried again in a row. The other intervals have nothing to say: agents are
    asked when the event comes that their trigger waits for, and forecasts are resolved when their price comes.

    Raises ConfigError with every problem.
    """

    def __init__(
        self,
        config: Mapping[str, Any] | None = None,
        *,
        pipeline: Source | None = None,
        state_dir: str | Path | None = None,
    ) -> None:
        source = pipeline or os.environ.get(PIPELINE)
        if not source:
            raise ConfigError(
                [f"nothing says where data come from; name a pipeline: {PIPELINE}=live.toml, or pipeline='live.toml'"],
                source="the runner's configuration",
            )
        made = RunnerConfig.of(config, source)
        horizon = parse_duration(HORIZON)
        agents = [ForecasterSpec(name, agent, frozenset({name}), horizon=horizon) for name, agent in made.agents.items()]
        self.engine = compose(source, overlays=[made.overlay], state_dir=state_dir, forecasters=agents)
        self.failure: BaseException | None = None
        """What ended the run, None while there was nothing but a stop or the end of the data."""
        self._run: asyncio.Task[None] | None = None

    @property
    def running(self) -> bool:
        """True from `start` until the data end, somebody stops it, or it fails."""
        return self._run is not None and not self._run.done()

    async def start(self) -> None:
        """Connect, and go on in the background; return when every symbol has a price, or after 30 s.

        From then on a stop signal (Ctrl-C, SIGTERM) ends the run in order. Raises as `Engine.connect`, RuntimeError when it was
        started before.
        """
        if self._run is not None:
            raise RuntimeError("this runner was started before; make a new one")
        await self.engine.connect()
        self._run = asyncio.get_running_loop().create_task(self._serve(), name="live market runner")
        with contextlib.suppress(TimeoutError):
            async with SystemClock().timeout(HEARD_SECONDS):
                await first_of(self._heard(), asyncio.wait([self._run]))

    async def stop(self) -> None:
        """End the run in order and return when everything is on disk. Raises what the run failed of."""
        await self.engine.stop()
        if self._run is not None:
            await self._run
        if self.failure is not None:
            raise self.failure

    def trigger(self, name: str, symbol: str = "", *, reason: str = "by hand", by: str = "code") -> None:
        """Ask the agent `name` now; from any thread. Raises as `Engine.trigger`."""
        self.engine.trigger(name, symbol, reason=reason, by=by)

    def get_current_state(self) -> dict[str, Any]:
        """Return `timestamp`, `symbols`, `market_regime`, `global_metrics`, `agent_status`, `forecast_count` and the books.

        Of each symbol that has a price: `price`, `price_change` (a fraction, over the prices that are kept), `volume`,
        `volume_change`, `volatility`, `timestamp`; see `ml4t.live.export.current_state`. Raises RuntimeError before `start`.
        """
        return current_state(self._core)

    def get_forecast_accuracy(self, symbol: str | None = None, model: str | None = None) -> dict[str, Any]:
        """Return how good the forecasts were, of all or of one symbol, of all models or of one.

        `total_forecasts` counts them, `completed_forecasts` those that have their price. `avg_accuracy` is the share of right
        directions against the price at issue, `avg_pnl` the mean return of following a forecast, after costs, and
        `success_rate` the share of those returns above zero; each is NaN when nothing has been judged. Further there are
        `skill` against the naive forecast, `e_value`, and `open`, `late` and `unresolvable`, so that nothing is left out.
        `best_forecast` and `worst_forecast` are, of the newest thousand, those that would have paid most and least.
        """
        scores = self._core.ledger.board.scores
        by = "" if symbol is None else "symbol"
        wanted = [
            score
            for group, score in scores.items()
            if group.by == by and group.value == (symbol or "") and model in {None, group.model}
        ]
        # One score alone has more to say than a sum: what happened at the same time can be told.
        score = wanted[0] if len(wanted) == 1 else reduce(Score.plus, wanted, Score())
        gains = score.gains
        return {
            "total_forecasts": score.issued,
            "completed_forecasts": score.resolved,
            "avg_accuracy": _number(score.hit_rate),
            "avg_pnl": gains.gain / gains.count if gains.count else float("nan"),
            "success_rate": gains.wins / gains.count if gains.count else float("nan"),
            "skill": score.skill,
            "e_value": score.e_value,
            "open": score.open,
            "late": score.late,
            "unresolvable": score.unresolvable,
            **self._extremes(symbol, model),
        }

    @property
    def _core(self) -> Core:
        if self.engine.core is None:
            raise RuntimeError("there is nothing to tell before the first event; call start() first")
        return self.engine.core

    def _extremes(self, symbol: str | None, model: str | None) -> dict[str, Any]:
        with JournalReader(self.engine.state_folder.journal) as journal:
            found = forecast_results(journal, symbol=symbol, model=model, state=ForecastState.RESOLVED)
        judged = [result for result in found if result.pnl is not None]
        if not judged:
            return {}
        ordered = sorted(judged, key=lambda result: result.pnl or 0.0)
        return {"best_forecast": ordered[-1].to_dict(), "worst_forecast": ordered[0].to_dict()}

    async def _heard(self) -> None:
        clock = SystemClock()
        while not self._complete:
            await clock.sleep(0.02)

    @property
    def _complete(self) -> bool:
        core = self.engine.core
        return core is not None and all(core.market.price(symbol) is not None for symbol in self.engine.parts.symbols)

    async def _serve(self) -> None:
        try:
            with self._logged(), self.engine.in_charge():
                _log.info("running", symbols=list(self.engine.parts.symbols), state_dir=str(self.engine.state_folder.root))
                await self.engine.serve()
                _log.info("stopped")
        except Exception as error:  # noqa: BLE001 - kept for `stop`: the program may be anywhere by now
            self.failure = error
            _log.error("the run failed", error=repr(error))

    @contextlib.contextmanager
    def _logged(self) -> Iterator[None]:
        """Log as the command line does, unless the program has said how it wants its logs."""
        if structlog.is_configured() or logging.getLogger().handlers:
            yield
            return
        with logs.to_terminal() as log:
            log.to_file(self.engine.state_folder.log)
            yield


def create_live_market_runner(
    config: Mapping[str, Any] | None = None, *, pipeline: Source | None = None, state_dir: str | Path | None = None
) -> LiveMarketRunner:
    """Return a runner; see `LiveMarketRunner`. Raises ConfigError with every problem."""
    return LiveMarketRunner(config, pipeline=pipeline, state_dir=state_dir)


def _number(value: float | None) -> float:
    return float("nan") if value is None else value

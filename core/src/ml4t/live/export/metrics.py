"""How the agents, the triggers and the models of a run do, as plain values."""

from __future__ import annotations

from typing import Any

from ml4t.live.engine.core import Core
from ml4t.live.ledger.scores import Score
from ml4t.live.report.summary import iso
from ml4t.live.times import NANOS


def performance_metrics(core: Core, uptime: int) -> dict[str, Any]:
    """Return how a run has done that has been up for `uptime` nanoseconds; times in the answer are in seconds.

    `execution_times` and `error_counts` are of this run, by agent; `models` has the scores of all runs, by model.
    """
    standing = core.forecasts.standing
    return {
        "timestamp": iso(core.clock.now()),
        "uptime": uptime / NANOS,
        "execution_times": {
            name: {
                "avg": each.seconds / each.answered if each.answered else None,
                "max": each.slowest if each.answered else None,
                "count": each.answered,
            }
            for name, each in standing.items()
        },
        "error_counts": {name: each.failed for name, each in standing.items()},
        "declined_counts": {name: each.declined for name, each in standing.items()},
        "forecast_count": sum(score.issued for score in core.ledger.by_model().values()),
        "live_symbols": sum(state.price is not None for state in core.market.symbols.values()),
        "refused_events": dict(core.market.refused),
        "models": {model: score_of(score) for model, score in core.ledger.by_model().items()},
    }


def score_of(score: Score) -> dict[str, Any]:
    """Return a score as plain values; fractions, and None where nothing can be said."""
    gains = score.gains
    return {
        "issued": score.issued,
        "open": score.open,
        "resolved": score.resolved,
        "late": score.late,
        "unresolvable": score.unresolvable,
        "hit_rate": score.hit_rate,
        "skill": score.skill,
        "e_value": score.e_value,
        "calibrated": score.calibrated,
        "average_gain": gains.gain / gains.count if gains.count else None,
        "winning": gains.wins / gains.count if gains.count else None,
    }

"""A request that can leave the process: everything that it says, and nothing that goes on living here."""

from __future__ import annotations

import attrs

from ml4t.live.contracts.forecaster import ForecastRequest
from ml4t.live.market import MarketState


def snapshot(request: ForecastRequest, market: MarketState) -> ForecastRequest:
    """Return the request as of now: the market state of its symbols, and the scores of the model that is asked.

    The states are those that the engine works with: what is returned is to be pickled at once.
    """
    own = (request.model, request.horizon)
    return attrs.evolve(
        request,
        market=market.part(request.symbols),
        positions=dict(request.positions),
        scores={own: request.scores[own]} if own in request.scores else {},
    )

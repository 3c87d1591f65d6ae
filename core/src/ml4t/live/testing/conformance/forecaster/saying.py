"""What a forecaster says: about what it was asked, and something that can be scored."""

from __future__ import annotations

from collections import Counter
from math import isfinite

from ml4t.live.contracts.forecaster import ForecastRequest
from ml4t.live.engine.answer import Answer
from ml4t.live.ledger.checking import checked
from ml4t.live.model import Trade
from ml4t.live.testing.conformance.forecaster.asking import answers, ask
from ml4t.live.testing.conformance.forecaster.rig import TUESDAY, ForecasterRig, market_for
from ml4t.live.testing.conformance.report import NotConformant
from ml4t.live.testing.conformance.scenario import scenario


@scenario()
async def it_has_something_to_say(rig: ForecasterRig) -> None:
    """Asked about a market with a history, it gives a forecast, an order or a weight at least once."""
    for horizon in rig.horizons:
        for _, answer in await answers(rig, rig.forecaster(), horizon):
            if answer.forecasts or answer.orders or answer.weights:
                return
    raise NotConformant("it abstains every time; give the rig a longer `history`, or in `known` what it needs besides prices")


@scenario()
async def horizon_and_symbol_are_those_asked_for(rig: ForecasterRig) -> None:
    """Every forecast is for a symbol and for the horizon of the request, and there is one of each at most."""
    for horizon in rig.horizons:
        for request, answer in await answers(rig, rig.forecaster(), horizon):
            for said in answer.forecasts:
                if said.symbol not in request.symbols:
                    raise NotConformant(f"asked about {', '.join(request.symbols)}, it speaks of {said.symbol!r}")
                if said.horizon != request.horizon:
                    raise NotConformant(f"asked {request.horizon:,} ns ahead, it looks {said.horizon!r} ns ahead")
            twice = [symbol for symbol, count in Counter(said.symbol for said in answer.forecasts).items() if count > 1]
            if twice:
                raise NotConformant(f"it forecasts {twice[0]} twice in one answer; nobody could say which one counts")


@scenario()
async def what_it_says_can_be_scored(rig: ForecasterRig) -> None:
    """Prices are positive, probabilities within 0 and 1, quantiles in order, scales above 0; orders and weights are numbers."""
    for horizon in rig.horizons:
        for request, answer in await answers(rig, rig.forecaster(), horizon):
            check(request, answer)


@scenario()
async def stamps_are_left_to_the_engine(rig: ForecasterRig) -> None:
    """A forecast names no time of issue, id, reference price or cause: the engine does, so that none can be backdated."""
    for _, answer in await answers(rig, rig.forecaster(), rig.horizons[0]):
        for said in answer.forecasts:
            stamps = (said.issued_at, said.forecast_id, said.reference_price, said.reference_time, said.cause, said.due_at)
            if any(stamps):
                raise NotConformant(f"it stamps its forecast itself: {said}")


@scenario()
async def without_a_history_it_abstains(rig: ForecasterRig) -> None:
    """Of a symbol that has no price, or a first one, it says nothing, or something that can be scored; it raises nothing."""
    forecaster = rig.forecaster()
    market, step = market_for(forecaster)
    symbol = rig.symbols[0]
    for number in range(3):
        at = TUESDAY + number * step
        request = rig.request(market, at, rig.horizons[0], [symbol, "NEVER-HEARD-OF"], rig.triggers[0])
        check(request, await ask(rig, forecaster, request))
        market.apply(Trade(symbol, at + 1, 100.0, 1.0), at + 1)


def check(request: ForecastRequest, answer: Answer) -> None:
    """Raise NotConformant for an answer with which nobody could do anything."""
    for said in answer.forecasts:
        try:
            checked(said, "it")
        except ValueError as error:
            raise NotConformant(str(error)) from error
    for order in answer.orders:
        if order.symbol not in request.symbols:
            raise NotConformant(f"asked about {', '.join(request.symbols)}, it orders {order.symbol!r}")
        if not isfinite(order.quantity) or order.quantity == 0:
            raise NotConformant(f"it orders {order.quantity!r} of {order.symbol}")
    for weight in answer.weights:
        if not isfinite(weight.weight) or weight.weight < 0:
            raise NotConformant(f"it gives {weight.model} the weight {weight.weight!r}, which is no number from 0 up")

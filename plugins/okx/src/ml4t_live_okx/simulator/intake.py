"""What the simulated venue checks of an order before it takes it, in OKX's own codes and words."""

from __future__ import annotations

import re
from collections.abc import Mapping
from decimal import Decimal, InvalidOperation
from typing import Any

from ml4t_live_okx.simulator.algo import AT_MARKET, VenueAlgo
from ml4t_live_okx.simulator.books import Refusal
from ml4t_live_okx.simulator.instruments import Listed
from ml4t_live_okx.simulator.orders import VenueOrder

KINDS = frozenset({"market", "limit", "post_only", "ioc", "fok", "optimal_limit_ioc"})
ALGO_KINDS = frozenset({"conditional", "oco", "trigger", "move_order_stop"})
_CLIENT_ID = re.compile(r"[A-Za-z0-9]{0,32}")


def checked_order(
    body: Mapping[str, Any], catalogue: Mapping[str, Listed], position_mode: str, order_id: str, now: int
) -> VenueOrder:
    """Return the order that a request describes. Raises Refusal."""
    listed = known(str(body.get("instId") or _named(body.get("instIdCode"), catalogue)), catalogue)
    if listed.inverse:
        raise Refusal("51010", "Operation is not supported under the current account mode")
    client_id = _client_id(body, "clOrdId")
    kind, side = _one_of(body, "ordType", KINDS), _one_of(body, "side", frozenset({"buy", "sell"}))
    modes = frozenset({"cross", "isolated"}) if listed.is_contract else frozenset({"cash", "cross", "isolated"})
    mode = _one_of(body, "tdMode", modes)
    market = kind in {"market", "optimal_limit_ioc"}
    in_quote = not listed.is_contract and kind == "market" and side == "buy" and _is_amount_of_money(body, mode)
    order = VenueOrder(
        id=order_id,
        client_id=client_id,
        listed=listed,
        side=side,
        kind=kind,
        size=_amount(body, "sz"),
        price=None if market else _amount(body, "px"),
        mode=mode,
        position_side=_position_side(body, listed, position_mode),
        created=now,
        in_quote=in_quote,
        tag=str(body.get("tag", "")),
        reduce_only=str(body.get("reduceOnly", "")).lower() == "true",
    )
    check_terms(order, order.size, order.price)
    return order


def checked_algo(
    body: Mapping[str, Any],
    catalogue: Mapping[str, Listed],
    prices: Mapping[str, Decimal],
    position_mode: str,
    algo_id: str,
    now: int,
) -> VenueAlgo:
    """Return the algo order that a request describes. Raises Refusal."""
    listed = known(str(body.get("instId", "")), catalogue)
    if listed.inverse:
        raise Refusal("51010", "Operation is not supported under the current account mode")
    kind, side = _one_of(body, "ordType", ALGO_KINDS), _one_of(body, "side", frozenset({"buy", "sell"}))
    modes = frozenset({"cross", "isolated"}) if listed.is_contract else frozenset({"cash", "cross", "isolated"})
    algo = VenueAlgo(
        id=algo_id,
        client_id=_client_id(body, "algoClOrdId"),
        listed=listed,
        side=side,
        kind=kind,
        size=_amount(body, "sz"),
        mode=_one_of(body, "tdMode", modes),
        position_side=_position_side(body, listed, position_mode),
        created=now,
        in_coins=not listed.is_contract and body.get("tgtCcy") == "base_ccy",
        tag=str(body.get("tag", "")),
    )
    _take_prices(algo, body, prices[listed.id])
    if algo.size % listed.lot or algo.size < listed.smallest:
        raise Refusal("51121", "Order quantity must be a multiple of the lot size.")
    check_exits(algo.side, body, prices[listed.id])
    return algo


def check_exits(side: str, body: Mapping[str, Any], price: Decimal) -> None:
    """Raise Refusal for exits on the wrong side of a price; `side` is that of the exits."""
    sells = side == "sell"
    if body.get("slTriggerPx"):
        stop = _amount(body, "slTriggerPx")
        if sells and stop >= price:
            raise Refusal("51280", "SL trigger price cannot be higher than the last price")
        if not sells and stop <= price:
            raise Refusal("51278", "SL trigger price cannot be lower than the last price")
    if body.get("tpTriggerPx"):
        target = _amount(body, "tpTriggerPx")
        if sells and target <= price:
            raise Refusal("51279", "TP trigger price cannot be lower than the last price")
        if not sells and target >= price:
            raise Refusal("51277", "TP trigger price cannot be higher than the last price")


def _take_prices(algo: VenueAlgo, body: Mapping[str, Any], price: Decimal) -> None:
    """Put the prices of a request into an algo order. Raises Refusal for one that lacks some."""
    if algo.kind == "move_order_stop":
        ratio = body.get("callbackRatio")
        algo.spread = price * _amount(body, "callbackRatio") if ratio else _amount(body, "callbackSpread")
        return
    if algo.kind == "trigger":
        algo.stop, algo.stop_price = _amount(body, "triggerPx"), _order_price(body, "orderPx")
        algo.rises = algo.stop > price
        return
    if body.get("slTriggerPx"):
        algo.stop, algo.stop_price = _amount(body, "slTriggerPx"), _order_price(body, "slOrdPx")
    if body.get("tpOrdPx"):
        algo.target_price = _order_price(body, "tpOrdPx")
        algo.target = None if body.get("tpOrdKind") == "limit" else _amount(body, "tpTriggerPx")
    given = sum(bool(body.get(name)) for name in ("slTriggerPx", "tpOrdPx"))
    if given != (2 if algo.kind == "oco" else 1):
        raise Refusal("51000", "Parameter slTriggerPx error" if not body.get("slTriggerPx") else "Parameter tpTriggerPx error")


def _order_price(body: Mapping[str, Any], name: str) -> Decimal:
    return AT_MARKET if str(body.get(name)) == "-1" else _amount(body, name)


def _client_id(body: Mapping[str, Any], name: str) -> str:
    said = str(body.get(name, ""))
    if not _CLIENT_ID.fullmatch(said):
        raise Refusal("51000", f"Parameter {name} error")
    return said


def known(instrument: str, catalogue: Mapping[str, Listed]) -> Listed:
    """Return what is traded under an id. Raises Refusal."""
    listed = catalogue.get(instrument)
    if listed is None:
        raise Refusal("51001", "Instrument ID, Instrument ID code, or Spread ID doesn't exist.")
    if listed.state == "expired":
        raise Refusal("51027", "Contract expired.")
    if listed.state != "live":
        raise Refusal("51021", "The pair or contract is not yet listed")
    return listed


def _named(code: Any, catalogue: Mapping[str, Listed]) -> str:
    return next((listed.id for listed in catalogue.values() if str(listed.code) == str(code)), "")


def check_terms(order: VenueOrder, size: Decimal, price: Decimal | None) -> None:
    """Raise Refusal for a size or a price that is off the grid, or too small."""
    listed = order.listed
    if not order.in_quote and size % listed.lot:
        raise Refusal("51121", "Order quantity must be a multiple of the lot size.")
    if not order.in_quote and size < listed.smallest:
        raise Refusal("51020", "Your order should meet or exceed the minimum order amount.")
    if price is not None and price % listed.tick:
        raise Refusal("51000", "Parameter px error")


def _is_amount_of_money(body: Mapping[str, Any], mode: str) -> bool:
    """True for a market purchase whose size is money: of spot unless `tgtCcy` says other, on margin always."""
    return mode != "cash" or body.get("tgtCcy", "quote_ccy") != "base_ccy"


def _position_side(body: Mapping[str, Any], listed: Listed, position_mode: str) -> str:
    said = body.get("posSide") or "net"
    wanted = {"long", "short"} if listed.is_contract and position_mode == "long_short_mode" else {"net"}
    if said not in wanted:
        raise Refusal("51000", "Parameter posSide error")
    return str(said)


def _one_of(body: Mapping[str, Any], name: str, allowed: frozenset[str]) -> str:
    value = body.get(name)
    if value not in allowed:
        raise Refusal("51000", f"Parameter {name} error")
    return str(value)


def _amount(body: Mapping[str, Any], name: str) -> Decimal:
    try:
        amount = Decimal(str(body.get(name)))
    except InvalidOperation:
        raise Refusal("51000", f"Parameter {name} error") from None
    if not amount.is_finite() or amount <= 0:
        raise Refusal("51000", f"Parameter {name} error")
    return amount

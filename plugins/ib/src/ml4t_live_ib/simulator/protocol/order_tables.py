"""The tables of the messages about orders: placeOrder from the client, openOrder and completedOrder from TWS.

Names are those of the vendor's documented order attributes. The three tables share them, so what a client sends is what it
gets told.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from attrs import frozen

from ml4t_live_ib.simulator.protocol.fields import (
    Each,
    Maybe,
    Values,
    When,
    before,
    fields,
    put_all,
    since,
    take_all,
    with_value,
)
from ml4t_live_ib.simulator.protocol.message import Message

CONTRACT = fields(
    "conId:i=0 symbol secType lastTradeDateOrContractMonth strike:f=0 right multiplier exchange currency localSymbol "
    "tradingClass"
)
"""A contract as TWS tells of it."""

CONTRACT_QUERY = fields(
    "conId:i=0 symbol secType lastTradeDateOrContractMonth strike:f=0 right multiplier exchange primaryExchange currency "
    "localSymbol tradingClass"
)
"""A contract as a client asks for it."""

_LEG = fields("conId:i=0 ratio:i=0 action exchange openClose:i=0 shortSaleSlot:i=0 designatedLocation exemptCode:i=-1")
_TAG = fields("tag value")
_DELTA_NEUTRAL = Maybe("deltaNeutralContract", fields("conId:i=0 delta:f=0 price:f=0"))
_ALGO = with_value("algoStrategy", Each("algoParams", _TAG))

_CONDITIONS = {
    1: fields("conjunction isMore:b=0 price:f=0 conId:i=0 exch triggerMethod:i=0"),
    3: fields("conjunction isMore:b=0 time"),
    4: fields("conjunction isMore:b=0 percent:i=0"),
    5: fields("conjunction secType exch symbol"),
    6: fields("conjunction isMore:b=0 volume:i=0 conId:i=0 exch"),
    7: fields("conjunction isMore:b=0 changePercent:f=0 conId:i=0 exch"),
}


@frozen
class _Conditions:
    """The conditions of an order: a count, rows whose fields depend on their type, and what they apply to."""

    _apply = fields("conditionsIgnoreRth:b=0 conditionsCancelOrder:b=0")

    def put(self, values: Mapping[str, Any], version: int, out: list[str]) -> None:
        rows = values.get("conditions") or ()
        out.append(str(len(rows)))
        for row in rows:
            out.append(str(row["condType"]))
            put_all(_CONDITIONS[row["condType"]], row, version, out)
        if rows:
            put_all(self._apply, values, version, out)

    def take(self, texts: Iterator[str], version: int, values: Values) -> None:
        values["conditions"] = rows = []
        for _ in range(int(next(texts) or 0)):
            row: Values = {"condType": int(next(texts))}
            take_all(_CONDITIONS[row["condType"]], texts, version, row)
            rows.append(row)
        if rows:
            take_all(self._apply, texts, version, values)


def _has_type(*types: str) -> Any:
    return lambda values, _: values.get("orderType") in types


def _scales(values: Mapping[str, Any], _: int) -> bool:
    return (values.get("scalePriceIncrement") or 0) > 0


_SCALE = When(
    _scales,
    fields(
        "scalePriceAdjustValue:f scalePriceAdjustInterval:i scaleProfitOffset:f scaleAutoReset:b=0 scaleInitPosition:i "
        "scaleInitFillQty:i scaleRandomPercent:b=0"
    ),
)
_PEG_BENCHMARK = When(
    _has_type("PEG BENCH", "PEGBENCH"),
    fields(
        "referenceContractId:i=0 isPeggedChangeAmountDecrease:b=0 peggedChangeAmount:f=0 referenceChangeAmount:f=0 "
        "referenceExchangeId"
    ),
)
_MIDDLE = fields("midOffsetAtWhole:f midOffsetAtHalf:f")

PLACE_ORDER = Message(
    3,
    "placeOrder",
    (
        *fields("orderId:i"),
        *CONTRACT_QUERY,
        *fields(
            "secIdType secId action totalQuantity:f orderType lmtPrice:f auxPrice:f tif ocaGroup account openClose origin:i=0 "
            "orderRef transmit:b=0 parentId:i=0 blockOrder:b=0 sweepToFill:b=0 displaySize:i=0 triggerMethod:i=0 "
            "outsideRth:b=0 hidden:b=0"
        ),
        When(
            lambda values, _: values.get("secType") == "BAG",
            (Each("comboLegs", _LEG), Each("orderComboLegs", fields("price:f")), Each("smartComboRoutingParams", _TAG)),
        ),
        *fields("= discretionaryAmt:f=0 goodAfterTime goodTillDate faGroup faMethod faPercentage"),
        before(177, "faProfile"),
        *fields(
            "modelCode shortSaleSlot:i=0 designatedLocation exemptCode:i=-1 ocaType:i=0 rule80A settlingFirm allOrNone:b=0 "
            "minQty:i percentOffset:f eTradeOnly:b=0 firmQuoteOnly:b=0 nbboPriceCap:f auctionStrategy:i=0 startingPrice:f "
            "stockRefPrice:f delta:f stockRangeLower:f stockRangeUpper:f overridePercentageConstraints:b=0 volatility:f "
            "volatilityType:i deltaNeutralOrderType deltaNeutralAuxPrice:f"
        ),
        with_value(
            "deltaNeutralOrderType",
            *fields(
                "deltaNeutralConId:i=0 deltaNeutralSettlingFirm deltaNeutralClearingAccount deltaNeutralClearingIntent "
                "deltaNeutralOpenClose deltaNeutralShortSale:b=0 deltaNeutralShortSaleSlot:i=0 deltaNeutralDesignatedLocation"
            ),
        ),
        *fields(
            "continuousUpdate:b=0 referencePriceType:i trailStopPrice:f trailingPercent:f scaleInitLevelSize:i "
            "scaleSubsLevelSize:i scalePriceIncrement:f"
        ),
        _SCALE,
        *fields("scaleTable activeStartTime activeStopTime hedgeType"),
        with_value("hedgeType", *fields("hedgeParam")),
        *fields("optOutSmartRouting:b=0 clearingAccount clearingIntent notHeld:b=0"),
        _DELTA_NEUTRAL,
        *fields("algoStrategy"),
        _ALGO,
        *fields("algoId whatIf:b=0 orderMiscOptions solicited:b=0 randomizeSize:b=0 randomizePrice:b=0"),
        _PEG_BENCHMARK,
        _Conditions(),
        *fields(
            "adjustedOrderType triggerPrice:f lmtPriceOffset:f adjustedStopPrice:f adjustedStopLimitPrice:f "
            "adjustedTrailingAmount:f adjustableTrailingUnit:i=0 extOperator softDollarTierName softDollarTierValue cashQty:f "
            "mifid2DecisionMaker mifid2DecisionAlgo mifid2ExecutionTrader mifid2ExecutionAlgo dontUseAutoPriceForHedge:b=0 "
            "isOmsContainer:b=0 discretionaryUpToLimitPrice:b=0 usePriceMgmtAlgo:b=0"
        ),
        since(158, "duration:i"),
        since(160, "postToAts:i"),
        since(162, "autoCancelParent:b=0"),
        since(166, "advancedErrorOverride"),
        since(169, "manualOrderTime"),
        When(lambda values, version: version >= 170 and values.get("exchange") == "IBKRATS", fields("minTradeQty:i")),
        When(
            lambda values, version: version >= 170 and values.get("orderType") in {"PEG BEST", "PEGBEST"},
            (
                *fields("minCompeteSize:i competeAgainstBestOffset:f"),
                When(lambda values, _: values.get("competeAgainstBestOffset") == float("inf"), _MIDDLE),
            ),
        ),
        When(lambda values, version: version >= 170 and values.get("orderType") in {"PEG MID", "PEGMID"}, _MIDDLE),
    ),
)

_HEAD = fields("action totalQuantity:f orderType lmtPrice:f auxPrice:f tif ocaGroup account openClose origin:i=0 orderRef")

OPEN_ORDER = Message(
    5,
    "openOrder",
    (
        *fields("orderId:i"),
        *CONTRACT,
        *_HEAD,
        *fields(
            "clientId:i=0 permId:i=0 outsideRth:b=0 hidden:b=0 discretionaryAmt:f=0 goodAfterTime = faGroup faMethod "
            "faPercentage"
        ),
        before(177, "faProfile"),
        *fields(
            "modelCode goodTillDate rule80A percentOffset:f settlingFirm shortSaleSlot:i=0 designatedLocation exemptCode:i=-1 "
            "auctionStrategy:i=0 startingPrice:f stockRefPrice:f delta:f stockRangeLower:f stockRangeUpper:f displaySize:i=0 "
            "blockOrder:b=0 sweepToFill:b=0 allOrNone:b=0 minQty:i ocaType:i=0 eTradeOnly:b=0 firmQuoteOnly:b=0 "
            "nbboPriceCap:f parentId:i=0 triggerMethod:i=0 volatility:f volatilityType:i deltaNeutralOrderType "
            "deltaNeutralAuxPrice:f"
        ),
        with_value(
            "deltaNeutralOrderType",
            *fields(
                "deltaNeutralConId:i=0 deltaNeutralSettlingFirm deltaNeutralClearingAccount deltaNeutralClearingIntent "
                "deltaNeutralOpenClose deltaNeutralShortSale:b=0 deltaNeutralShortSaleSlot:i=0 deltaNeutralDesignatedLocation"
            ),
        ),
        *fields(
            "continuousUpdate:b=0 referencePriceType:i trailStopPrice:f trailingPercent:f basisPoints:f basisPointsType:i "
            "comboLegsDescrip"
        ),
        Each("comboLegs", _LEG),
        Each("orderComboLegs", fields("price:f")),
        Each("smartComboRoutingParams", _TAG),
        *fields("scaleInitLevelSize:i scaleSubsLevelSize:i scalePriceIncrement:f"),
        _SCALE,
        *fields("hedgeType"),
        with_value("hedgeType", *fields("hedgeParam")),
        *fields("optOutSmartRouting:b=0 clearingAccount clearingIntent notHeld:b=0"),
        _DELTA_NEUTRAL,
        *fields("algoStrategy"),
        _ALGO,
        *fields(
            "solicited:b=0 whatIf:b=0 status initMarginBefore:f maintMarginBefore:f equityWithLoanBefore:f initMarginChange:f "
            "maintMarginChange:f equityWithLoanChange:f initMarginAfter:f maintMarginAfter:f equityWithLoanAfter:f "
            "commission:f minCommission:f maxCommission:f commissionCurrency warningText randomizeSize:b=0 randomizePrice:b=0"
        ),
        _PEG_BENCHMARK,
        _Conditions(),
        *fields(
            "adjustedOrderType triggerPrice:f trailStopPrice:f lmtPriceOffset:f adjustedStopPrice:f adjustedStopLimitPrice:f "
            "adjustedTrailingAmount:f adjustableTrailingUnit:i=0 softDollarTierName softDollarTierValue "
            "softDollarTierDisplayName cashQty:f dontUseAutoPriceForHedge:b=0 isOmsContainer:b=0 "
            "discretionaryUpToLimitPrice:b=0 usePriceMgmtAlgo:b=0"
        ),
        since(159, "duration:i"),
        since(160, "postToAts:i"),
        since(162, "autoCancelParent:b=0"),
        since(170, "minTradeQty:i minCompeteSize:i competeAgainstBestOffset:f midOffsetAtWhole:f midOffsetAtHalf:f"),
    ),
)

COMPLETED_ORDER = Message(
    101,
    "completedOrder",
    (
        *CONTRACT,
        *_HEAD,
        *fields("permId:i=0 outsideRth:b=0 hidden:b=0 discretionaryAmt:f=0 goodAfterTime faGroup faMethod faPercentage"),
        before(177, "faProfile"),
        *fields(
            "modelCode goodTillDate rule80A percentOffset:f settlingFirm shortSaleSlot:i=0 designatedLocation exemptCode:i=-1 "
            "startingPrice:f stockRefPrice:f delta:f stockRangeLower:f stockRangeUpper:f displaySize:i=0 sweepToFill:b=0 "
            "allOrNone:b=0 minQty:i ocaType:i=0 triggerMethod:i=0 volatility:f volatilityType:i deltaNeutralOrderType "
            "deltaNeutralAuxPrice:f"
        ),
        with_value(
            "deltaNeutralOrderType",
            *fields(
                "deltaNeutralConId:i=0 deltaNeutralShortSale:b=0 deltaNeutralShortSaleSlot:i=0 deltaNeutralDesignatedLocation"
            ),
        ),
        *fields("continuousUpdate:b=0 referencePriceType:i trailStopPrice:f trailingPercent:f comboLegsDescrip"),
        Each("comboLegs", _LEG),
        Each("orderComboLegs", fields("price:f")),
        Each("smartComboRoutingParams", _TAG),
        *fields("scaleInitLevelSize:i scaleSubsLevelSize:i scalePriceIncrement:f"),
        _SCALE,
        *fields("hedgeType"),
        with_value("hedgeType", *fields("hedgeParam")),
        *fields("clearingAccount clearingIntent notHeld:b=0"),
        _DELTA_NEUTRAL,
        *fields("algoStrategy"),
        _ALGO,
        *fields("solicited:b=0 status randomizeSize:b=0 randomizePrice:b=0"),
        _PEG_BENCHMARK,
        _Conditions(),
        *fields(
            "trailStopPrice:f lmtPriceOffset:f cashQty:f dontUseAutoPriceForHedge:b=0 isOmsContainer:b=0 autoCancelDate "
            "filledQuantity:f refFuturesConId:i=0 autoCancelParent:b=0 shareholder imbalanceOnly:b=0 routeMarketableToBbo:b=0 "
            "parentPermId:i=0 completedTime completedStatus"
        ),
        since(170, "minTradeQty:i minCompeteSize:i competeAgainstBestOffset:f midOffsetAtWhole:f midOffsetAtHalf:f"),
    ),
)

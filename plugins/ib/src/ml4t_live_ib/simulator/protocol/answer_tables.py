"""The tables of what TWS sends, except openOrder, completedOrder and market data."""

from __future__ import annotations

from collections.abc import Sequence

from ml4t_live_ib.simulator.protocol.fields import UNSET_DOUBLE, Each, Item, When, before, fields, since
from ml4t_live_ib.simulator.protocol.message import Message
from ml4t_live_ib.simulator.protocol.order_tables import CONTRACT


def _answer(number: int, name: str, spec: str) -> Message:
    return Message(number, name, fields(spec))


def _about_contract(number: int, name: str, first: str, then: str, *more: Item) -> Message:
    items: Sequence[Item] = (*fields(first), *CONTRACT, *fields(then), *more)
    return Message(number, name, items)


ORDER_STATUS = _answer(
    3,
    "orderStatus",
    "orderId:i status filled:f=0 remaining:f=0 avgFillPrice:f=0 permId:i=0 parentId:i=0 lastFillPrice:f=0 clientId:i=0 whyHeld "
    "mktCapPrice:f=0",
)
ERROR = Message(4, "error", (*fields("=2 reqId:i=-1 code:i text"), since(166, "advancedOrderRejectJson")))
ACCOUNT_VALUE = _answer(6, "accountValue", "=2 tag value currency account")
PORTFOLIO_VALUE = _about_contract(
    7,
    "portfolioValue",
    "=8",
    "position:f=0 marketPrice:f=0 marketValue:f=0 averageCost:f=0 unrealizedPNL:f=0 realizedPNL:f=0 account",
)
ACCOUNT_TIME = _answer(8, "accountTime", "=1 time")
NEXT_VALID_ID = _answer(9, "nextValidId", "=1 orderId:i")
EXECUTION = _about_contract(
    11,
    "execDetails",
    "reqId:i=-1 orderId:i",
    "execId time acctNumber exchange side shares:f price:f permId:i=0 clientId:i=0 liquidation:i=0 cumQty:f avgPrice:f "
    "orderRef evRule evMultiplier:f modelCode lastLiquidity:i=2",
    since(178, "pendingPriceRevision:b=0"),
)
MANAGED_ACCOUNTS = _answer(15, "managedAccounts", "=1 accounts")
CURRENT_TIME = _answer(49, "currentTime", "=1 time:i")
CONTRACT_END = _answer(52, "contractDetailsEnd", "=1 reqId:i")
OPEN_ORDER_END = _answer(53, "openOrderEnd", "=1")
ACCOUNT_END = _answer(54, "accountDownloadEnd", "=1 account")
EXECUTION_END = _answer(55, "execDetailsEnd", "=1 reqId:i")
COMMISSION = _answer(
    59,
    "commissionReport",
    f"=1 execId commission:f currency realizedPNL:f={UNSET_DOUBLE} yield:f={UNSET_DOUBLE} yieldRedemptionDate:i",
)
POSITION = _about_contract(61, "position", "=3 account", "position:f=0 avgCost:f=0")
POSITION_END = _answer(62, "positionEnd", "=1")
ACCOUNT_SUMMARY = _answer(63, "accountSummary", "=1 reqId:i account tag value currency")
ACCOUNT_SUMMARY_END = _answer(64, "accountSummaryEnd", "=1 reqId:i")
ACCOUNT_MULTI = _answer(73, "accountUpdateMulti", "=1 reqId:i account modelCode tag value currency")
ACCOUNT_MULTI_END = _answer(74, "accountUpdateMultiEnd", "=1 reqId:i")
OPTION_CHAIN_END = _answer(76, "securityDefinitionOptionParameterEnd", "reqId:i")
SYMBOL_SAMPLES = Message(
    79,
    "symbolSamples",
    (
        *fields("reqId:i"),
        Each(
            "contracts",
            (
                *fields("conId:i symbol secType primaryExchange currency"),
                Each("derivatives", fields("secType")),
                since(176, "description issuerId"),
            ),
        ),
    ),
)
HEAD_TIMESTAMP = _answer(88, "headTimestamp", "reqId:i time")
MARKET_RULE = Message(93, "marketRule", (*fields("marketRuleId:i"), Each("increments", fields("lowEdge:f increment:f"))))
PNL = _answer(94, "pnl", "reqId:i dailyPnL:f unrealizedPnL:f realizedPnL:f")
ORDER_BOUND = _answer(100, "orderBound", "permId:i clientId:i orderId:i")
HISTORICAL_TICKS = Message(
    96,
    "historicalTicks",
    (*fields("reqId:i"), Each("ticks", fields("time:i mask:i=0 price:f size:f")), *fields("done:b=1")),
)
HISTORICAL_TICKS_BID_ASK = Message(
    97,
    "historicalTicksBidAsk",
    (
        *fields("reqId:i"),
        Each("ticks", fields("time:i mask:i=0 priceBid:f priceAsk:f sizeBid:f sizeAsk:f")),
        *fields("done:b=1"),
    ),
)
HISTORICAL_TICKS_LAST = Message(
    98,
    "historicalTicksLast",
    (
        *fields("reqId:i"),
        Each("ticks", fields("time:i mask:i=0 price:f size:f exchange specialConditions")),
        *fields("done:b=1"),
    ),
)
COMPLETED_ORDERS_END = _answer(102, "completedOrdersEnd", "")

CONTRACT_DETAILS = Message(
    10,
    "contractDetails",
    (
        before(164, "=8"),
        *fields(
            "reqId:i symbol secType lastTradeDateOrContractMonth strike:f=0 right exchange currency localSymbol marketName "
            "tradingClass conId:i minTick:f"
        ),
        before(164, "=1"),
        *fields(
            "multiplier orderTypes validExchanges priceMagnifier:i=1 underConId:i=0 longName primaryExchange contractMonth "
            "industry category subcategory timeZoneId tradingHours liquidHours evRule evMultiplier:i=0"
        ),
        Each("secIdList", fields("tag value")),
        *fields("aggGroup:i=1 underSymbol underSecType marketRuleIds realExpirationDate stockType"),
        When(lambda _, version: version == 163, fields("suggestedSizeIncrement:f")),
        since(164, "minSize:f sizeIncrement:f suggestedSizeIncrement:f"),
    ),
)

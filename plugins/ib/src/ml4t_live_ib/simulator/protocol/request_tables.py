"""The tables of what a client sends, except placeOrder."""

from __future__ import annotations

from ml4t_live_ib.simulator.protocol.fields import Each, Maybe, When, fields, since
from ml4t_live_ib.simulator.protocol.message import Message
from ml4t_live_ib.simulator.protocol.order_tables import CONTRACT_QUERY, PLACE_ORDER

_BAG_LEGS = When(
    lambda values, _: values.get("secType") == "BAG",
    (Each("comboLegs", fields("conId:i=0 ratio:i=0 action exchange")),),
)


def _request(number: int, name: str, spec: str) -> Message:
    return Message(number, name, fields(spec))


REQUESTS = {
    message.number: message
    for message in (
        Message(
            1,
            "reqMktData",
            (
                *fields("=11 reqId:i"),
                *CONTRACT_QUERY,
                _BAG_LEGS,
                Maybe("deltaNeutralContract", fields("conId:i=0 delta:f=0 price:f=0")),
                *fields("genericTickList snapshot:b=0 regulatorySnapshot:b=0 mktDataOptions"),
            ),
        ),
        _request(2, "cancelMktData", "=2 reqId:i"),
        PLACE_ORDER,
        Message(4, "cancelOrder", (*fields("=1 orderId:i"), since(169, "manualCancelOrderTime"))),
        _request(5, "reqOpenOrders", "=1"),
        _request(6, "reqAccountUpdates", "=2 subscribe:b=0 account"),
        _request(7, "reqExecutions", "=3 reqId:i clientId:i=0 account time symbol secType exchange side"),
        _request(8, "reqIds", "=1 count:i=1"),
        Message(
            9,
            "reqContractDetails",
            (*fields("=8 reqId:i"), *CONTRACT_QUERY, *fields("includeExpired:b=0 secIdType secId"), since(176, "issuerId")),
        ),
        _request(15, "reqAutoOpenOrders", "=1 bind:b=0"),
        _request(16, "reqAllOpenOrders", "=1"),
        _request(17, "reqManagedAccts", "=1"),
        Message(
            20,
            "reqHistoricalData",
            (
                *fields("reqId:i"),
                *CONTRACT_QUERY,
                *fields("includeExpired:b=0 endDateTime barSize duration useRTH:b=0 whatToShow formatDate:i=1"),
                _BAG_LEGS,
                *fields("keepUpToDate:b=0 chartOptions"),
            ),
        ),
        _request(25, "cancelHistoricalData", "=1 reqId:i"),
        _request(49, "reqCurrentTime", "=1"),
        Message(
            50,
            "reqRealTimeBars",
            (*fields("=3 reqId:i"), *CONTRACT_QUERY, *fields("barSize:i=5 whatToShow useRTH:b=0 realTimeBarsOptions")),
        ),
        _request(51, "cancelRealTimeBars", "=1 reqId:i"),
        _request(58, "reqGlobalCancel", "=1"),
        _request(59, "reqMarketDataType", "=1 marketDataType:i=1"),
        _request(61, "reqPositions", "=1"),
        _request(62, "reqAccountSummary", "=1 reqId:i group tags"),
        _request(63, "cancelAccountSummary", "=1 reqId:i"),
        _request(64, "cancelPositions", "=1"),
        _request(71, "startApi", "=2 clientId:i optionalCapabilities"),
        _request(76, "reqAccountUpdatesMulti", "=1 reqId:i account modelCode ledgerAndNLV:b=0"),
        _request(77, "cancelAccountUpdatesMulti", "=1 reqId:i"),
        _request(78, "reqSecDefOptParams", "reqId:i symbol futFopExchange secType conId:i=0"),
        _request(81, "reqMatchingSymbols", "reqId:i pattern"),
        Message(
            87,
            "reqHeadTimeStamp",
            (*fields("reqId:i"), *CONTRACT_QUERY, *fields("includeExpired:b=0 useRTH:b=0 whatToShow formatDate:i=1")),
        ),
        _request(90, "cancelHeadTimeStamp", "reqId:i"),
        _request(91, "reqMarketRule", "marketRuleId:i"),
        _request(92, "reqPnL", "reqId:i account modelCode"),
        _request(93, "cancelPnL", "reqId:i"),
        Message(
            96,
            "reqHistoricalTicks",
            (
                *fields("reqId:i"),
                *CONTRACT_QUERY,
                *fields(
                    "includeExpired:b=0 startDateTime endDateTime numberOfTicks:i=1000 whatToShow useRth:b=0 ignoreSize:b=0"
                ),
                *fields("miscOptions"),
            ),
        ),
        Message(
            97,
            "reqTickByTickData",
            (*fields("reqId:i"), *CONTRACT_QUERY, *fields("tickType numberOfTicks:i=0 ignoreSize:b=0")),
        ),
        _request(98, "cancelTickByTickData", "reqId:i"),
        _request(99, "reqCompletedOrders", "apiOnly:b=0"),
    )
}
"""Every request that is understood, by its number."""

PLACE_OF_REQUEST_ID = dict.fromkeys((22, 79, 83, 84, 86, 88, 94, 100, 102, 104), 1) | dict.fromkeys((10, 52, 54, 55, 74), 2)
"""Where the id of a request is in those that are not understood, so that the refusal reaches whoever waits for it."""

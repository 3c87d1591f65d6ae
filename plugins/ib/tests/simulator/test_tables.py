"""What goes through a table comes back, here and in the SDK, at every server version."""

from __future__ import annotations

import dataclasses
import math
from types import SimpleNamespace
from typing import Any

import ib_async
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from ib_async.client import Client
from ib_async.decoder import Decoder
from ib_async.util import UNSET_DOUBLE, UNSET_INTEGER

from ml4t_live_ib.simulator.protocol import answer_tables
from ml4t_live_ib.simulator.protocol.fields import Constant, Each, Field, Maybe, When
from ml4t_live_ib.simulator.protocol.message import Message
from ml4t_live_ib.simulator.protocol.order_tables import COMPLETED_ORDER, OPEN_ORDER, PLACE_ORDER
from ml4t_live_ib.simulator.protocol.request_tables import REQUESTS
from ml4t_live_ib.simulator.protocol.wire import WireError

ANSWERS = [each for each in vars(answer_tables).values() if isinstance(each, Message)]
ON_A_BUSY_MACHINE = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
versions = st.integers(157, 178)
words = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=8)
numbers = st.floats(allow_nan=False, allow_infinity=False, width=32).filter(lambda value: abs(value) < 1e30)
whole = st.integers(-(2**31) + 1, 2**31 - 2)
BY_KIND = {"str": words, "_int": st.none() | whole, "_float": st.none() | numbers, "_bool": st.booleans()}


def values_of(items: Any, draw: Any) -> dict[str, Any]:
    """Return values for every field that might be there."""
    values: dict[str, Any] = {}
    for item in items:
        if isinstance(item, Field):
            value = draw(BY_KIND[item.read.__name__])
            # A number that is not set is written as the default, where there is one.
            values[item.name] = item.read(item.default) if value is None else value
        elif isinstance(item, When):
            values |= {name: value for name, value in values_of(item.items, draw).items() if name not in values}
        elif isinstance(item, Each):
            values[item.name] = [values_of(item.items, draw) for _ in range(draw(st.integers(0, 2)))]
        elif isinstance(item, Maybe):
            values[item.name] = values_of(item.items, draw) if draw(st.booleans()) else None
        elif not isinstance(item, Constant):
            values["conditions"] = []
    return values


def as_far_as(read: Any, values: Any) -> Any:
    """Return the values without the fields that this version of a message has not."""
    if isinstance(read, dict):
        return {name: as_far_as(read[name], values[name]) for name in read}
    if isinstance(read, list):
        return [as_far_as(mine, theirs) for mine, theirs in zip(read, values, strict=True)]
    return values


@ON_A_BUSY_MACHINE
@given(st.data(), st.sampled_from([*ANSWERS, *REQUESTS.values(), OPEN_ORDER, COMPLETED_ORDER]), versions)
def test_what_is_written_is_read(data, message, version) -> None:
    values = values_of(message.items, data.draw)

    texts = message.texts(values, version)
    read = message.read(texts, version)

    assert read == as_far_as(read, values)
    assert message.texts(read, version) == texts


def test_what_does_not_fit_its_table_is_an_error() -> None:
    with pytest.raises(WireError, match="cancelOrder does not fit its table"):
        REQUESTS[4].read(["4", "1"], 178)
    with pytest.raises(WireError, match="reqRealTimeBars"):
        REQUESTS[50].read(["50", "3", "not a number", *[""] * 20], 178)


# --- the SDK's own encoder and decoder

SPECIAL = {
    "orderId", "clientId", "permId", "softDollarTier", "orderComboLegs", "smartComboRoutingParams", "algoParams",
    "orderMiscOptions", "conditions", "orderType", "competeAgainstBestOffset", "deltaNeutralOrderType",
}  # fmt: skip


def a_value(field: Any) -> Any:
    if isinstance(field.default, bool):
        return st.booleans()
    if field.default == UNSET_INTEGER:
        return st.integers(1, 1000)
    if isinstance(field.default, int):
        return st.integers(0, 1000)
    if isinstance(field.default, float):
        return st.floats(0.25, 1e6, width=32)
    return st.text("abcXYZ019 -.", max_size=6).map(str.strip)


@st.composite
def sdk_orders(draw: Any) -> ib_async.Order:
    chosen = {each.name: draw(a_value(each)) for each in dataclasses.fields(ib_async.Order) if each.name not in SPECIAL}
    order = ib_async.Order(**chosen)
    order.orderType = draw(st.sampled_from(["MKT", "LMT", "STP LMT", "TRAIL", "PEG BENCH", "VOL", "PEG BEST", "PEG MID"]))
    order.algoParams = [ib_async.TagValue("a", "1")] if order.algoStrategy else []
    order.competeAgainstBestOffset = draw(st.sampled_from([0.5, math.inf]))
    order.conditions = draw(
        st.lists(
            st.sampled_from(
                [
                    ib_async.PriceCondition(price=5.5, conId=3, exch="SMART"),
                    ib_async.TimeCondition(time="20261121 10:00:00"),
                    ib_async.MarginCondition(percent=5),
                    ib_async.ExecutionCondition(secType="STK", exch="SMART", symbol="AAPL"),
                    ib_async.VolumeCondition(volume=7, conId=3, exch="SMART"),
                    ib_async.PercentChangeCondition(changePercent=1.5, conId=3, exch="SMART"),
                ]
            ),
            max_size=3,
        )
    )
    order.softDollarTier = ib_async.SoftDollarTier("name", "value", "")
    return order


class Encoder(Client):
    """The SDK's encoder, without a socket."""

    def __init__(self, version: int) -> None:
        self._serverVersion = version
        self.sent: list[list[str]] = []

    def isConnected(self) -> bool:
        return True

    def sendMsg(self, msg: str) -> None:
        self.sent.append(msg.split("\0")[:-1])


def encoded(version: int, order: ib_async.Order, contract: ib_async.Contract) -> list[str]:
    encoder = Encoder(version)
    encoder.placeOrder(17, contract, order)
    return encoder.sent[0]


@ON_A_BUSY_MACHINE
@given(sdk_orders(), versions)
def test_an_order_of_the_sdk_is_understood(order, version) -> None:
    contract = ib_async.Stock("AAPL", "SMART", "USD", conId=265598)
    texts = encoded(version, order, contract)

    values = PLACE_ORDER.read(texts, version)

    assert values["orderId"] == 17
    assert (values["conId"], values["symbol"], values["currency"]) == (265598, "AAPL", "USD")
    assert len(PLACE_ORDER.texts(values, version)) == len(texts)  # not one field is left over
    for name in set(values) & {field.name for field in dataclasses.fields(order)} - SPECIAL:
        ours, theirs = values[name], getattr(order, name)
        assert ours == theirs or (ours is None and theirs in {None, UNSET_DOUBLE, UNSET_INTEGER}), name
    assert [row["condType"] for row in values["conditions"]] == [each.condType for each in order.conditions]


class Heard:
    """A wrapper of the SDK that keeps what the decoder calls it with."""

    def __init__(self) -> None:
        self.calls: list[tuple[str, tuple[Any, ...]]] = []
        self.ib = SimpleNamespace(TimezoneTWS="")
        self.defaultTimezone = None

    def __getattr__(self, name: str) -> Any:
        return lambda *arguments: self.calls.append((name, arguments))


def decoded(message: Message, values: dict[str, Any], version: int) -> tuple[Any, ...]:
    heard = Heard()
    decoder = Decoder(heard, version)
    decoder.handlers[message.number](message.texts(values, version))  # not `interpret`, which swallows what goes wrong
    ((_, arguments),) = heard.calls
    return arguments


SCALED = {
    "scalePriceAdjustValue", "scalePriceAdjustInterval", "scaleProfitOffset", "scaleAutoReset", "scaleInitPosition",
    "scaleInitFillQty", "scaleRandomPercent",
}  # fmt: skip


@ON_A_BUSY_MACHINE
@given(sdk_orders(), versions)
def test_the_sdk_gets_back_what_it_sent(order, version) -> None:
    order.openClose = order.openClose or "O"
    values = PLACE_ORDER.read(encoded(version, order, ib_async.Stock("AAPL", "SMART", "USD", conId=265598)), version)
    told = values | {"clientId": 3, "permId": 99, "status": "Submitted", "deltaNeutralOrderType": "None"}

    order_id, contract, back, state = decoded(OPEN_ORDER, told, version)

    assert (order_id, back.clientId, back.permId, state.status) == (17, 3, 99, "Submitted")
    assert (contract.conId, contract.symbol) == (265598, "AAPL")
    unknown = {field.name for field in dataclasses.fields(order) if field.name not in values}
    for field in dataclasses.fields(order):
        if field.name in SPECIAL | unknown or (field.name == "deltaNeutralAuxPrice"):
            continue
        ours, theirs = getattr(back, field.name), getattr(order, field.name)
        assert ours == theirs or not ours or ours == field.default, field.name
        if field.name in {"action", "totalQuantity", "lmtPrice", "tif", "orderRef", "ocaGroup", "parentId", "outsideRth"}:
            assert ours == theirs, field.name
    assert [each.condType for each in back.conditions] == [each.condType for each in order.conditions]


@ON_A_BUSY_MACHINE
@given(sdk_orders(), versions)
def test_the_sdk_understands_a_completed_order(order, version) -> None:
    values = PLACE_ORDER.read(encoded(version, order, ib_async.Stock("AAPL", "SMART", "USD", conId=265598)), version)
    told = values | {"permId": 99, "status": "Filled", "completedTime": "20260105 09:31:00 US/Eastern", "filledQuantity": 5.0}

    contract, back, state = decoded(COMPLETED_ORDER, told, version)

    assert (contract.symbol, back.permId, back.orderRef, back.orderId) == ("AAPL", 99, order.orderRef, 0)
    assert (state.status, state.completedTime, back.filledQuantity) == ("Filled", "20260105 09:31:00 US/Eastern", 5.0)


@ON_A_BUSY_MACHINE
@given(st.data(), versions)
def test_the_sdk_understands_contract_details(data, version) -> None:
    message = answer_tables.CONTRACT_DETAILS
    values = values_of(message.items, lambda strategy: data.draw(strategy if strategy is not words else st.just("word")))
    values |= {"minTick": 0.01, "reqId": 4, "conId": 5, "lastTradeDateOrContractMonth": "20261218"}

    request_id, details = decoded(message, values, version)

    assert request_id == 4
    assert (details.contract.conId, details.minTick) == (5, 0.01)
    assert details.contract.lastTradeDateOrContractMonth == "20261218"
    assert len(details.secIdList) == len(values["secIdList"])
    assert details.stockType == "word"


def test_a_number_that_is_not_set_stays_unset() -> None:
    order = ib_async.MarketOrder("BUY", 1)
    values = PLACE_ORDER.read(encoded(178, order, ib_async.Stock("AAPL", "SMART", "USD")), 178)

    _, _, back, _ = decoded(OPEN_ORDER, values, 178)

    assert values["lmtPrice"] is None
    assert back.lmtPrice == UNSET_DOUBLE
    assert back.minQty == UNSET_INTEGER

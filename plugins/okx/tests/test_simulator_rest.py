"""The simulated REST API, spoken to as any client does: signatures, orders, pages, limits and failures."""

from __future__ import annotations

import asyncio
import json
import time

import aiohttp
import pytest

from ml4t_live_okx.rig import still
from ml4t_live_okx.signing import request_time, signature

SWAP, SPOT = "ETH-USDT-SWAP", "ETH-USDT"


class Client:
    """A client of the protocol that knows nothing of the adapter."""

    def __init__(self, venue, **wrong):
        self.venue = venue
        self.key, self.secret, self.passphrase = (
            wrong.get(n, v) for n, v in zip(("key", "secret", "phrase"), venue.keys, strict=True)
        )
        self.skew = wrong.get("skew", 0)
        self.demo = wrong.get("demo", True)

    async def __call__(self, method, path, body=None):
        target = f"/api/v5/{path}"
        text = "" if body is None else json.dumps(body)
        stamp = request_time(time.time_ns() + self.skew * 10**9)
        headers = {
            "OK-ACCESS-KEY": self.key,
            "OK-ACCESS-SIGN": signature(self.secret, stamp + method + target + text),
            "OK-ACCESS-TIMESTAMP": stamp,
            "OK-ACCESS-PASSPHRASE": self.passphrase,
            **({"x-simulated-trading": "1"} if self.demo else {}),
        }
        async with (
            aiohttp.ClientSession() as session,
            session.request(method, self.venue.url + target, data=text or None, headers=headers) as answer,
        ):
            return answer.status, await answer.json()


def order(**fields):
    return {"instId": SWAP, "tdMode": "cross", "side": "buy", "ordType": "limit", "px": "90", "sz": "10", **fields}


def ask(venue, method, path, body=None, **wrong):
    return asyncio.run(Client(venue, **wrong)(method, path, body))


def placed(venue, **fields):
    _, answer = ask(venue, "POST", "trade/order", order(**fields))
    return answer["data"][0]


@pytest.mark.parametrize(
    ("wrong", "code"),
    [
        ({"key": "no"}, "50111"),
        ({"secret": "no"}, "50113"),
        ({"phrase": "no"}, "50105"),
        ({"skew": 40}, "50102"),
        ({"demo": False}, "50101"),
    ],
)
def test_a_request_that_is_not_signed_as_it_must_be_is_refused(venue, wrong, code):
    status, answer = ask(venue, "GET", "account/balance", **wrong)
    assert (status, answer["code"]) == (401, code)


def test_the_signature_is_of_time_method_path_query_and_body():
    # What `openssl dgst -sha256 -hmac secret -binary | base64` makes of the same text.
    assert signature("secret", "2020-12-08T09:08:57.715ZGET/api/v5/account/balance?ccy=BTC") == (
        "wpDvCwYCprcMQsQkxWJiWy+YADoQE4ep+OEKKLimMoY="
    )
    assert request_time(1607418537715000000) == "2020-12-08T09:08:57.715Z"


def test_an_order_is_taken_trades_and_is_found_by_either_id(venue):
    said = placed(venue, clOrdId="a1")
    assert said["sCode"] == "0"
    venue.execute("a1", 0.4, 90.0)
    _, answer = ask(venue, "GET", f"trade/order?instId={SWAP}&clOrdId=a1")
    (there,) = answer["data"]
    assert (there["ordId"], there["state"], there["accFillSz"], there["avgPx"]) == (
        said["ordId"],
        "partially_filled",
        "4",
        "90",
    )
    venue.price(SWAP, 89.0)
    _, answer = ask(venue, "GET", f"trade/order?instId={SWAP}&ordId={said['ordId']}")
    assert answer["data"][0]["state"] == "filled"
    _, answer = ask(venue, "GET", f"trade/fills?instType=SWAP&instId={SWAP}")
    assert [(each["fillSz"], each["fillPx"]) for each in answer["data"]] == [("6", "89"), ("4", "90")]


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"instId": "NO-SUCH"}, "51001"),
        ({"instId": "BTC-USDT-200327"}, "51027"),
        ({"sz": "0.001"}, "51121"),
        ({"sz": "0"}, "51000"),
        ({"px": "90.001"}, "51000"),
        ({"clOrdId": "with-dashes"}, "51000"),
        ({"posSide": "long"}, "51000"),
        ({"tdMode": "cash"}, "51000"),
        ({"sz": "99999999"}, "51008"),
        ({"instId": SPOT, "tdMode": "cash", "sz": "0.00001"}, "51020"),
        ({"instId": SPOT, "tdMode": "cash", "side": "sell", "sz": "1"}, "51008"),
        ({"instId": "BTC-USD-SWAP"}, "51010"),
    ],
)
def test_an_order_that_cannot_be_is_rejected_in_an_answer_that_is_200(venue, fields, code):
    status, answer = ask(venue, "POST", "trade/order", order(**fields))
    assert (status, answer["code"], answer["data"][0]["sCode"]) == (200, "1", code)


def test_a_client_id_is_taken_once(venue):
    assert placed(venue, clOrdId="a1")["sCode"] == "0"
    assert placed(venue, clOrdId="a1")["sCode"] == "51016"


def test_a_market_purchase_on_spot_is_for_money_unless_it_says_coins(venue):
    common = {"instId": SPOT, "tdMode": "cash", "ordType": "market", "px": "", "sz": "200"}
    placed(venue, clOrdId="money", **common)
    placed(venue, clOrdId="coins", tgtCcy="base_ccy", **common)
    assert [each.filled_quantity for each in venue.orders()] == [2.0, 200.0]


@pytest.mark.parametrize(("kind", "price", "state"), [("ioc", "90", "canceled"), ("fok", "90", "canceled")])
def test_what_does_not_trade_at_once_is_cancelled(venue, kind, price, state):
    placed(venue, ordType=kind, px=price)
    assert venue.bodies()[0]["state"] == state


def test_post_only_takes_nothing_from_the_book(venue):
    placed(venue, ordType="post_only", px="110")
    assert venue.bodies()[0]["state"] == "canceled"
    assert not venue.fills()


def test_a_batch_says_for_each_order_what_became_of_it(venue):
    _, answer = ask(venue, "POST", "trade/batch-orders", [order(clOrdId="a"), order(clOrdId="b", sz="0.001")])
    assert (answer["code"], [each["sCode"] for each in answer["data"]]) == ("2", ["0", "51121"])
    both = [{"instId": SWAP, "clOrdId": "a"}, {"instId": SWAP, "clOrdId": "b"}]
    _, answer = ask(venue, "POST", "trade/cancel-batch-orders", both)
    assert [each["sCode"] for each in answer["data"]] == ["0", "51400"]


def test_an_amendment_counts_what_has_traded(venue):
    placed(venue, clOrdId="a")
    venue.execute("a", 0.4, 90.0)
    _, answer = ask(venue, "POST", "trade/amend-order", {"instId": SWAP, "clOrdId": "a", "newSz": "8", "newPx": "91"})
    assert answer["data"][0]["sCode"] == "0"
    assert [(each["sz"], each["px"], each["accFillSz"]) for each in venue.bodies()] == [("8", "91", "4")]
    _, answer = ask(venue, "POST", "trade/amend-order", {"instId": SWAP, "clOrdId": "a", "newSz": "4"})
    assert answer["data"][0]["sCode"] == "51509"


def test_pages_hang_together(venue):
    for number in range(7):
        placed(venue, clOrdId=f"a{number}")
        venue.execute(f"a{number}", 1.0, 90.0)
    venue.page_history(3)
    seen, after = [], ""
    while True:
        _, answer = ask(venue, "GET", f"trade/fills?instType=SWAP&after={after}")
        if not answer["data"]:
            break
        seen += [each["clOrdId"] for each in answer["data"]]
        after = answer["data"][-1]["billId"]
    assert seen == [f"a{number}" for number in reversed(range(7))]


def test_a_position_earns_when_it_is_closed(venue):
    placed(venue, clOrdId="a")
    venue.execute("a", 1.0, 90.0, commission=1.0)
    placed(venue, clOrdId="b", side="sell", px="110")
    venue.execute("b", 0.6, 95.0)
    _, answer = ask(venue, "GET", "account/positions?instType=SWAP")
    assert [(each["pos"], each["avgPx"]) for each in answer["data"]] == [("4", "90")]
    _, answer = ask(venue, "GET", "account/balance")
    assert answer["data"][0]["details"][0]["cashBal"] == str(1_000_000 - 1 + 3)
    assert venue.cash() == 1_000_000 - 1 + 3 - 0.4 * 90


def test_in_the_long_short_mode_there_are_two_positions():
    with still(position_mode="long_short_mode") as venue:
        placed(venue, clOrdId="a", posSide="long")
        placed(venue, clOrdId="b", posSide="short", side="sell", px="110")
        venue.execute("a", 1.0, 90.0)
        venue.execute("b", 1.0, 110.0)
        _, answer = ask(venue, "GET", "account/positions")
        assert [(each["posSide"], each["pos"]) for each in answer["data"]] == [("long", "10"), ("short", "10")]


def test_too_many_requests_are_refused():
    with still(requests_per_second=2) as venue:
        answers = [ask(venue, "GET", "public/time")[1]["code"] for _ in range(3)]
        assert "50011" in answers


def test_trades_and_candles_can_be_asked_for_afterwards(venue):
    for number in range(5):
        venue.emit(SPOT, 100.0 + number)
    _, answer = ask(venue, "GET", f"market/history-trades?instId={SPOT}&limit=2")
    assert [each["px"] for each in answer["data"]] == ["104.0", "103.0"]
    last = answer["data"][-1]["tradeId"]
    _, answer = ask(venue, "GET", f"market/history-trades?instId={SPOT}&after={last}")
    assert [each["px"] for each in answer["data"]] == ["102.0", "101.0", "100.0"]
    _, answer = ask(venue, "GET", f"market/candles?instId={SPOT}&bar=1m")
    assert answer["data"][0][-1] == "0"
    assert {row[-1] for row in answer["data"][1:]} <= {"1"}


def test_instruments_say_what_a_contract_is_and_leave_out_what_has_expired(venue):
    _, answer = ask(venue, "GET", "public/instruments?instType=SWAP")
    contracts = {each["instId"]: (each["ctVal"], each["ctType"]) for each in answer["data"]}
    assert contracts["ETH-USDT-SWAP"] == ("0.1", "linear")
    assert contracts["BTC-USD-SWAP"] == ("100", "inverse")
    _, answer = ask(venue, "GET", "public/instruments?instType=FUTURES")
    assert len(answer["data"]) == 1
    _, answer = ask(venue, "GET", "public/instruments?instType=SPOT&instId=NO-SUCH")
    assert answer["code"] == "51001"

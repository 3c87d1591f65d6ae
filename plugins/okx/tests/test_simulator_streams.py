"""The three simulated websockets, spoken to as any client does."""

from __future__ import annotations

import asyncio
import json
import time
from contextlib import asynccontextmanager

import aiohttp
from okx_kit import Ears, feeding, until

from ml4t.live.times import NANOS
from ml4t_live_okx.rig import feed_at, still
from ml4t_live_okx.signing import LOGIN_TARGET, signature
from ml4t_live_okx.times import trade_time

SPOT, SWAP = "ETH-USDT", "ETH-USDT-SWAP"


class Socket:
    """A client of one websocket that knows nothing of the adapter."""

    def __init__(self, wire, keys):
        self.wire = wire
        self.key, self.secret, self.passphrase = keys

    async def ask(self, operation, *args, **more):
        await self.wire.send_str(json.dumps({"op": operation, "args": list(args), **more}))

    async def hear(self):
        message = await self.wire.receive(timeout=60)
        assert message.type is aiohttp.WSMsgType.TEXT, message
        return json.loads(message.data)

    async def log_in(self, **wrong):
        now = wrong.get("timestamp", str(int(time.time())))
        good = {"apiKey": self.key, "passphrase": self.passphrase, "timestamp": now}
        await self.ask("login", {**good, "sign": signature(self.secret, now + LOGIN_TARGET), **wrong})
        return await self.hear()


@asynccontextmanager
async def socket(venue, endpoint):
    async with (
        aiohttp.ClientSession() as session,
        session.ws_connect(f"{venue.url.replace('http', 'ws')}/ws/v5/{endpoint}") as wire,
    ):
        yield Socket(wire, venue.keys)


def test_a_login_is_confirmed_and_a_wrong_one_is_refused_and_hung_up_on(venue):
    async def run():
        async with socket(venue, "private") as client:
            said = await client.log_in()
            assert (said["event"], said["code"]) == ("login", "0")
        wrong = {
            "60005": {"apiKey": "no"},
            "60007": {"sign": "no"},
            "60024": {"passphrase": "no"},
            "60006": {"timestamp": str(int(time.time()) - 40)},
        }
        for code, fields in wrong.items():
            async with socket(venue, "private") as client:
                assert (await client.log_in(**fields))["code"] == code
                assert (await client.wire.receive(timeout=60)).type in {aiohttp.WSMsgType.CLOSE, aiohttp.WSMsgType.CLOSED}

    asyncio.run(run())


def test_a_ping_is_answered_and_nonsense_is_an_error(venue):
    async def run():
        async with socket(venue, "public") as client:
            await client.wire.send_str("ping")
            assert (await client.wire.receive(timeout=60)).data == "pong"
            await client.wire.send_str("nonsense")
            assert (await client.hear())["code"] == "60012"

    asyncio.run(run())


def test_every_subscription_is_confirmed_by_itself_and_a_wrong_one_refused(venue):
    async def run():
        async with socket(venue, "public") as client:
            args = [{"channel": "trades", "instId": SPOT}, {"channel": "trades", "instId": "NO-SUCH"}]
            await client.ask("subscribe", *args, {"channel": "candle1m", "instId": SPOT})
            said = [await client.hear() for _ in range(3)]
            assert [each["event"] for each in said] == ["subscribe", "error", "error"]
            assert [each.get("code") for each in said[1:]] == ["60018", "60018"]
            await client.ask("subscribe", args[0])  # again: confirmed again, and heard once
            assert (await client.hear())["event"] == "subscribe"
            venue.emit(SPOT, 101.0)
            told = await client.hear()
            assert (told["arg"]["channel"], told["data"][0]["px"]) == ("trades", "101.0")
            await client.ask("unsubscribe", args[0])
            assert (await client.hear())["event"] == "unsubscribe"
            assert not venue.subscriptions

    asyncio.run(run())


def test_orders_are_private_and_can_be_sent_and_heard_there(venue):
    async def run():
        async with socket(venue, "private") as client:
            await client.ask("subscribe", {"channel": "orders", "instType": "ANY"})
            assert (await client.hear())["code"] == "60011"
            await client.log_in()
            await client.ask("subscribe", {"channel": "orders", "instType": "ANY"})
            assert [(await client.hear())["event"] for _ in range(2)] == ["subscribe", "channel-conn-count"]
            order = {"instId": SWAP, "tdMode": "cross", "side": "buy", "ordType": "market", "sz": "10", "clOrdId": "a1"}
            await client.ask("order", order, id="7")
            said = [await client.hear() for _ in range(3)]
            answer = next(each for each in said if each.get("op") == "order")
            assert (answer["id"], answer["code"], answer["data"][0]["sCode"]) == ("7", "0", "0")
            states = [each["data"][0]["state"] for each in said if "arg" in each]
            assert states == ["live", "filled"]
            await client.ask("cancel-order", {"instId": SWAP, "clOrdId": "a1"}, id="8")
            assert (await client.hear())["data"][0]["sCode"] == "51400"
            by_number = {"instIdCode": venue.listed[SWAP].code, "ordType": "limit", "px": "90", "clOrdId": "a2"}
            del order["instId"]
            await client.ask("batch-orders", {**order, **by_number}, id="9")
            said = [await client.hear() for _ in range(2)]
            assert [each["data"][0]["instId"] for each in said if "arg" in each] == [SWAP]

    asyncio.run(run())


def test_a_running_candle_says_so_and_its_end_too(venue):
    async def run():
        async with socket(venue, "business") as client:
            await client.ask("subscribe", {"channel": "candle1m", "instId": SPOT})
            await client.hear()
            venue.emits = "bars"
            start = venue.emit(SPOT, 101.0)
            rows = [(await client.hear())["data"][0] for _ in range(2)]
            assert [row[-1] for row in rows] == ["0", "1"]
            assert {int(row[0]) * 10**6 for row in rows} == {start}

    asyncio.run(run())


def test_a_connection_on_which_nothing_moves_is_closed():
    async def run():
        with still(silence=NANOS // 10) as venue:
            async with socket(venue, "public") as client:
                assert (await client.wire.receive(timeout=60)).type is aiohttp.WSMsgType.CLOSE
                assert client.wire.close_code == 4004

    asyncio.run(run())


def test_more_subscriptions_in_an_hour_than_okx_takes_are_refused():
    async def run():
        with still() as venue:
            venue._okx.sockets._limit = 2
            async with socket(venue, "public") as client:
                codes = []
                for _ in range(3):
                    await client.ask("subscribe", {"channel": "trades", "instId": SPOT})
                    codes.append((await client.hear()).get("code"))
                assert codes == [None, None, "60014"]

    asyncio.run(run())


def test_recorded_frames_are_sent_as_they_are_and_heard_trade_for_trade(tmp_path):
    frames = []
    for number in range(200):
        rows = [
            {"instId": SPOT, "tradeId": str(9_999_950 + 2 * number + part), "px": str(100 + number % 7 / 10), "sz": "0.5"}
            | {"side": "sell", "ts": str(1_700_000_000_000 + number // 3), "count": "1"}
            for part in range(1 + number % 2)
        ]
        frames.append({"arg": {"channel": "trades", "instId": SPOT}, "data": rows})
    file = tmp_path / "frames.jsonl"
    file.write_text(
        "\n".join(json.dumps({"at": 1_700_000_000_000 + number * 20, "frame": f}) for number, f in enumerate(frames))
    )

    async def run():
        with still(replay=str(file), replay_speed=20.0) as venue:
            ears, began = Ears(), time.monotonic()
            async with feeding(feed_at(venue, SPOT), ears):
                rows = [row for frame in frames for row in frame["data"]]
                await until(lambda: len(ears.events) == len(rows))
                assert time.monotonic() - began >= 199 * 0.020 / 20.0  # not before their time
                heard = [(each.trade_id, each.price, each.size, each.event_time) for each in ears.events]
                contained = [
                    (row["tradeId"], float(row["px"]), float(row["sz"]), trade_time(row["ts"], row["tradeId"])) for row in rows
                ]
                assert heard == contained

    asyncio.run(run())


def test_the_market_walks_the_same_way_from_the_same_seed():
    def walk():
        from ml4t_live_okx.simulator import OKXSimulator, OKXSimulatorConfig

        async def run():
            ears = Ears()
            with OKXSimulator(OKXSimulatorConfig(seed=7, tick=NANOS // 100)) as venue:
                async with feeding(feed_at(venue, "BTC-USDT-SWAP", funding=True), ears):
                    await until(lambda: len(ears.events) >= 30)
            return ears.events

        return asyncio.run(run())

    prices = [[each.price for each in walk() if hasattr(each, "trade_id")] for _ in range(2)]
    shared = set(prices[0]) & set(prices[1])
    assert len(shared) >= 5

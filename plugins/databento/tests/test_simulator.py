"""The simulated gateway, heard by Databento's own client as its documentation says to use it."""

from __future__ import annotations

import asyncio
import socket
import time
from contextlib import contextmanager

import databento
import pytest
from databento_dbn import ErrorCode, ErrorMsg, MBP1Msg, OHLCVMsg, SymbolMappingMsg, SystemCode, SystemMsg, TradeMsg
from databento_kit import Ears, feeding, until

from ml4t.live.errors import ConfigError
from ml4t.live.times import NANOS
from ml4t_live_databento.rig import WRONG, feed_at, still
from ml4t_live_databento.sdk import REPLAY_DATA_AGED_OUT
from ml4t_live_databento.simulator import DatabentoSimulator, DatabentoSimulatorConfig, encoding

DATASET = "XNAS.ITCH"


class Client:
    """Databento's `Live`, and what its callback got."""

    def __init__(self, source, **options):
        host, port = source.address
        self.records = []
        self.live = databento.Live(key=options.pop("key", source.key), gateway=host, port=port, **options)
        self.live.add_callback(self.records.append)

    def subscribe(self, schema, *symbols, **options):
        self.live.subscribe(DATASET, schema, list(symbols), **options)

    def of(self, kind):
        return [record for record in self.records if type(record) is kind]

    def codes(self):
        return [record.code for record in self.of(SystemMsg)]

    async def ended(self):
        """Return what the session ended with."""
        try:
            async with asyncio.timeout(60):
                await self.live.wait_for_close()
        except databento.BentoError as error:
            return str(error)
        return ""


@contextmanager
def client_of(source, schema, *symbols, start=None, stype="raw_symbol", **options):
    client = Client(source, **options)
    client.subscribe(schema, *symbols, start=start, stype_in=stype)
    client.live.start()
    try:
        yield client
    finally:
        client.live.terminate()


def test_a_session_begins_with_mappings_and_an_acknowledgement_and_brings_trades(source):
    async def run():
        with client_of(source, "trades", "AAPL", "MSFT") as client:
            await until(lambda: source.subscriptions == {"AAPL", "MSFT"})
            when = source.emit("AAPL", 190.3, 100)
            await until(lambda: client.of(TradeMsg))
            said = [each for each in client.records if not (isinstance(each, SystemMsg) and each.is_heartbeat())]
            assert [type(each) for each in said[:4]] == [SymbolMappingMsg, SymbolMappingMsg, SystemMsg, TradeMsg]
            assert said[2].code == SystemCode.SUBSCRIPTION_ACK
            [trade] = client.of(TradeMsg)
            assert (trade.ts_event, trade.pretty_price, trade.size) == (when, 190.3, 100)
            assert client.live.symbology_map[trade.instrument_id] == "AAPL"
            assert {record.stype_in_symbol for record in client.of(SymbolMappingMsg)} == {"AAPL", "MSFT"}

    asyncio.run(run())


def test_bars_bear_their_start_and_the_end_of_their_interval_is_told(source):
    async def run():
        source.emits = "ohlcv-1s"
        with client_of(source, "ohlcv-1s", "AAPL") as client:
            await until(lambda: source.subscriptions)
            when = source.emit("AAPL", 190.25, 7)
            await until(lambda: SystemCode.END_OF_INTERVAL in client.codes())
            [bar] = client.of(OHLCVMsg)
            assert (bar.ts_event, bar.pretty_close, bar.volume) == (when, 190.25, 7)
            assert client.of(SystemMsg)[-1].ts_event == when + NANOS

    asyncio.run(run())


def test_the_past_is_replayed_and_then_what_happens(source):
    async def run():
        times = [source.emit("AAPL", 100 + number) for number in range(5)]
        source.emit("MSFT", 1.0)
        with client_of(source, "trades", "AAPL", start=times[2]) as client:
            await until(lambda: SystemCode.REPLAY_COMPLETED in client.codes())
            assert [trade.ts_event for trade in client.of(TradeMsg)] == times[2:]
            last = source.emit("AAPL", 200)
            await until(lambda: client.of(TradeMsg)[-1].ts_event == last)

    asyncio.run(run())


def test_a_replay_goes_back_24_hours(source):
    async def run():
        with client_of(source, "trades", "AAPL", start=time.time_ns() - 25 * 3_600 * NANOS) as client:
            await until(lambda: client.of(ErrorMsg))
            assert client.of(ErrorMsg)[0].code == REPLAY_DATA_AGED_OUT

    asyncio.run(run())


def test_a_wrong_key_and_one_connection_too_many_are_refused():
    with still(connections=1) as source:
        with pytest.raises(databento.BentoError, match="Authentication failed"):
            Client(source, key=WRONG).subscribe("trades", "AAPL")
        with client_of(source, "trades", "AAPL"), pytest.raises(databento.BentoError, match="connection limit"):
            Client(source).subscribe("trades", "AAPL")


def test_a_symbol_that_it_does_not_know_leaves_the_others(source):
    async def run():
        with client_of(source, "trades", "AAPL", "NOSUCH") as client:
            await until(lambda: SystemCode.SUBSCRIPTION_ACK in client.codes())
            [error] = client.of(ErrorMsg)
            assert error.code == ErrorCode.SYMBOL_RESOLUTION_FAILED
            assert "NOSUCH" in error.err
            source.emit("AAPL", 1.0)
            await until(lambda: client.of(TradeMsg))

    asyncio.run(run())


def test_errors_end_a_session_with_their_words(source):
    async def run():
        with client_of(source, "trades", "AAPL") as client:
            await until(lambda: source.subscriptions)
            source.fail(ErrorCode.INTERNAL_ERROR, "it broke")
            source.drop()
            assert await client.ended() == "it broke"

    asyncio.run(run())


@pytest.mark.parametrize("reset", [False, True])
def test_clients_are_dropped_with_fin_or_rst_and_come_back(source, reset):
    async def run():
        with client_of(source, "trades", "AAPL") as client:
            await until(lambda: source.subscriptions)
            source.drop(reset=reset)
            assert ("reset" in await client.ended()) == reset
        await until(lambda: not source.connections)
        with client_of(source, "trades", "AAPL"):
            await until(lambda: source.subscriptions)

    asyncio.run(run())


def test_a_mute_gateway_says_that_it_is_there_and_nothing_else(source):
    async def run():
        with client_of(source, "trades", "AAPL") as client:
            await until(lambda: source.subscriptions)
            source.mute(True)
            source.emit("AAPL", 1.0)
            await until(lambda: client.codes().count(SystemCode.HEARTBEAT) > 1)
            source.mute(False)
            source.emit("AAPL", 2.0)
            await until(lambda: client.of(TradeMsg))
            assert [trade.pretty_price for trade in client.of(TradeMsg)] == [2.0]

    asyncio.run(run())


@pytest.mark.parametrize(("behaviour", "schema"), [("warn", "trades"), ("skip", "trades"), (None, "mbp-1"), (None, "trades")])
def test_a_slow_reader_is_warned_or_misses_records_and_is_told(behaviour, schema):
    """A client that stops reading: sockets and the simulator's buffer fill up."""

    async def run():
        with still(slow_bytes=50_000) as source:
            client = Client(source, slow_reader_behavior=behaviour)
            client.subscribe(schema, "AAPL")
            client.live.start()
            await until(lambda: source.subscriptions)
            transport = client.live._session._transport
            client.live._loop.call_soon_threadsafe(transport.pause_reading)
            count = 0
            while not client_is_slow(source):
                count += len(source.burst("AAPL", [1.0] * 500))
            source.burst("AAPL", [1.0] * 10)
            client.live._loop.call_soon_threadsafe(transport.resume_reading)
            skips = behaviour == "skip" or (behaviour is None and schema == "mbp-1")
            kind = TradeMsg if schema == "trades" else MBP1Msg
            if skips:
                await until(lambda: not client_is_slow(source))
                source.emit("AAPL", 2.0)
                await until(lambda: client.of(ErrorMsg))
                assert client.of(ErrorMsg)[0].code == ErrorCode.SKIPPED_RECORDS_AFTER_SLOW_READING
                assert len(client.of(kind)) < count + 10
            else:
                await until(lambda: len(client.of(kind)) == count + 10)
                assert SystemCode.SLOW_READER_WARNING in client.codes()
            client.live.terminate()

    asyncio.run(run())


def client_is_slow(source):
    return source.backlog > source.config.slow_bytes


def test_a_symbol_can_stand_for_another_instrument(source):
    async def run():
        with client_of(source, "trades", "ES.c.0", stype="continuous") as client:
            await until(lambda: source.subscriptions)
            before = source.instrument("ES.c.0")
            source.remap("ES.c.0")
            source.emit("ES.c.0", 1.0)
            await until(lambda: client.of(TradeMsg))
            assert [record.instrument_id for record in client.of(SymbolMappingMsg)] == [before, source.instrument("ES.c.0")]
            assert client.of(TradeMsg)[0].instrument_id == source.instrument("ES.c.0")

    asyncio.run(run())


def test_prices_walk_or_are_replayed_and_make_bars_and_quotes(tmp_path):
    async def run(config, schema):
        with DatabentoSimulator(config) as source, client_of(source, schema, "AAPL") as client:
            data = lambda: [each for each in client.records if type(each) not in {SymbolMappingMsg, SystemMsg}]  # noqa: E731
            await until(lambda: len(data()) >= 2)
            return data()

    quick = {"tick": NANOS // 50, "symbols": ("AAPL",)}
    bars = asyncio.run(run(DatabentoSimulatorConfig(**quick), "ohlcv-1s"))
    assert bars[1].ts_event - bars[0].ts_event == NANOS
    assert bars[0].ts_event % NANOS == 0
    asyncio.run(run(DatabentoSimulatorConfig(**quick), "bbo-1s"))
    (tmp_path / "prices.csv").write_text("symbol,price,size\nAAPL,10,1\nAAPL,11,2\n" * 100)
    trades = asyncio.run(run(DatabentoSimulatorConfig(**quick, replay=str(tmp_path / "prices.csv")), "trades"))
    assert {trade.pretty_price for trade in trades} <= {10.0, 11.0}


def test_recorded_frames_come_again_at_their_times_order_for_order(tmp_path):
    """What a live session brought, of several schemas and symbols, one of which came to stand for another instrument."""
    begin = 1_700_510_417_000_000_000
    trade, bar = (encoding.SERIES[schema].encode for schema in ("trades", "ohlcv-1s"))

    def at(milliseconds, symbol, price, of):
        when = begin + milliseconds * 1_000_000
        return when, price, trade(encoding.Happened(symbol, when, *[price * 10**9] * 4, 2), of)

    frames = [at(0, "AAPL", 10, 38), at(0, "AAPL", 11, 38), at(150, "MSFT", 20, 7), at(300, "AAPL", 12, 38)]
    after = [at(310, "AAPL", 13, 99), at(310, "AAPL", 9, 38), at(600, "AAPL", 14, 99)]
    mappings = [encoding.mapping("AAPL", 38, "raw_symbol", begin), encoding.mapping("MSFT", 7, "raw_symbol", begin)]
    bars = [bar(encoding.Happened("AAPL", begin, *[10**9] * 4, 2), 38)]
    rolled = [encoding.mapping("AAPL", 99, "raw_symbol", begin)]
    data = [*mappings, *(frame for *_, frame in frames), *rolled, *(frame for *_, frame in after), *bars]
    path = tmp_path / "session.dbn"
    path.write_bytes(encoding.metadata("XNAS.ITCH", begin) + b"".join(data))

    async def run():
        nonlocal started
        started = time.time_ns()
        with DatabentoSimulator(DatabentoSimulatorConfig(replay=str(path), heartbeat_seconds=0.2)) as source:
            async with feeding(feed_at(source, "AAPL", "MSFT"), ears := Ears()):
                await until(lambda: len(ears.events) >= 6)
                return ears.events

    started = 0
    events = asyncio.run(run())
    wanted = [*frames, after[0], after[2]]  # an instrument that is nobody's any more is not heard
    assert [(event.event_time, int(event.price)) for event in events] == [(when, price) for when, price, _ in wanted]
    assert [event.symbol for event in events] == ["AAPL", "AAPL", "MSFT", "AAPL", "AAPL", "AAPL"]
    for event in events:  # no earlier than it was, however slow this machine is
        assert event.receive_time - started >= event.event_time - begin


def test_the_same_seed_is_the_same_key():
    assert DatabentoSimulator(DatabentoSimulatorConfig(seed=7)).key == DatabentoSimulator(DatabentoSimulatorConfig(seed=7)).key
    assert len(DatabentoSimulator().key) == 32


def test_a_port_that_is_taken_is_said():
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(ConfigError, match=f"port = {port}"):
            DatabentoSimulator(DatabentoSimulatorConfig(port=port)).start()


def test_closing_twice_and_before_a_start_is_harmless():
    simulator = DatabentoSimulator()
    simulator.close()
    simulator.start()
    simulator.close()
    simulator.close()

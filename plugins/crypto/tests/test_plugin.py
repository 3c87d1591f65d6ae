"""What the plugin offers, and what it costs to look."""

from __future__ import annotations

import ast
import subprocess
import sys

import pytest

from ml4t.live.config import Secret
from ml4t.live.errors import ConfigError
from ml4t.live.model import OrderType
from ml4t_live_crypto.config import CryptoBrokerConfig, CryptoFeedConfig
from ml4t_live_crypto.plugin import ml4t_live_brokers, ml4t_live_feeds, ml4t_live_simulators

LOOK = """
import sys
import ml4t_live_crypto, ml4t_live_crypto.plugin
records = [*ml4t_live_crypto.plugin.ml4t_live_feeds(), *ml4t_live_crypto.plugin.ml4t_live_brokers()]
records += ml4t_live_crypto.plugin.ml4t_live_simulators()
print(sorted({name.partition(".")[0] for name in sys.modules}))
"""


def test_listing_the_plugin_loads_no_client():
    out = subprocess.run([sys.executable, "-c", LOOK], capture_output=True, text=True, check=True).stdout
    assert not {"ccxt", "aiohttp", "yarl"} & set(ast.literal_eval(out))


@pytest.mark.parametrize("record", [*ml4t_live_brokers(), *ml4t_live_feeds(), *ml4t_live_simulators()])
def test_every_factory_is_there(record):
    module, _, name = record.factory.partition(":")
    assert getattr(__import__(module, fromlist=[name]), name)


def test_the_names_are_the_ones_that_programs_use(monkeypatch):
    from ml4t.live import CryptoBroker, CryptoFeed
    from ml4t_live_crypto import CryptoBroker as Broker
    from ml4t_live_crypto import CryptoFeed as Feed

    assert (CryptoBroker, CryptoFeed) == (Broker, Feed)
    monkeypatch.setenv("BINANCE_API_KEY", "k")
    monkeypatch.setenv("BINANCE_SECRET_KEY", "s")
    assert CryptoFeed(exchange="binance", symbols=["BTC/USDT"]).symbols == ("BTC/USDT",)
    broker = CryptoBroker(exchange="binance")
    assert not broker.capabilities.shorts
    assert OrderType.STOP in broker.capabilities.order_types
    assert isinstance(broker._config.api_key, Secret)
    swaps = CryptoBroker(exchange="okx", products=["swap"]).capabilities
    assert swaps.shorts
    assert swaps.replace
    assert OrderType.STOP not in swaps.order_types


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"symbols": "BTC/USDT"}, "one string where a list is wanted"),
        ({"symbols": []}, "name at least one, as in symbols"),
        ({"symbols": ["A/B"], "url": "localhost:80"}, "is not the address of a server"),
        ({"symbols": ["A/B"], "candle": "minute"}, "candle"),
        ({"symbols": ["A/B"], "exchange": "No Such"}, "exchange"),
    ],
)
def test_an_option_that_cannot_be_is_refused(options, words):
    with pytest.raises((TypeError, ValueError), match=words):
        CryptoFeedConfig(**{"exchange": "binance", **options})


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"exchange": "nosuch"}, "ccxt .* has none of that name"),
        ({"exchange": "luno", "sandbox": False}, "how it writes client order ids is not known here"),
        ({"exchange": "kraken"}, "ccxt knows no test environment of kraken; set sandbox = false"),
    ],
)
def test_an_exchange_that_orders_cannot_go_to_is_named_with_the_reason(options, words):
    from ml4t_live_crypto import CryptoBroker

    with pytest.raises(ConfigError, match=words):
        CryptoBroker(CryptoBrokerConfig(api_key="k", secret_key="s", **options))


def test_a_mirror_keeps_the_paths_and_may_name_the_hosts():
    from ml4t_live_crypto.exchange import made

    config = CryptoFeedConfig(exchange="binance", symbols=["BTC/USDT"], url="http://127.0.0.1:80/{host}")
    places = made(config).urls["api"]
    assert places["public"] == "http://127.0.0.1:80/api.binance.com/api/v3"
    assert places["ws"]["spot"] == "ws://127.0.0.1:80/stream.binance.com:9443/ws"

"""What the plugin offers, and what it costs to look."""

from __future__ import annotations

import ast
import subprocess
import sys

import pytest

from ml4t.live.config import Secret
from ml4t_live_okx.config import OKXBrokerConfig, OKXFeedConfig
from ml4t_live_okx.plugin import ml4t_live_brokers, ml4t_live_feeds, ml4t_live_simulators

LOOK = """
import sys
import ml4t_live_okx, ml4t_live_okx.plugin
records = [*ml4t_live_okx.plugin.ml4t_live_feeds(), *ml4t_live_okx.plugin.ml4t_live_brokers()]
records += ml4t_live_okx.plugin.ml4t_live_simulators()
print(sorted({name.partition(".")[0] for name in sys.modules}))
"""
KEYS = {"api_key": "k", "secret_key": "s", "passphrase": "p"}


def test_listing_the_plugin_loads_no_client():
    out = subprocess.run([sys.executable, "-c", LOOK], capture_output=True, text=True, check=True).stdout
    assert not {"aiohttp", "yarl", "websockets", "httpx"} & set(ast.literal_eval(out))


@pytest.mark.parametrize("record", [*ml4t_live_brokers(), *ml4t_live_feeds(), *ml4t_live_simulators()])
def test_every_factory_is_there(record):
    module, _, name = record.factory.partition(":")
    assert getattr(__import__(module, fromlist=[name]), name)


def test_the_names_are_the_ones_that_programs_use(monkeypatch):
    from ml4t.live import OKXBroker, OKXFeed
    from ml4t_live_okx import OKXBroker as Broker
    from ml4t_live_okx import OKXFeed as Feed

    assert (OKXBroker, OKXFeed) == (Broker, Feed)
    for name, value in {"OKX_API_KEY": "k", "OKX_SECRET_KEY": "s", "OKX_PASSPHRASE": "p"}.items():
        monkeypatch.setenv(name, value)
    assert OKXFeed(symbols=["BTC-USDT"]).symbols == ("BTC-USDT",)
    assert not OKXBroker().capabilities.shorts
    assert OKXBroker(products=["swap"]).capabilities.shorts


def test_the_record_declares_what_the_broker_can():
    from ml4t_live_okx import OKXBroker

    (record,) = ml4t_live_brokers()
    can = OKXBroker(api_key="k", secret_key="s", passphrase="p").capabilities
    for name in ("brackets", "oco", "replace", "fractional"):
        assert getattr(can, name) == (name in record.capabilities)


def test_without_keys_it_is_said_where_they_come_from(monkeypatch):
    from ml4t.live import OKXBroker

    for name in ("OKX_API_KEY", "OKX_SECRET_KEY", "OKX_PASSPHRASE"):
        monkeypatch.delenv(name, raising=False)
    with pytest.raises(ValueError, match="secret_key, passphrase missing: give them, or set OKX_SECRET_KEY, OKX_PASSPHRASE"):
        OKXBroker(api_key="k")


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"symbols": "BTC-USDT"}, "one string where a list is wanted"),
        ({"symbols": []}, "name at least one, as in symbols"),
        ({"symbols": ["A-B"], "url": "localhost:80"}, "is not the address of a server"),
        ({"symbols": ["A-B"], "candle": "7m"}, "candle"),
        ({"symbols": ["A-B"], "region": "moon"}, "region"),
    ],
)
def test_an_option_that_cannot_be_is_refused(options, words):
    with pytest.raises((TypeError, ValueError), match=words):
        OKXFeedConfig(**options)


@pytest.mark.parametrize(
    ("options", "rest", "websocket"),
    [
        ({}, "https://www.okx.com", "wss://ws.okx.com:8443/ws/v5/public"),
        ({"demo": True}, "https://www.okx.com", "wss://wspap.okx.com:8443/ws/v5/public"),
        ({"region": "eea"}, "https://eea.okx.com", "wss://wseea.okx.com:8443/ws/v5/public"),
        ({"region": "us", "demo": True}, "https://us.okx.com", "wss://wsuspap.okx.com:8443/ws/v5/public"),
        ({"url": "http://127.0.0.1:80/"}, "http://127.0.0.1:80", "ws://127.0.0.1:80/ws/v5/public"),
    ],
)
def test_every_region_has_its_addresses(options, rest, websocket):
    config = OKXFeedConfig(symbols=["BTC-USDT"], **options)
    assert (config.rest, config.websocket("public")) == (rest, websocket)


def test_demo_trading_is_what_a_broker_is_for_unless_it_says_so():
    assert OKXBrokerConfig(**KEYS).demo
    assert isinstance(OKXBrokerConfig(**KEYS).passphrase, Secret)
    with pytest.raises(ValueError, match="products"):
        OKXBrokerConfig(**KEYS, products=["options"])

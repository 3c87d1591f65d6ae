"""What the plugin tells before anything of Alpaca's is loaded."""

from __future__ import annotations

import subprocess
import sys

import pytest

from ml4t.live.config import Secret
from ml4t_live_alpaca import plugin
from ml4t_live_alpaca.config import AlpacaBrokerConfig, AlpacaFeedConfig

LIGHT = """
import sys
import ml4t_live_alpaca
import ml4t_live_alpaca.plugin as plugin

records = [*plugin.ml4t_live_brokers(), *plugin.ml4t_live_feeds(), *plugin.ml4t_live_simulators()]
heavy = {"alpaca", "msgpack", "numpy", "pandas", "pydantic", "requests", "websockets"} & set(sys.modules)
assert not heavy, heavy
for record in records:
    print(record.name, record.factory)
"""


def test_listing_what_it_offers_loads_no_sdk():
    done = subprocess.run([sys.executable, "-c", LIGHT], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines() == [
        "alpaca ml4t_live_alpaca.broker:AlpacaBroker",
        "alpaca ml4t_live_alpaca.feed:AlpacaFeed",
        "alpaca ml4t_live_alpaca.simulator.control:AlpacaSimulator",
    ]


def test_what_it_declares_is_what_it_can():
    from ml4t_live_alpaca.broker import AlpacaBroker

    (record,) = plugin.ml4t_live_brokers()
    declared, can = record.capabilities, AlpacaBroker.capabilities
    assert (can.brackets, can.oco, can.replace, can.fractional) == tuple(
        name in declared for name in ("brackets", "oco", "replace", "fractional")
    )
    assert can.kinds == declared & {"paper", "live"}


def test_a_name_that_it_has_not_is_no_attribute():
    import ml4t_live_alpaca

    with pytest.raises(AttributeError, match="no attribute 'AlpacaBrokr'"):
        ml4t_live_alpaca.AlpacaBrokr  # noqa: B018


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"symbols": []}, "name at least one symbol"),
        ({"symbols": "AAPL"}, r'write \["AAPL"\]'),
        ({"symbols": ["AAPL"], "data_type": "ticks"}, "data_type"),
        ({"symbols": ["AAPL"], "feed": "otc"}, "feed"),
        ({"symbols": ["AAPL"], "url": "127.0.0.1:80"}, "is not the address of a server"),
        ({"symbols": ["AAPL"], "timeout_seconds": 0}, "timeout_seconds"),
    ],
)
def test_options_that_cannot_be_are_refused(options, words):
    with pytest.raises((ValueError, TypeError), match=words):
        AlpacaFeedConfig(api_key="k", secret_key="s", **options)


def test_keys_are_secrets():
    config = AlpacaBrokerConfig(api_key="PKVISIBLE", secret_key="hidden")
    assert isinstance(config.secret_key, Secret)
    assert "PKVISIBLE" not in repr(config)
    assert "hidden" not in repr(config)

"""Tests of `ml4t.live.plugins.known`."""

from __future__ import annotations

import sys

import pytest

from ml4t.live.plugins import KNOWN, PUBLIC_NAMES, resolve_public_name


def test_the_public_names_are_the_ones_promised():
    assert set(PUBLIC_NAMES) == {
        "IBBroker",
        "IBDataFeed",
        "IBFeed",
        "AlpacaBroker",
        "AlpacaFeed",
        "AlpacaDataFeed",
        "DatabentoFeed",
        "DataBentoFeed",
        "CryptoFeed",
        "CryptoBroker",
        "OKXFeed",
        "OKXBroker",
        "BacktestHost",
        "prove_parity",
        "report_page",
        "write_plugin",
    }


@pytest.mark.parametrize("name", KNOWN)
def test_a_known_plugin_is_named_like_its_distribution_and_its_package(name):
    known = KNOWN[name]

    assert known.distribution == f"ml4t-live-{name}"
    assert known.summary.endswith(".")
    assert {each.partition(".")[0] for each in known.exports.values()} <= {f"ml4t_live_{name}"}


@pytest.fixture
def package(site, monkeypatch):
    """Puts a package of a known name before any that is really installed."""

    def put(name, **modules):
        for loaded in [each for each in sys.modules if each.partition(".")[0] == name]:
            monkeypatch.delitem(sys.modules, loaded)
        (site / name).mkdir()
        for module, source in {"__init__": "", **modules}.items():
            (site / name / f"{module}.py").write_text(source)

    return put


def test_a_public_name_is_imported_when_asked_for(package):
    package("ml4t_live_ib", feed="class IBDataFeed: pass\n", broker="class IBBroker: pass\n")

    assert resolve_public_name("IBFeed") is resolve_public_name("IBDataFeed") is sys.modules["ml4t_live_ib.feed"].IBDataFeed
    assert "ml4t_live_ib.broker" not in sys.modules


def test_a_name_of_an_absent_plugin_names_the_pip_command(monkeypatch):
    """Absent as the import system puts it, in environments that have it too."""

    class Absent:
        def find_spec(self, name, path=None, target=None):
            if name == "ml4t_live_okx":
                raise ModuleNotFoundError(f"No module named {name!r}", name=name)

    for loaded in [each for each in sys.modules if each.partition(".")[0] == "ml4t_live_okx"]:
        monkeypatch.delitem(sys.modules, loaded)
    monkeypatch.setattr(sys, "meta_path", [Absent(), *sys.meta_path])

    with pytest.raises(ImportError) as caught:
        resolve_public_name("OKXBroker")

    assert str(caught.value) == "OKXBroker is part of ml4t-live-okx, which is not installed: pip install ml4t-live-okx"
    assert caught.value.name == "ml4t_live_okx.broker"
    assert isinstance(caught.value.__cause__, ModuleNotFoundError)


@pytest.mark.parametrize(
    ("source", "why", "cause"),
    [
        ("import acme_absent_sdk\n", r"ModuleNotFoundError: No module named 'acme_absent_sdk'", ModuleNotFoundError),
        ("raise SystemExit('no display')\n", r"SystemExit: no display", SystemExit),
        ("import os\nos.no_such_thing\n", r"AttributeError: module 'os' has no attribute 'no_such_thing'", AttributeError),
    ],
)
def test_a_plugin_that_is_there_and_fails_says_so_and_chains_the_cause(package, source, why, cause):
    package("ml4t_live_alpaca", feed=source)

    with pytest.raises(ImportError) as caught:
        resolve_public_name("AlpacaFeed")

    assert str(caught.value) == (
        f"ml4t-live-alpaca is installed, but ml4t_live_alpaca.feed cannot be imported ({why}). "
        "Install what it needs: pip install ml4t-live-alpaca"
    )
    assert isinstance(caught.value.__cause__, cause)


def test_a_plugin_too_old_to_have_the_name_says_so(package):
    package("ml4t_live_crypto", broker="")

    with pytest.raises(ImportError, match=r"the installed ml4t-live-crypto has no CryptoBroker: pip install --upgrade"):
        resolve_public_name("CryptoBroker")


def test_any_other_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match=r"module 'ml4t.live' has no attribute 'KrakenFeed'"):
        resolve_public_name("KrakenFeed")

"""Tests of `ml4t.live.plugins.reference`."""

from __future__ import annotations

import asyncio

import attrs
import pytest

from ml4t.live.errors import PluginError
from ml4t.live.plugins import resolve_factory
from ml4t.live.plugins.reference import Contained, contained, explain, import_reference


@pytest.mark.parametrize("raised", [ValueError("x"), SystemExit(3), asyncio.CancelledError(), GeneratorExit(), StopIteration()])
def test_whatever_a_plugin_raises_is_contained(raised):
    with pytest.raises(Contained) as caught, contained():
        raise raised

    assert caught.value.original is raised


def test_ctrl_c_is_not_contained():
    with pytest.raises(KeyboardInterrupt), contained():
        raise KeyboardInterrupt


def test_a_reference_names_a_module_or_something_in_it():
    import json

    assert import_reference("json") is json
    assert import_reference("json:JSONDecoder.decode") is json.JSONDecoder.decode


def test_a_module_that_core_lacks_is_a_matter_of_versions(plugin):
    found = plugin("import ml4t.live.teleport\n")

    failure = explain(ModuleNotFoundError("...", name="ml4t.live.teleport"), found, found.target)

    assert failure.reason.startswith("it imports ml4t.live.teleport, which ml4t-live ")
    assert failure.remedy == "Install versions that fit: `pip install --upgrade ml4t-live acme-acme`"


def test_a_missing_sibling_of_the_light_module_is_the_plugins_own(install, site):
    from ml4t.live.plugins import scan

    install(
        "acme", ["acme = acme_room.plugin"], modules={"acme_room.plugin": "", "acme_room.deep.broker": "import acme_room.wire"}
    )
    (found,) = scan([str(site)])

    with pytest.raises(
        PluginError, match=r"its own module acme_room\.wire is not there \(at .*broker\.py:1 in <module>\)\. Install it afresh"
    ) as caught:
        resolve_factory(found, "acme_room.deep.broker:Broker")

    assert isinstance(caught.value.__cause__, ModuleNotFoundError)


def test_a_factory_that_cannot_be_called_is_refused(plugin):
    found = plugin("answer = 42\n")

    with pytest.raises(PluginError, match=r"acme_acme:answer of the plugin acme .* is a int, which cannot be called"):
        resolve_factory(found, "acme_acme:answer")


def test_a_factory_that_exits_is_refused(plugin):
    found = plugin("def __getattr__(name):\n    raise SystemExit(2)\n")

    with pytest.raises(PluginError, match="SystemExit: 2"):
        resolve_factory(found, "acme_acme:Broker")


@pytest.mark.parametrize(
    ("requires", "message"),
    [
        (
            ["acme-sdk>=3"],
            (
                r"it imports acme_sdk, which is not installed \(acme-acme needs acme-sdk>=3\)\. "
                r"Install what it needs: `pip install acme-acme`"
            ),
        ),
        (
            [],
            (
                r"it imports acme_sdk, which is not installed and which acme-acme does not declare\. "
                r"Install the package that provides acme_sdk, and tell the author of acme-acme"
            ),
        ),
    ],
)
def test_a_missing_sdk_is_the_users_to_install_or_the_authors_to_declare(plugin, requires, message):
    found = plugin("def __getattr__(name):\n    import acme_sdk\n", requires=requires)

    with pytest.raises(PluginError, match=message):
        resolve_factory(found, "acme_acme:Broker")


def test_an_editable_plugin_is_mended_in_its_folder_and_not_upgraded(plugin):
    found = attrs.evolve(plugin("def __getattr__(name):\n    raise KeyError(name)\n"), origin="/home/me/acme")

    with pytest.raises(PluginError, match=r"acme_acme\.py:2 in __getattr__\)\. Mend it in /home/me/acme, where") as caught:
        resolve_factory(found, "acme_acme:Broker")

    assert "pip install" not in str(caught.value)


@pytest.mark.parametrize("missing", ["ml4t.live.teleport", "acme_acme"])
def test_a_missing_module_of_an_editable_plugin_is_mended_there_too(plugin, missing):
    found = attrs.evolve(plugin(""), origin="/home/me/acme")

    assert explain(ModuleNotFoundError("...", name=missing), found, found.target).remedy.startswith("Mend it in /home/me/acme")

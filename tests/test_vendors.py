"""The table of docs/vendors.md says what the plugins declare that are installed here."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import attrs
import pytest

from ml4t.live.contracts import BrokerCapabilities
from ml4t.live.plugins import Catalogue, Loaded, resolve_factory
from ml4t.live.records import Component, Kind

PAGE = Path(__file__).parents[1] / "docs" / "vendors.md"
INSTRUMENTS = frozenset({"stocks", "futures", "options", "forex", "crypto", "spot", "margin", "swaps"})
DATA = frozenset({"bars", "trades", "quotes", "funding"})
ACCOUNTS = frozenset({"paper", "live"})
GIVEN = {"exchange": "okx"}
"""What a broker of many exchanges is asked about."""
NOTHING = BrokerCapabilities(order_types=frozenset(), times_in_force=frozenset(), kinds=frozenset())


def table() -> dict[str, dict[str, str]]:
    """Return the cells by plugin and row."""
    lines = [line.strip("|\n ").split(" | ") for line in PAGE.read_text(encoding="utf-8").splitlines() if line.startswith("|")]
    names = [re.findall(r"[\w-]+", cell)[0] for cell in lines[0]]
    rows = {cells[0].strip(): cells[1:] for cells in lines[2:]}
    return {name: {row: cells[place].strip() for row, cells in rows.items()} for place, name in enumerate(names)}


def vendors() -> list[Loaded]:
    """Return the installed plugins that connect to somebody: those that ship a simulator."""
    return [each for each in Catalogue.discover().load_all() if isinstance(each, Loaded) and each.components[Kind.SIMULATOR]]


def capabilities(plugin: Loaded) -> BrokerCapabilities:
    """Return what the broker of a plugin declares, nothing for one without."""
    for record in plugin.components[Kind.BROKER]:
        factory: Any = resolve_factory(plugin.found, record.factory)
        declared = getattr(factory, "capabilities", None)
        if declared is None:
            wanted = [each.name for each in attrs.fields(record.config) if each.default is attrs.NOTHING]
            options = {name: GIVEN.get(name, "x") for name in wanted}
            declared = factory(record.config(**options)).capabilities
        assert isinstance(declared, BrokerCapabilities)
        return declared
    return NOTHING


def words(records: Iterable[Component], known: frozenset[str]) -> set[str]:
    """Return which of these words records declare."""
    return set().union(*(record.capabilities for record in records)) & known


def listed(cell: str) -> set[str]:
    """Return what a cell lists; nothing when it says so."""
    return set() if cell.startswith("none") else set(cell.split(", "))


def test_every_vendor_has_a_column() -> None:
    assert {plugin.found.name for plugin in vendors()} <= table().keys()


@pytest.mark.parametrize("plugin", vendors(), ids=lambda plugin: plugin.found.name)
def test_the_table_says_what_a_plugin_declares(plugin: Loaded) -> None:
    cells, can = table()[plugin.found.name], capabilities(plugin)
    feeds, brokers = plugin.components[Kind.FEED], plugin.components[Kind.BROKER]

    assert listed(cells["instruments"]) == words([*feeds, *brokers], INSTRUMENTS)
    assert listed(cells["data"]) == words(feeds, DATA)
    assert (cells["backfill"] == "yes") == bool(words(feeds, frozenset({"backfill"})))
    assert listed(cells["accounts"]) == words(brokers, ACCOUNTS)
    assert listed(cells["order types"]) == {kind.value.replace("_", " ") for kind in can.order_types}
    assert listed(cells["time in force"]) == {each.value for each in can.times_in_force}
    assert listed(cells["linked orders"]) == {name for name in ("brackets", "oco") if getattr(can, name)}
    assert (cells["replace"] == "yes") == can.replace
    assert (cells["fractions"] == "yes") == can.fractional

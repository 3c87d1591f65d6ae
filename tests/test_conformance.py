"""Every distribution of this repository, its packaging and its rigs, put through the conformance kit."""

from __future__ import annotations

import asyncio
import tomllib
from pathlib import Path

import pytest

from ml4t.live.testing import PluginRig, check_plugin

ROOT = Path(__file__).parents[1]
PROJECTS = [path for room in ("plugins", "contrib") for path in sorted(ROOT.glob(f"{room}/*/pyproject.toml"))]
PLUGINS = [name for path in PROJECTS for name in tomllib.loads(path.read_text())["project"]["entry-points"]["ml4t.live"]]


@pytest.mark.parametrize("plugin", PLUGINS)
def test_a_plugin_is_packaged_as_it_should_be(plugin):
    asyncio.run(check_plugin(lambda: PluginRig(plugin=plugin))).raise_if_failed()


@pytest.mark.parametrize("plugin", ["compound", "python", "replay", "risk", "shadow"])
def test_the_plugins_of_the_core_are_too(plugin):
    asyncio.run(check_plugin(lambda: PluginRig(plugin=plugin))).raise_if_failed()

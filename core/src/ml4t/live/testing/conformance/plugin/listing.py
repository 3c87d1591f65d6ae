"""What listing a plugin costs: everybody who looks at what is installed pays for it."""

from __future__ import annotations

import asyncio
import os
import sys
from asyncio.subprocess import PIPE

from ml4t.live.testing.conformance.plugin.rig import PluginRig, foreign
from ml4t.live.testing.conformance.report import NotConformant
from ml4t.live.testing.conformance.scenario import scenario
from ml4t.live.testing.conformance.waiting import within

SECONDS = 60.0
"""How long a fresh interpreter may take."""
ALLOWED = frozenset({"attr", "attrs", "ml4t"})
"""What a light module may import besides the standard library and its own package."""

_MARK = "== imported by its own modules =="
_LIST = """
import builtins, importlib, sys
from ml4t.live.plugins import Catalogue

plugin, package, mark = sys.argv[1:]
imported, by_statement, by_call = set(), builtins.__import__, importlib.import_module

def note(importer, name):
    if (importer or "").partition(".")[0] == package and not name.startswith("."):
        imported.add(name)

def statement(name, globals=None, locals=None, fromlist=(), level=0):
    note((globals or {}).get("__name__"), "." * level + name)
    return by_statement(name, globals, locals, fromlist, level)

def call(name, package=None):
    note(sys._getframe(1).f_globals.get("__name__"), name)
    return by_call(name, package)

catalogue = Catalogue.discover()
builtins.__import__, importlib.import_module = statement, call
catalogue.load(plugin)
print(mark, *imported, sep="\\n")
"""
"""Notes what the modules of one package import, by statement or by call, while the plugin is listed."""


@scenario()
async def it_is_found_and_can_be_loaded(rig: PluginRig) -> None:
    """Its entry point has a name that a configuration can write, and leads to hooks that return records."""
    rig.loaded()


@scenario(foreign)
async def listing_it_imports_no_sdk(rig: PluginRig) -> None:
    """Its light module, with what it imports of its own package, imports the standard library, attrs and ml4t.live only."""
    imported, _ = await _listed(rig)
    roots = {name.partition(".")[0] for name in imported}
    heavy = roots - ALLOWED - {rig.package()} - sys.stdlib_module_names
    if heavy:
        raise NotConformant(f"listing it imports {', '.join(sorted(heavy))}; import that in the module of the factory")


@scenario()
async def listing_it_says_nothing(rig: PluginRig) -> None:
    """Importing its light module and calling its hooks prints nothing and warns of nothing."""
    _, said = await _listed(rig)
    if said:
        raise NotConformant(f"listing it prints {said!r}")


async def _listed(rig: PluginRig) -> tuple[list[str], str]:
    """List the plugin in a fresh interpreter; return what its own modules imported, and everything that was printed."""
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, sys.path)), "PYTHONDONTWRITEBYTECODE": "1"}
    command = [sys.executable, "-W", "default", "-c", _LIST, rig.loaded().found.name, rig.package(), _MARK]
    process = await asyncio.create_subprocess_exec(*command, env=environment, stdout=PIPE, stderr=PIPE)
    try:
        printed, complained = map(bytes.decode, await within(process.communicate(), "listing it", SECONDS))
    finally:
        if process.returncode is None:
            process.kill()
    said, mark, imported = printed.partition(f"{_MARK}{os.linesep}")
    if not mark:
        raise NotConformant(f"a fresh interpreter cannot list it: {complained.strip()[-500:]}")
    return imported.split(), (said + complained).strip()

"""What the layers may not do, read off the source: nothing here runs the code it judges, except one fresh interpreter."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
import textwrap
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
CORE = ROOT / "core" / "src" / "ml4t" / "live"

CLOCK_KEEPERS = {CORE / "clock.py", CORE / "testing" / "virtual_loop.py"}
"""The only modules that know where time comes from."""

FORBIDDEN = re.compile(
    r"""time(\..+)?
    | (datetime\.)?datetime\.(now|utcnow|today) | datetime\.date\.today
    | asyncio\.(\w+\.)?(sleep|wait_for|timeout|timeout_at)
    | random\.(?!Random(\(|$)).+
    | threading\.Timer | sched(\..+)? | signal\.(alarm|setitimer)""",
    re.VERBOSE,
)
WAITING_METHODS = {"wait", "wait_for"}
"""With an argument, on anything but a clock: a time-out of `threading`, `multiprocessing` or `subprocess`."""
TIMED_METHODS = {"acquire", "communicate", "exception", "get", "join", "put", "result", "run", "wait", "wait_for"}
"""With `timeout=`."""

VENDORS = {"ib", "alpaca", "databento", "ccxt", "okx", "binance"}
KNOWN = CORE / "plugins" / "known.py"
OPTIONAL = {"pyarrow"}
"""Imported inside functions only."""
PYTEST_ROOM = CORE / "testing" / "suites.py"
"""The only module that may import pytest: nobody imports it but tests."""


def sources(*folders: Path) -> list[Path]:
    return sorted(path for folder in folders for path in folder.rglob("*.py") if "__pycache__" not in path.parts)


def parse(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"), filename=str(path))


def shown(path: Path) -> str:
    return str(path.relative_to(ROOT))


# --- (a) time and chance -------------------------------------------------------------------------------------------------


def imported_names(tree: ast.AST) -> dict[str, str]:
    """Return what every imported name stands for: `{"dt": "datetime.datetime"}` after `from datetime import datetime as dt`."""
    names = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                names[alias.asname or alias.name.partition(".")[0]] = (
                    alias.name if alias.asname else alias.name.partition(".")[0]
                )
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            names.update({alias.asname or alias.name: f"{node.module}.{alias.name}" for alias in node.names})
    return names


def dotted(node: ast.AST) -> str:
    """Return `a.b.c` of an attribute chain, with `()` for a call in it; empty when it is something else."""
    if isinstance(node, ast.Name):
        return node.id
    if isinstance(node, ast.Attribute):
        return f"{inner}.{node.attr}" if (inner := dotted(node.value)) else ""
    if isinstance(node, ast.Call):
        return f"{inner}()" if (inner := dotted(node.func)) else ""
    return ""


def resolved(node: ast.AST, names: dict[str, str]) -> str:
    first, _, rest = dotted(node).partition(".")
    return ".".join(filter(None, (names.get(first, ""), rest))) if first in names else ""


def time_faults(tree: ast.AST) -> list[str]:
    """Return every place where the source reads a clock, waits, or draws a random number behind the Clock's back."""
    names = imported_names(tree)
    faults = []
    for node in ast.walk(tree):
        reason = ""
        if isinstance(node, ast.Import):
            reason = ", ".join(a.name for a in node.names if FORBIDDEN.fullmatch(a.name))
        elif isinstance(node, ast.ImportFrom) and not node.level:
            reason = ", ".join(w for a in node.names if FORBIDDEN.fullmatch(w := f"{node.module}.{a.name}"))
        elif isinstance(node, ast.Attribute):
            reason = name if FORBIDDEN.fullmatch(name := resolved(node, names)) else ""
        elif isinstance(node, ast.Call):
            reason = call_fault(node, names)
        if reason:
            faults.append(f"line {node.lineno}: {reason}")
    return faults


def call_fault(call: ast.Call, names: dict[str, str]) -> str:
    if resolved(call.func, names) == "random.Random" and not call.args:
        return "random.Random() without a seed"
    if not isinstance(call.func, ast.Attribute):
        return ""
    method, owner = call.func.attr, dotted(call.func.value)
    last = owner.rpartition(".")[2].lower()
    if method in {"call_later", "call_at"} or (method == "time" and "loop" in last):
        return f"{owner}.{method}()"
    if not last.endswith("clock") and has_timeout(method, call, names.get(owner, owner)):
        return f"{owner}.{method}() with a time-out"
    return ""


def has_timeout(method: str, call: ast.Call, owner: str) -> bool:
    if method in TIMED_METHODS and any(keyword.arg == "timeout" for keyword in call.keywords):
        return True
    if method in WAITING_METHODS and call.args:
        return owner != "asyncio"
    joined = call.args[0] if method == "join" and call.args else None
    return isinstance(joined, ast.Constant) and not isinstance(joined.value, str)


@pytest.mark.parametrize(
    "source",
    [
        "import time",
        "import time as t",
        "import os, time",
        "from time import monotonic",
        "def f():\n    import time",
        "from datetime import datetime\ndatetime.now(UTC)",
        "from datetime import datetime as dt\nx = dt.now",
        "import datetime\ndatetime.datetime.utcnow()",
        "import datetime as d\nd.datetime.today()",
        "from datetime import date\ndate.today()",
        "import datetime\ndatetime.date.today()",
        "import asyncio\nasync def f():\n    await asyncio.sleep(1)",
        "import asyncio as a\nasync def f():\n    await a.sleep(1)",
        "import asyncio\nnap = asyncio.sleep",
        "from asyncio import sleep",
        "from asyncio import wait_for as patience",
        "import asyncio\nasyncio.wait_for(x, 1)",
        "import asyncio\nasyncio.timeout(1)",
        "import asyncio\nasyncio.timeout_at(1)",
        "import asyncio\nasyncio.tasks.sleep(1)",
        "from asyncio.timeouts import timeout",
        "import asyncio\nasyncio.wait({x}, timeout=1)",
        "loop.time()",
        "self._loop.time()",
        "import asyncio\nasyncio.get_running_loop().time()",
        "loop.call_later(1, f)",
        "asyncio.get_running_loop().call_at(1, f)",
        "event.wait(1)",
        "self._stop.wait(timeout=1)",
        "condition.wait_for(ready, 5)",
        "queue.get(timeout=1)",
        "queue.put(x, timeout=1)",
        "lock.acquire(timeout=1)",
        "thread.join(5)",
        "thread.join(timeout=limit)",
        "future.result(timeout=1)",
        "import subprocess\nsubprocess.run(x, timeout=5)",
        "import threading\nthreading.Timer(1, f)",
        "from threading import Timer",
        "import random\nrandom.random()",
        "import random as r\nr.choice(x)",
        "from random import uniform",
        "import random\nrandom.SystemRandom()",
        "import random\nrng = random.Random()",
        "import sched",
        "import signal\nsignal.alarm(1)",
    ],
)
def test_the_time_lint_catches(source):
    assert time_faults(ast.parse(source))


@pytest.mark.parametrize(
    "source",
    [
        "await self._clock.sleep(1)",
        "async def f(clock):\n    async with clock.timeout(1):\n        pass",
        "self._clock.wait(self._stop, 0.5)",
        "clock.wait(event, seconds)",
        "clock.now(); clock.monotonic()",
        "import asyncio\nasyncio.wait({a, b}, return_when=asyncio.FIRST_COMPLETED)",
        "await event.wait()",
        "from datetime import datetime, time\ndatetime.fromtimestamp(0, UTC).time()",
        "from datetime import datetime, timedelta\ndatetime.combine(day, moment)",
        "', '.join(x); path.join(a, b)",
        "mapping.get(key, 1); queue.get(); future.result()",
        "import random\ndef f(rng: random.Random, seed: int):\n    return rng.random() + random.Random(seed).random()",
        "from ml4t.live.times import NANOS",
        "from .time import x",
        "def time(): ...\ntime()",
    ],
)
def test_the_time_lint_lets_pass(source):
    assert not time_faults(ast.parse(source))


@pytest.mark.parametrize("path", [p for p in sources(CORE) if p not in CLOCK_KEEPERS], ids=shown)
def test_core_waits_and_reads_time_through_the_clock_only(path):
    assert not time_faults(parse(path)), f"{shown(path)} goes behind the Clock"


@pytest.mark.parametrize("path", sorted(CLOCK_KEEPERS), ids=shown)
def test_the_exceptions_exist(path):
    assert path.is_file()


# --- (b) core knows no plugin and no vendor -------------------------------------------------------------------------------


def core_dependencies() -> set[str]:
    project = tomllib.loads((ROOT / "core" / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    names = {re.split(r"[^\w-]", line)[0].replace("-", "_") for line in project["dependencies"]}
    return names | ({"attr"} if "attrs" in names else set())


def imports(tree: ast.AST, *, lazy: bool) -> list[tuple[int, str]]:
    """Return (line, module) of every import; without `lazy` only of those that run when the module is imported."""
    found = []
    for node in tree.body if isinstance(tree, ast.Module) else list(ast.iter_child_nodes(tree)):
        if isinstance(node, ast.Import):
            found += [(node.lineno, alias.name) for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            found += [(node.lineno, "." * node.level + (node.module or ""))]
            if node.module == "ml4t":
                found += [(node.lineno, f"ml4t.{alias.name}") for alias in node.names]
        elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda) and not lazy:
            continue
        elif isinstance(node, ast.If) and "TYPE_CHECKING" in ast.dump(node.test) and not lazy:
            found += [entry for other in node.orelse for entry in imports(ast.Module([other], []), lazy=lazy)]
        else:
            found += imports(node, lazy=lazy)
    return found


def import_faults(tree: ast.Module, allowed: set[str]) -> list[str]:
    def is_allowed(module: str, names: set[str]) -> bool:
        top = module.partition(".")[0]
        if top == "ml4t":
            return module in {"ml4t", "ml4t.live"} or module.startswith("ml4t.live.")
        return top in sys.stdlib_module_names or top in names

    eager = set(imports(tree, lazy=False))
    everywhere = set(imports(tree, lazy=True))
    faults = {entry for entry in eager if not is_allowed(entry[1], allowed)}
    faults |= {entry for entry in everywhere if not is_allowed(entry[1], allowed | OPTIONAL)}
    return [f"line {line}: {module or 'a relative import'}" for line, module in sorted(faults)]


def words(text: str) -> set[str]:
    """Return the words in an identifier or a text: `IBBroker`, `ib_async` and `pip install ml4t-live-ib` all have `ib`."""
    pieces = re.findall(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+", re.sub(r"([A-Z]+)([A-Z][a-z])", r"\1 \2", text))
    return {piece.lower() for piece in pieces}


def vendor_faults(tree: ast.Module) -> list[str]:
    """Return where an identifier or a text, other than a docstring, has a vendor's name in it."""
    prose = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)}
    faults = []
    for node in ast.walk(tree):
        texts = [value for _, value in ast.iter_fields(node) if isinstance(value, str)]
        texts += [
            value for _, value in ast.iter_fields(node) if isinstance(value, list) for value in value if isinstance(value, str)
        ]
        if isinstance(node, ast.Constant) and isinstance(node.value, bytes):
            texts.append(node.value.decode("latin-1"))
        if id(node) in prose:
            continue
        if named := VENDORS.intersection(*[set().union(*map(words, texts))]):
            faults.append(f"line {getattr(node, 'lineno', '?')}: {', '.join(sorted(named))}")
    return faults


@pytest.mark.parametrize(
    "source",
    [
        "import ml4t_live_ib",
        "from ib_async import IB",
        "def f():\n    import pandas",
        "def f():\n    from ml4t.backtest import Strategy",
        "from ml4t import backtest",
        "import numpy as np",
        "if TYPE_CHECKING:\n    import polars",
        "import pyarrow",
        "try:\n    import pyarrow.parquet\nexcept ImportError: ...",
        "class A:\n    import pyarrow",
        "from . import x",
    ],
)
def test_the_import_lint_catches(source):
    assert import_faults(ast.parse(source), {"attrs"})


@pytest.mark.parametrize(
    "source",
    [
        "import os, attrs",
        "def f():\n    import pyarrow.parquet as pq",
        "from ml4t.live.clock import Clock",
        "import ml4t.live.times",
    ],
)
def test_the_import_lint_lets_pass(source):
    assert not import_faults(ast.parse(source), {"attrs"})


@pytest.mark.parametrize(
    "source",
    [
        "class IBBroker: ...",
        "def connect_ib(): ...",
        "def f(alpaca): ...",
        "x = f(okx=1)",
        "x.databento",
        "x = 'pip install ml4t-live-ccxt'",
        "x = f'{name} on Binance'",
        "x = b'okx'",
        "import os as ib",
        "global ccxt",
    ],
)
def test_the_vendor_lint_catches(source):
    assert vendor_faults(ast.parse(source))


@pytest.mark.parametrize(
    "source",
    [
        '"""Made for ib and alpaca."""',
        "x = 1\n'''As okx does.'''",
        "# ccxt",
        "contributor = 'contrib'; calibrate = 'fib'",
        "BIB = ibid",
    ],
)
def test_the_vendor_lint_lets_pass(source):
    assert not vendor_faults(ast.parse(source))


@pytest.mark.parametrize("path", sources(CORE), ids=shown)
def test_core_imports_its_dependencies_and_nothing_else(path):
    allowed = core_dependencies() | ({"pytest"} if path == PYTEST_ROOM else set())
    assert not import_faults(parse(path), allowed), f"{shown(path)} imports what core does not depend on"


def test_nothing_in_core_imports_the_suites():
    module = ".".join(("ml4t.live", *PYTEST_ROOM.relative_to(CORE).with_suffix("").parts))
    assert PYTEST_ROOM.is_file()
    for path in sources(CORE):
        assert module not in {name for _, name in imports(parse(path), lazy=True)}, shown(path)


@pytest.mark.parametrize("path", [p for p in sources(CORE) if p != KNOWN], ids=shown)
def test_core_names_no_vendor(path):
    assert not vendor_faults(parse(path)), f"{shown(path)} names a vendor; only {shown(KNOWN)} may"


# --- (c) importing it is light --------------------------------------------------------------------------------------------

HEAVY = {
    *("pandas", "polars", "numpy", "pyarrow", "ib_async", "alpaca", "databento", "ccxt", "okx", "binance"),
    *("typer", "rich", "structlog", "cattrs"),
}


def test_importing_ml4t_live_loads_nothing_heavy(capsys):
    code = """
        import sys
        before = set(sys.modules)
        import ml4t.live
        print(*sorted(set(sys.modules) - before))
    """
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(code)], capture_output=True, text=True, check=True, timeout=300
    )
    loaded = done.stdout.split()
    with capsys.disabled():
        print(f"\nimport ml4t.live loads {len(loaded)} modules")
    tops = {name.partition(".")[0] for name in loaded}
    assert "ml4t" in tops
    assert not tops & HEAVY
    assert not {top for top in tops if top.startswith("ml4t_live")}
    assert "ml4t.backtest" not in loaded


# --- (d) how distributions share the name ---------------------------------------------------------------------------------

DISTRIBUTIONS = sorted(path.parent for folder in ("plugins", "contrib") for path in (ROOT / folder).glob("*/pyproject.toml"))
LIGHT = [
    path
    for folder in DISTRIBUTIONS
    for name in ("plugin.py", "config.py", "simulator/__init__.py", "simulator/config.py")
    for path in folder.glob(f"src/*/{name}")
]


def light_faults(tree: ast.Module, package: str) -> list[str]:
    """Return what a plugin's light module loads beyond the standard library, attrs, core and its own light half."""

    def is_light(module: str) -> bool:
        top = module.partition(".")[0]
        if top in sys.stdlib_module_names or top in {"attr", "attrs"}:
            return True
        own = {f"{package}.config", f"{package}.plugin", f"{package}.simulator.config", ".config", ".plugin"}
        return module in own or module == "ml4t.live" or module.startswith("ml4t.live.")

    return [f"line {line}: {module}" for line, module in imports(tree, lazy=False) if not is_light(module)]


def test_the_light_lint():
    assert light_faults(ast.parse("import ccxt"), "ml4t_live_x")
    assert light_faults(ast.parse("try:\n    import ccxt\nexcept ImportError: ..."), "ml4t_live_x")
    assert light_faults(ast.parse("from ml4t_live_x.feed import Feed"), "ml4t_live_x")
    assert light_faults(ast.parse("from ml4t_live_y.config import C"), "ml4t_live_x")
    assert light_faults(ast.parse("from ml4t.backtest import Strategy"), "ml4t_live_x")
    fine = "import os, attrs\nfrom ml4t.live.records import R\nfrom ml4t_live_x.config import C\ndef f():\n    import ccxt"
    assert not light_faults(ast.parse(fine), "ml4t_live_x")


def test_ml4t_stays_a_namespace():
    assert not list(ROOT.glob("*/src/ml4t/__init__.py"))
    assert not list(ROOT.glob("*/*/src/ml4t"))


@pytest.mark.parametrize("folder", DISTRIBUTIONS, ids=shown)
def test_a_plugin_is_one_top_level_package(folder):
    packages = [
        path.name for path in (folder / "src").iterdir() if path.is_dir() and not path.name.endswith((".egg-info", "__"))
    ]
    assert len(packages) == 1
    if folder.parent.name == "plugins":
        assert packages[0].startswith("ml4t_live_")


@pytest.mark.parametrize("path", LIGHT, ids=shown)
def test_a_plugins_light_modules_are_light(path):
    package = path.parent.name if path.parent.name != "simulator" else path.parents[1].name
    assert not light_faults(parse(path), package), f"{shown(path)} is imported before anybody knows whether it is used"


# --- (e) tests use fakes ---------------------------------------------------------------------------------------------------


def mock_faults(tree: ast.Module) -> list[str]:
    faults = [f"line {line}" for line, module in imports(tree, lazy=True) if module in {"unittest.mock", "mock", "pytest_mock"}]
    froms = [node for node in ast.walk(tree) if isinstance(node, ast.ImportFrom) and node.module == "unittest"]
    return faults + [f"line {node.lineno}" for node in froms if any(alias.name == "mock" for alias in node.names)]


TESTS = sources(ROOT / "core" / "tests", ROOT / "tests", *(folder / "tests" for folder in DISTRIBUTIONS))


@pytest.mark.parametrize(
    "source", ["import unittest.mock", "from unittest import mock", "def f():\n    from unittest.mock import Mock"]
)
def test_the_mock_lint(source):
    assert mock_faults(ast.parse(source))


@pytest.mark.parametrize("path", TESTS, ids=shown)
def test_no_test_imports_mock(path):
    assert not mock_faults(parse(path))

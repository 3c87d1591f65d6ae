"""The page of controls says what the code does: every row, class, key and code of it exists, and every claim is on it."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import attrs

from ml4t.live.risk import checks
from ml4t.live.risk.config import LiveRiskConfig

ROOT = Path(__file__).parents[3]
SOURCE = ROOT / "core" / "src"

CLAIM = re.compile(r"rows? ((?:\d+(?:, | and )?)+) of\s+the\s+table\s+of\s+controls")


def read_table():
    lines = (ROOT / "docs" / "controls.md").read_text(encoding="utf-8").splitlines()
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines if re.match(r"\| \d+ \|", line)]
    return {int(number): (where, names(keys), names(codes)) for number, _, where, keys, codes in rows}, len(rows)


def names(cell):
    return re.findall(r"`([^`]+)`", cell)


TABLE, ROWS = read_table()
BUILT = {number: names(where) for number, (where, _, _) in TABLE.items() if not where.startswith("not built: ")}


def module_of(name):
    if name.startswith("ml4t."):
        return name
    return getattr(checks, name).__module__


def claims():
    """Return the rows that docstrings claim: by module, and by class where it is the class's own."""
    found = {}
    for path in (SOURCE / "ml4t" / "live").rglob("*.py"):
        module = ".".join(path.relative_to(SOURCE).with_suffix("").parts)
        tree = ast.parse(path.read_text(encoding="utf-8"))
        for node in [tree, *(node for node in tree.body if isinstance(node, ast.ClassDef))]:
            for claim in CLAIM.findall(ast.get_docstring(node) or ""):
                found.setdefault(module, set()).update(map(int, re.findall(r"\d+", claim)))
    return found


def test_every_row_is_there_once():
    assert list(TABLE) == list(range(1, 54))
    assert ROWS == 53


def test_forty_and_more_are_built():
    assert len(BUILT) >= 40
    assert all(BUILT.values())


def test_whatever_is_named_exists():
    keys = {field.name for field in attrs.fields(LiveRiskConfig)}
    text = "\n".join(path.read_text(encoding="utf-8") for path in (SOURCE / "ml4t" / "live").rglob("*.py"))
    for number, (_, used, codes) in TABLE.items():
        for name in BUILT.get(number, ()):
            if name.endswith(".py"):
                assert (ROOT / name).is_file(), (number, name)
            elif name.startswith("ml4t."):
                assert (SOURCE / name.replace(".", "/")).with_suffix(".py").is_file(), (number, name)
            else:
                assert name in checks.__all__, (number, name)
        assert set(used) <= keys, (number, used)
        assert all(f'"{code}"' in text for code in codes), (number, codes)


def test_every_row_of_the_table_is_claimed_where_it_is_said_to_be():
    claimed = claims()
    for number, where in BUILT.items():
        for name in where:
            if not name.endswith(".py"):
                assert number in claimed.get(module_of(name), ()), (number, name)


def test_every_claim_is_in_the_table():
    for module, rows in claims().items():
        for number in rows:
            assert module in map(module_of, BUILT[number]), (module, number)


def test_every_check_and_every_limit_is_in_the_table():
    named = {name for where in BUILT.values() for name in where}
    assert set(checks.__all__) - {"standard_checks"} - named == set()
    keys = {key for _, used, _ in TABLE.values() for key in used}
    assert {field.name for field in attrs.fields(LiveRiskConfig)} - keys == {
        "execution_mode",
        "on_breach",
    }

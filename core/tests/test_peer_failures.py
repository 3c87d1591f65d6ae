"""Every failure of other systems that docs/failures.md lists has the test that it names."""

from __future__ import annotations

import ast
import re
from pathlib import Path

ROOT = Path(__file__).parent.parent.parent
TABLE = ROOT / "docs" / "failures.md"


def names_in(path):
    tree = ast.parse(path.read_text("utf-8"))
    return {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)}


def test_every_failure_has_its_test():
    named = re.findall(r"`([\w/]+\.py)::(test_\w+)`", TABLE.read_text("utf-8"))
    assert len(named) > 60
    assert [f"{path}::{test}" for path, test in named if test not in names_in(ROOT / path)] == []

"""Puts the helpers of this folder, and those of the engine's tests, where its tests can import them."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

HERE = Path(__file__).parent
sys.path[:0] = [str(HERE), str(HERE.parent / "engine")]


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A state directory, with the modules of the strategies beside it."""
    monkeypatch.chdir(HERE)
    return tmp_path / "state"

"""Lets the tests of this folder share `llm_kit`."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from agent_llm.stub import Stub


@pytest.fixture
def stub():
    """A server of chat completions."""
    with Stub() as server:
        yield server

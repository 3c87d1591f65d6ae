"""How often the garbage collector comes round during a run, and that the process gets its own settings back."""

from __future__ import annotations

import asyncio
import gc

import pytest
from engine_kit import Diary, run_list, trade

from ml4t.live.engine.collector import YOUNG


@pytest.fixture
def thresholds():
    before = gc.get_threshold()
    yield
    gc.set_threshold(*before)


@pytest.mark.parametrize(
    ("mine", "during"), [((700, 10, 10), YOUNG), ((50_000, 5, 5), 50_000), ((0, 10, 10), 0)], ids=["usual", "rarer", "off"]
)
def test_a_run_collects_rarely_and_leaves_the_process_as_it_was(tmp_path, thresholds, mine, during):
    gc.set_threshold(*mine)
    seen = []
    asyncio.run(run_list(Diary(lambda *_: seen.append(gc.get_threshold())), [trade("A", 1, 100.0)], tmp_path))
    assert seen == [(during, *mine[1:])]
    assert gc.get_threshold() == mine

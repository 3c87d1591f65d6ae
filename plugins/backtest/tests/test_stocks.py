"""The example: three strategies on thirteen years of five real stocks."""

from __future__ import annotations

import asyncio
import re
import subprocess
import sys
from pathlib import Path

import pytest
from ml4t.backtest import DataFeed, Engine

from ml4t.live import compose
from ml4t.live.journal import JournalReader
from ml4t_live_backtest.host import read_config

ROOT = Path(__file__).parents[3]
EXAMPLE = ROOT / "examples" / "backtest"


def test_every_strategy_does_the_same_in_both_engines_to_the_last_bit():
    done = subprocess.run([sys.executable, "parity.py"], cwd=EXAMPLE, capture_output=True, text=True, check=False, timeout=300)
    assert done.returncode == 0, done.stderr
    signals, *found = done.stdout.splitlines()
    assert signals == "every signal looks back, at no more bars than it gets"
    names, callbacks, fills, verdicts = zip(*(re.split(r": | callbacks, | fills,.*: ", line) for line in found), strict=True)
    assert names == ("Cross", "Rotation", "Dip")
    assert set(callbacks) == {"3272"}
    assert all(int(count) > 100 for count in fills)
    assert set(verdicts) == {"PASS"}
    for page in (ROOT / "README.md", ROOT / "plugins" / "backtest" / "README.md"):
        assert done.stdout in page.read_text(encoding="utf-8"), page


def test_the_configuration_in_shadow_mode_trades_as_the_backtest_with_signals_made_live(tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(str(EXAMPLE))
    import parity
    import strategies

    recording, config = parity.read(), read_config(EXAMPLE / "backtest.yaml")
    there = Engine(
        DataFeed(prices_df=recording.prices, signals_df=recording.signals, entity_col="asset"), strategies.Cross(), config
    )
    there.run()

    here = compose(EXAMPLE / "shadow.toml", state_dir=tmp_path)
    asyncio.run(here.run())

    with JournalReader(here.state_folder.journal) as journal:
        assert list(journal.records("error")) == []
        fills = [(fill.symbol, fill.side.name, fill.quantity, fill.price, fill.commission) for fill in journal.fills()]
    assert len(fills) == 156
    assert fills == [(fill.asset, fill.side.name, fill.quantity, fill.price, fill.commission) for fill in there.broker.fills]
    assert here.core.desk.portfolio.equity == pytest.approx(there.equity_curve[-1][1], rel=1e-9)

"""Three strategies on thirteen years of five real stocks: backtest and live engine, to the last bit."""

from pathlib import Path

import features
import polars as pl
import strategies

from ml4t.live.demo import CONFIG
from ml4t_live_backtest.frames import read_frame
from ml4t_live_backtest.host import read_config
from ml4t_live_backtest.parity import Recording, check_parity
from ml4t_live_backtest.signals import check_signals, signals_frame

HERE = Path(__file__).parent
FUNCTIONS = {name: getattr(features, name) for name in ("fast", "slow", "momentum", "stretch")}


def adjusted(bars: pl.DataFrame) -> pl.DataFrame:
    """Return bars in which a split does not look like a crash, as the replay feed makes them with `adjust = true`."""
    close, scaled = pl.col("close"), pl.col("adj close")
    factor = scaled / close
    prices = [
        pl.when(pl.col(name) == close).then(scaled).otherwise(pl.col(name) * factor).alias(name)
        for name in ("open", "high", "low", "close")
    ]
    return bars.with_columns(*prices, volume=pl.col("volume") / factor).drop("adj close").sort("timestamp")


def read() -> Recording:
    """Return bars and signals."""
    bars = adjusted(read_frame(CONFIG.with_name("stocks.csv.gz")))
    print(check_signals(bars, FUNCTIONS) or "every signal looks back, at no more bars than it gets")
    return Recording(bars, signals_frame(bars, FUNCTIONS))


if __name__ == "__main__":
    recording, config = read(), read_config(HERE / "backtest.yaml")
    for make in (strategies.Cross, strategies.Rotation, strategies.Dip):
        found = check_parity(make, recording, config)
        run = found.live
        verdict = "PASS" if found.passed else f"FAIL {found.divergence} {found.books}"
        print(
            f"{make.__name__}: {len(run.calls)} callbacks, {len(run.fills)} fills, equity {run.equity[-1][1]:,.2f}: {verdict}"
        )

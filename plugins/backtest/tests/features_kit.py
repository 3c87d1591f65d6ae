"""Feature functions, good and bad, and bars to try them on."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta

import numpy as np
import polars as pl

START = datetime(2024, 1, 2, tzinfo=UTC)


def table(assets=("A", "B"), bars=60, seed=1, start=START):
    """Return daily bars of random walks."""
    rng = random.Random(seed)
    price = dict.fromkeys(assets, 100.0)
    rows = []
    for day in range(bars):
        for asset in assets:
            opened, price[asset] = price[asset], price[asset] * rng.uniform(0.97, 1.03)
            high, low = max(opened, price[asset]) + rng.random(), min(opened, price[asset]) - rng.random()
            rows.append((start + timedelta(days=day), asset, opened, high, low, price[asset], float(rng.randrange(1, 1_000))))
    names = ["timestamp", "asset", "open", "high", "low", "close", "volume"]
    return pl.DataFrame(rows, schema=names, orient="row")


def mean_5(bars):
    """A column of a table."""
    return bars["close"].rolling_mean(5)


def momentum(bars):
    """An expression."""
    return pl.col("close") / pl.col("close").shift(3) - 1.0


def weekday(bars):
    """A number that depends on the timestamps."""
    return bars["timestamp"].dt.weekday()[-1]


def band(bars):
    """Several columns by name."""
    mean, spread = bars["close"].rolling_mean(5), bars["close"].rolling_std(5)
    return {"upper": mean + 2.0 * spread, "lower": mean - 2.0 * spread}


def with_columns(bars):
    """A table with its own columns and another."""
    return bars.with_columns(spread=pl.col("high") - pl.col("low"))


def array(bars):
    """A column of numpy."""
    return np.cumsum(bars["volume"].to_numpy()[::-1])[::-1] * 0.0 + bars["close"].to_numpy()


def count(bars):
    """A number that tells how many bars there are."""
    return bars.height


def tomorrow(bars):
    """It looks ahead: the close of the next bar."""
    return bars["close"].shift(-1)


def centred(bars):
    """It looks ahead, hidden in a mean."""
    return bars["close"].rolling_mean(5, center=True)


def normalised(bars):
    """It looks ahead: the mean is that of the whole table."""
    return bars["close"] / bars["close"].mean()


def slow(bars):
    """It forgets too slowly for few bars."""
    return bars["close"].ewm_mean(span=30, adjust=False)


def fails(bars):
    """It divides by zero."""
    return 1 / 0


def short(bars):
    """It drops rows, so that the last is not the newest."""
    return bars["close"].rolling_mean(5).drop_nulls()


def text(bars):
    """It says something."""
    return "buy"


def infinite(bars):
    """It divides by zero and does not tell."""
    return pl.col("close") / 0.0


def same(bars):
    """It returns what it was given."""
    return bars


def close(bars):
    """The newest close."""
    return bars["close"]


def first_hour(bars):
    """The hour at which the oldest bar begins."""
    return bars["timestamp"].dt.hour()[0]


VALUES = ("open", "high", "low", "close", "volume")


def engineered(bars):
    """A feature of ml4t-engineer as its functions make it: an expression."""
    from ml4t.engineer.features.momentum import rsi

    return rsi("close", 14)

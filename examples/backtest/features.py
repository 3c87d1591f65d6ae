"""What the strategies look at, from the last bars of one asset: the same functions for the backtest and live."""

import polars as pl


def fast(bars: pl.DataFrame) -> pl.Series:
    return bars["close"].rolling_mean(20)


def slow(bars: pl.DataFrame) -> pl.Series:
    return bars["close"].rolling_mean(100)


def momentum(bars: pl.DataFrame) -> pl.Expr:
    """The return of half a year without its last month."""
    return pl.col("close").shift(21) / pl.col("close").shift(126) - 1.0


def stretch(bars: pl.DataFrame) -> pl.Series:
    """How many standard deviations the close is away from its mean."""
    close = bars["close"]
    return (close - close.rolling_mean(20)) / close.rolling_std(20)

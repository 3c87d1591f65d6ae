"""Bars made from ticks or smaller bars, and bars of several symbols brought together by time."""

from ml4t.live.bars.aggregator import BarAggregator
from ml4t.live.bars.buffer import BarBuffer, BarGroup

__all__ = ["BarAggregator", "BarBuffer", "BarGroup"]

"""Alpaca for ml4t-live: broker, feed and simulator."""

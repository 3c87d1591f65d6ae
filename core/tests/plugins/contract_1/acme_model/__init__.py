"""A feed, a forecaster and an observer."""

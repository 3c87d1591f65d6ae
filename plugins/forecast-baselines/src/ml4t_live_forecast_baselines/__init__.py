"""Baseline forecasters for ml4t-live: what every other forecaster is scored against."""

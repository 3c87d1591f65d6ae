"""Runs an ml4t-backtest strategy unchanged on a live market."""

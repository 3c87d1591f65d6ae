"""Kills a trading process at every write and every message, and compares what is left with the venue's books."""

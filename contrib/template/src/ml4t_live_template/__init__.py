"""Writes a new plugin for ml4t-live."""

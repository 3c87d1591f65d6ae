"""For tests: its author forgot @hookimpl."""

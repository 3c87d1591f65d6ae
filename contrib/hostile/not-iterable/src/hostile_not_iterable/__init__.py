"""For tests: its hook returns one record instead of a list."""

"""For tests: its hook raises."""

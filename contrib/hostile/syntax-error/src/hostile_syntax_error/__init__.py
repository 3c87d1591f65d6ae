"""For tests: its module is not Python."""

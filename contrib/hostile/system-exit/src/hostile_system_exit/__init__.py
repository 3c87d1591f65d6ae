"""For tests: its module ends the process."""

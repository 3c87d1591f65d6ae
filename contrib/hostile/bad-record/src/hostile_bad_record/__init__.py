"""For tests: its record has a name that no configuration could write."""

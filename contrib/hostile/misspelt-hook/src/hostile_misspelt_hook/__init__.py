"""For tests: it implements a hook that does not exist."""

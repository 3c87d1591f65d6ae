"""For tests: it needs a core that does not exist yet."""

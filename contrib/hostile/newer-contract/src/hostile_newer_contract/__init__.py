"""For tests: it was written against contracts that do not exist yet."""

"""For tests: it does not say which core it needs."""

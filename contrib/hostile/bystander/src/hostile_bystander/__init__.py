"""For tests: a plugin that behaves, and must not be disturbed by the others."""

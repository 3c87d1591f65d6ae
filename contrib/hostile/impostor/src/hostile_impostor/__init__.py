"""For tests: it registers a name of core's own."""

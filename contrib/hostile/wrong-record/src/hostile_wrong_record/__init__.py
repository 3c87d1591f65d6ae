"""For tests: it returns a broker from the hook for feeds."""

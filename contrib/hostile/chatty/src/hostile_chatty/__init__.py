"""For tests: it prints on stdout whenever it can."""

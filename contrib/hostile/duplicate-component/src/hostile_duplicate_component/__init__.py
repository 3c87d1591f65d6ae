"""For tests: it offers two triggers of one name."""

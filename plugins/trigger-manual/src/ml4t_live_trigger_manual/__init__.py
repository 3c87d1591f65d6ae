"""A manual trigger for ml4t-live."""

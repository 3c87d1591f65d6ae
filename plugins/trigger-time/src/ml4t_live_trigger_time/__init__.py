"""A time trigger for ml4t-live."""

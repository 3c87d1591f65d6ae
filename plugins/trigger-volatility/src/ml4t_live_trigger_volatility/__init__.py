"""A volatility trigger for ml4t-live."""

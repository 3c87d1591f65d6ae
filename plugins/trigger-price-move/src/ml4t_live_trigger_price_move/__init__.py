"""A price-move trigger for ml4t-live."""

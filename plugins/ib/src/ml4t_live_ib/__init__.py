"""Interactive Brokers for ml4t-live."""

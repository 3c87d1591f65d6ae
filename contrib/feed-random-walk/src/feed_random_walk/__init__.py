"""A seeded synthetic feed for ml4t-live."""

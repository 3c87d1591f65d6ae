"""A risk check for ml4t-live that caps the weight of each sector."""

"""A trigger for ml4t-live whose threshold learns while it runs."""

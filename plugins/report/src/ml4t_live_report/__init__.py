"""A session of ml4t-live as one HTML file."""

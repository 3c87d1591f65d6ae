"""An observer for ml4t-live that writes what happens to CSV files."""

"""A volume-spike trigger for ml4t-live."""

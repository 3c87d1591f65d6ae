"""Alpha Vantage for ml4t-live: bars, polled within the limits of the key."""

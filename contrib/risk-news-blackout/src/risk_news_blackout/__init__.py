"""A risk check for ml4t-live that opens no positions around the events of a calendar file."""

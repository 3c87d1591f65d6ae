"""For tests: its module asks core for something that is not there."""

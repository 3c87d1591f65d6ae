"""For tests: its factory names something that is not there."""

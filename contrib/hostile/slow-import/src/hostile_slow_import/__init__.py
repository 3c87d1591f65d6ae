"""For tests: its module takes longer to import than it may."""

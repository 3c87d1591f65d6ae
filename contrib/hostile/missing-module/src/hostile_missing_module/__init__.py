"""For tests: its entry point names a module that is not in the wheel."""

"""For tests: its module imports a package that it never declared."""

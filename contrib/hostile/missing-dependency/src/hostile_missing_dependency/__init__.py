"""For tests: its module imports a package that it declares and that nobody installed."""

"""For tests: its factory imports a vendor's SDK that is not installed."""

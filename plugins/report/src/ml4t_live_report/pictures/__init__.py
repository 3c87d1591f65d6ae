"""The pictures of a report, one to a module."""

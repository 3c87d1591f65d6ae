"""It registers a name of core's own."""

raise AssertionError("an impostor must not be imported")

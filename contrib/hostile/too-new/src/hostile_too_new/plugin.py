"""It needs a core that does not exist yet."""

raise AssertionError("a plugin for another core must not be imported")

"""Two distributions register the plugin name `duplicate`; this is one of them."""

raise AssertionError("neither claimant of a name may be imported")

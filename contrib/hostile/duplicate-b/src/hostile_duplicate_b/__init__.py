"""For tests: two distributions register the plugin name `duplicate`; this is one of them."""

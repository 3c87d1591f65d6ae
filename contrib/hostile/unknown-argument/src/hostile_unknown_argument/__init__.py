"""For tests: its hook asks for an argument that hook is not given."""

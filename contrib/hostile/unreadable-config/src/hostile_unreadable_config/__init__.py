"""For tests: the class of its settings names a type that is not there."""

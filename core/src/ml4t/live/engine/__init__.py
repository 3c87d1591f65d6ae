"""The engine: one thread, one clock, and everything on the way of an event."""

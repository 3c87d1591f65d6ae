"""Orders: their identity, the book of them, and the desk through which every one passes."""

"""A risk check and a trigger."""

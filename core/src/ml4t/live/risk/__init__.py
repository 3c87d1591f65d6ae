"""The risk gate: every order passes every check, and whatever cannot be checked is refused."""

"""The triggers inside core: those that are made of others."""

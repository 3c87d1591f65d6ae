"""Agents for ml4t-live: a model builder that refits, a critic that weighs models, an agent that trades."""

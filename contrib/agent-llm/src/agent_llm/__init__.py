"""An agent for ml4t-live that asks a language model over HTTP."""

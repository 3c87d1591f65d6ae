"""Yahoo Finance for ml4t-live: bars of its charts, for shadow and paper runs."""

"""The check for `ml4t-live doctor`."""

from __future__ import annotations

from ml4t_live_template.kinds import KINDS
from ml4t_live_template.naming import Names
from ml4t_live_template.texts import texts


def every_kind_can_be_written() -> str:
    """Return how many files a plugin of each kind has; nothing is written.

    Raises KeyError for a word in a template that nobody fills in, RuntimeError with the remedy when templates are missing.
    """
    counts = {kind.name: sum(1 for _ in texts(kind, Names("example"))) for kind in KINDS.values()}
    if empty := [name for name, count in counts.items() if not count]:
        raise RuntimeError(
            f"the templates of {', '.join(empty)} are missing: pip install --force-reinstall --no-deps ml4t-live-template"
        )
    return "can write " + ", ".join(f"a {name} in {count} files" for name, count in counts.items())

"""The one comparison that the checks of amounts share."""

from __future__ import annotations

from ml4t.live.model import ALLOW, Verdict, refuse


def at_most(code: str, what: str, value: float, limit: float) -> Verdict:
    """Allow a value up to the limit; NaN is no value within a limit."""
    if value <= limit:
        return ALLOW
    return refuse(code, f"{what} {value:,.6g}, over the limit of {limit:,.6g}", limit=limit, value=value)

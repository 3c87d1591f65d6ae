"""It implements a hook that does not exist."""

from ml4t.live.hookspecs import hookimpl


@hookimpl
def ml4t_live_risk_check():
    return []

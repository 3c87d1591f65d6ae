"""Its hook raises."""

from ml4t.live.hookspecs import hookimpl


@hookimpl
def ml4t_live_feeds():
    raise RuntimeError("the gateway is not running")

"""Its hook asks for an argument that hook is not given."""

from ml4t.live.hookspecs import hookimpl


@hookimpl
def ml4t_live_feeds(settings):
    return [settings]

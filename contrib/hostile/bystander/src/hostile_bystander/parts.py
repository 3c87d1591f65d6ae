"""The heavy side of the plugin: imported when a configuration names a component."""


class Part:
    """Stands for any component."""

    def __init__(self, config=None):
        self.config = config

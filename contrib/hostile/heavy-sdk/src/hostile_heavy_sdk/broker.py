"""The heavy side of the plugin."""

import hostile_absent_sdk


class Broker(hostile_absent_sdk.Client):
    """Never gets this far."""

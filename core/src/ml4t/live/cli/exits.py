"""Exit codes, and which error means which."""

from __future__ import annotations

from ml4t.live.errors import BrokerRefused, ConfigError, LiveError, PluginError, StateLocked

OK = 0
FAILED = 1
"""It started and failed, or what was looked at is broken."""
REFUSED = 2
"""It was not started: a mistake in the configuration, the command or the installation, or a state directory in use."""


class Refused(LiveError):
    """A command that cannot be carried out as it was given; the text says what to do instead."""


class Failed(LiveError):
    """A command that was carried out, with a bad result; what is to be said has been printed."""


def code_of(error: LiveError) -> int:
    """Return the exit code that an error stands for."""
    if isinstance(error, (Refused, ConfigError, PluginError, StateLocked)):
        return REFUSED
    if isinstance(error, BrokerRefused) and error.code == "wrong_account_kind":
        return REFUSED
    cause = getattr(error, "error", None)  # a supervisor's: what its child died of
    return code_of(cause) if isinstance(cause, LiveError) else FAILED

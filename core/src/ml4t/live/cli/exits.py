"""Exit codes, and which error means which."""

from __future__ import annotations

from ml4t.live.errors import YOURS_TO_MEND, BrokerRefused, ConfigError, FeedRefused, LiveError, PluginError, StateLocked

OK = 0
FAILED = 1
"""It started and failed, or what was looked at is broken."""
REFUSED = 2
"""It cannot be run like this: a mistake in the configuration, the command, the installation or the credentials, or a state
directory in use."""
HALTED = 3
"""It has ended itself because its strategy raises too much (`on_error`, `error_budget`), and would again."""


class Refused(LiveError):
    """A command that cannot be carried out as it was given; the text says what to do instead."""


class Failed(LiveError):
    """A command that was carried out, with a bad result; what is to be said has been printed."""


class Halted(LiveError):
    """A run that a rule of its own has ended; the text says what has to be mended."""


def code_of(error: LiveError) -> int:
    """Return the exit code that an error stands for."""
    if isinstance(error, Halted):
        return HALTED
    if isinstance(error, (Refused, ConfigError, PluginError, StateLocked)):
        return REFUSED
    if isinstance(error, (BrokerRefused, FeedRefused)) and error.code in YOURS_TO_MEND:
        return REFUSED
    cause = getattr(error, "error", None)  # a supervisor's: what its child died of
    return code_of(cause) if isinstance(cause, LiveError) else FAILED

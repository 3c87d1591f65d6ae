"""Every exception that the framework raises on purpose."""

from __future__ import annotations


class LiveError(Exception):
    """The base of them all: catch this to catch whatever the framework says on purpose."""


class ConfigError(LiveError):
    """A configuration cannot be used; `problems` lists every reason at once, each with its path and its remedy."""

    def __init__(self, problems: list[str], *, source: str = "") -> None:
        self.problems = list(problems)
        self.source = source
        where = f" in {source}" if source else ""
        count = len(self.problems)
        super().__init__(f"{count} problem{'s' if count != 1 else ''}{where}:\n" + "\n".join(f"  {p}" for p in self.problems))


class PluginError(LiveError):
    """A plugin that is needed cannot be used: missing, broken, duplicated, or made for another core."""


class FeedDisconnected(LiveError):
    """A feed lost its source. The engine reconnects with back-off and fills the gap."""


UNAUTHORIZED = "unauthorized"
WRONG_ACCOUNT_KIND = "wrong_account_kind"
NOT_SUBSCRIBED = "not_subscribed"
UNKNOWN_SYMBOL = "unknown_symbol"
YOURS_TO_MEND = frozenset({UNAUTHORIZED, WRONG_ACCOUNT_KIND, NOT_SUBSCRIBED, UNKNOWN_SYMBOL})
"""The codes of refusals that something in the configuration or the account has to be changed for. A broker or feed that gives
one when it connects ends the run with the exit code of a mistake in the configuration."""


class FeedRefused(LiveError):
    """A source refused for good (wrong key, no subscription): trying again would not help.

    `code` is one of `YOURS_TO_MEND`, or empty.
    """

    def __init__(self, reason: str, *, code: str = "") -> None:
        self.code = code
        super().__init__(reason)


class BrokerConnectionError(LiveError):
    """A broker cannot be reached, or the connection to it was lost."""


class BrokerRefused(LiveError):
    """A broker refused a request and says so: the order is known not to be working.

    `code` is one of `YOURS_TO_MEND` or the venue's own code; the text is the venue's reason.
    """

    def __init__(self, reason: str, *, code: str = "") -> None:
        self.code = code
        super().__init__(reason)


class OutcomeUnknown(LiveError):
    """A request was sent and nobody can say what became of it (time-out, connection lost)."""


class StrategyEnded(LiveError):
    """A strategy can take no more data, whatever it may raise: the run ends."""


class RiskLimitExceeded(LiveError):
    """An order was refused by a risk check; `order` is the refused order with the check's code and reason."""

    def __init__(self, order: object, message: str) -> None:
        self.order = order
        super().__init__(message)


class JournalError(LiveError):
    """The journal cannot be written or read; nothing is sent that cannot be journalled."""


class StateLocked(LiveError):
    """Another process is running on the same state directory."""

"""Client order ids that follow from the decision, so that the same decision made twice is the same order."""

from __future__ import annotations

from base64 import b32encode
from hashlib import blake2b

LENGTH = 24
"""Characters of an id: within every venue's limit, and 115 bits, too many to collide."""


def decision_id(run: str, strategy: str, symbol: str, decided_at: int, ordinal: int) -> str:
    """Return the id of the `ordinal`-th order that `strategy` decided on for `symbol` at `decided_at` (nanoseconds UTC).

    `run` names the configuration and its mode. Lower-case letters and digits only, the first one a letter.
    """
    decision = repr((run, strategy, symbol, decided_at, ordinal))  # quoted, so that no two decisions write the same
    digest = blake2b(decision.encode(), digest_size=15).digest()
    return "m" + b32encode(digest).decode().lower()[: LENGTH - 1]

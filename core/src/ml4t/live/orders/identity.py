"""Client order ids that follow from the decision, so that the same decision made twice is the same order."""

from __future__ import annotations

from hashlib import blake2b

LENGTH = 24
"""Characters of an id: within every venue's limit, and 92 bits, too many to collide."""


def decision_id(run: str, strategy: str, symbol: str, decided_at: int, ordinal: int | str) -> str:
    """Return the id of the `ordinal`-th order that `strategy` decided on for `symbol` at `decided_at` (nanoseconds UTC).

    Whoever gives its orders keys of its own writes the key for `ordinal`, and 0 for `decided_at`. `run` names the
    configuration and its mode. Lower-case letters and digits only, the first one a letter.
    """
    decision = repr((run, strategy, symbol, decided_at, ordinal))  # quoted, so that no two decisions write the same
    return "m" + blake2b(decision.encode(), digest_size=LENGTH // 2).hexdigest()[1:]

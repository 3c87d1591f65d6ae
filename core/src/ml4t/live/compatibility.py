"""The version of the contracts: hooks, records and protocols together."""

from __future__ import annotations

import warnings

CONTRACT = 3
"""What this core has. 1: the first release. 2: a record may name a rig for the conformance kit (`rig`). 3: a record may name
what its component was called before (`formerly`)."""

CONTRACT_ATTRIBUTE = "ml4t_live_contract"
"""The attribute of a light module that says which version it was written against: a whole number; without it, 1."""


class ContractDeprecation(FutureWarning):
    """Something of the contracts is used that a later version will not have. It is for whoever runs the plugin, too."""


def deprecated(what: str, instead: str, *, last: int) -> None:
    """Warn that `what` is used, which contract `last` is the last one to have, and say what to use `instead`.

    Called by the core where a plugin comes in; whoever called the plugin says which one it is.
    """
    warnings.warn(f"{what} goes after contract {last}; use {instead}", ContractDeprecation, stacklevel=3)

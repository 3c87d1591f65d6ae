"""It was written against contracts that do not exist yet."""

from __future__ import annotations

from ml4t.live.hookspecs import hookimpl

ml4t_live_contract = 99


@hookimpl
def ml4t_live_oracles():
    raise AssertionError("a hook that this core does not know must not be called")

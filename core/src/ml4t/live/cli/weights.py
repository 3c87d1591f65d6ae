"""How much each model counts, for the commands that show it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ml4t.live.cli import output
from ml4t.live.report.summary import iso
from ml4t.live.report.words import NOTHING


def weight_lines(state: Mapping[str, Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Return the models that somebody has given another weight than 1: how much, who, since when and why."""
    return [
        {
            "model": model,
            "weight": held["weight"],
            "by": held["by"],
            "since": iso(held["time"]) if held["time"] else None,
            "reason": held["reason"],
        }
        for model, held in sorted(state.items())
        if held["weight"] != 1.0
    ]


def weight_table(lines: Sequence[Mapping[str, Any]]) -> Any:
    """Return the table of them."""
    rows = ((w["model"], f"{w['weight']:g}", w["by"], w["since"] or NOTHING, w["reason"] or NOTHING) for w in lines)
    title = "Weights other than 1 (a model with 0 is not asked)"
    return output.table(title, ("model", "weight", "said by", "since", "because"), rows, numbers="weight")

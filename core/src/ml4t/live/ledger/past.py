"""The past scores that models may look at: computed when they are asked for, and not before."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from ml4t.live.contracts.forecaster import PastScore
from ml4t.live.ledger.scoreboard import Group, Scoreboard


class PastScores(Mapping[tuple[str, int], PastScore]):
    """The scores of all models by name and horizon, as they stand when one looks."""

    def __init__(self, board: Scoreboard) -> None:
        self._board = board

    def __getitem__(self, key: tuple[str, int]) -> PastScore:
        model, horizon = key
        score = self._board.scores[Group(model, horizon)]
        hit_low, hit_high = score.hit_interval
        skill_low, skill_high = score.skill_interval
        gains = score.gains
        return PastScore(
            model=model,
            horizon=horizon,
            issued=score.issued,
            resolved=score.resolved,
            hit_rate=score.hit_rate,
            hit_low=hit_low,
            hit_high=hit_high,
            skill=score.skill,
            skill_low=skill_low,
            skill_high=skill_high,
            e_value=score.e_value,
            calibrated=score.calibrated,
            gain=gains.gain / gains.count if gains.count else None,
        )

    def __iter__(self) -> Iterator[tuple[str, int]]:
        return (group[:2] for group in list(self._board.scores) if not group.by)

    def __len__(self) -> int:
        return sum(not group.by for group in self._board.scores)

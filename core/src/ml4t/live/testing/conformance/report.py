"""What a conformance run found."""

from __future__ import annotations

from collections import Counter
from enum import StrEnum

from attrs import frozen


class Outcome(StrEnum):
    """How one scenario ended."""

    PASSED = "passed"
    FAILED = "failed"
    EXEMPT = "exempt"
    """The rig says why it cannot be at this vendor."""
    NOT_DECLARED = "not declared"
    """It is about something that the adapter does not claim to do."""


class NotConformant(AssertionError):
    """An adapter does not do what its contract asks of it."""


@frozen
class Result:
    """How one scenario ended; `reason` is empty when it passed, `error` what it failed with."""

    scenario: str
    summary: str
    outcome: Outcome
    reason: str = ""
    error: Exception | None = None

    def __str__(self) -> str:
        reason = self.reason.replace("\n", "\n" + " " * 18)
        return f"  {self.outcome:<13} {self.scenario}" + (f"\n{'':18}{reason}" if reason else "")

    def raise_if_failed(self) -> None:
        """Raise NotConformant when it failed, with the scenario's own error as the cause."""
        if self.outcome is Outcome.FAILED:
            raise NotConformant(f"{self.scenario} ({self.summary}) {self.reason}") from self.error


@frozen
class Report:
    """How every scenario of a run ended; as text, one line each, with the reasons below."""

    subject: str
    results: tuple[Result, ...]

    def of(self, outcome: Outcome) -> tuple[str, ...]:
        """Return the names of the scenarios that ended so."""
        return tuple(result.scenario for result in self.results if result.outcome is outcome)

    @property
    def passed(self) -> tuple[str, ...]:
        """The scenarios that passed."""
        return self.of(Outcome.PASSED)

    @property
    def failed(self) -> tuple[str, ...]:
        """The scenarios that failed."""
        return self.of(Outcome.FAILED)

    def __getitem__(self, scenario: str) -> Result:
        return next(result for result in self.results if result.scenario == scenario)

    def __str__(self) -> str:
        counts = Counter(result.outcome for result in self.results)
        sums = ", ".join(f"{counts[outcome]} {outcome}" for outcome in Outcome if counts[outcome])
        return "\n".join([f"{self.subject}: {sums}", *map(str, self.results)])

    def raise_if_failed(self) -> None:
        """Raise NotConformant with the whole report when a scenario failed; its cause is the first one's error."""
        failed = [result for result in self.results if result.outcome is Outcome.FAILED]
        if failed:
            raise NotConformant(str(self)) from failed[0].error

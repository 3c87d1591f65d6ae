"""What forecasters remember, over restarts."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from ml4t.live.contracts.forecaster import StatefulForecaster
from ml4t.live.engine.faults import Faults

BUCKET = "forecaster"
"""Where the journal keeps it."""


class Memories:
    """Notes what a forecaster remembers after each of its answers, beside what it remembered before that moment.

    After a crash the last moment of recorded data is told again: a forecaster that counts must then not count it twice, so
    it is given what it remembered before.
    """

    def __init__(
        self, forecasters: Mapping[str, StatefulForecaster], put: Callable[[str, str, object], None], faults: Faults
    ) -> None:
        self._forecasters = forecasters
        self._put = put
        self._faults = faults
        self._noted: dict[str, dict[str, Any]] = {}

    def note(self, name: str, time: int) -> None:
        """Put what a forecaster remembers after it was asked at `time` (nanoseconds UTC) into the journal."""
        forecaster = self._forecasters.get(name)
        if forecaster is None:
            return
        known = self._noted.get(name, {"time": 0, "state": None, "before": None})
        before = known["before"] if known["time"] == time else known["state"]
        noted = self._noted[name] = {"time": time, "state": forecaster.state(), "before": before}
        self._put(BUCKET, name, noted)

    def restore(self, saved: Mapping[str, dict[str, Any]], after: int | None) -> None:
        """Give everybody back what it remembered; `after` is the moment up to which recorded data have been processed."""
        for name in [each for each in self._forecasters if each in saved]:
            noted = saved[name]
            if after is not None and noted["time"] > after:
                noted = {"time": 0, "state": noted["before"], "before": None}
            if noted["state"] is None:
                continue
            try:
                self._forecasters[name].restore(noted["state"])
            except Exception as error:  # noqa: BLE001 - it begins without its memory, and that is reported
                self._faults.report(f"forecaster {name}", error)
            else:
                self._noted[name] = noted

"""Keeps what a strategy raises from ending the engine of the backtest."""

from __future__ import annotations

from typing import Any


class Shield:
    """Stands in for a strategy: passes every callback on, and keeps an exception until the engine is done with the bar.

    In a backtest an exception ends the run and takes back what the callback did. Live the orders have left, and the run
    goes on as `[engine] on_error` says.
    """

    def __init__(self, strategy: Any) -> None:
        self._strategy = strategy
        self._caught: list[Exception] = []

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._strategy, name)
        if not name.startswith("on_"):
            return found

        def shielded(*given: Any) -> Any:
            try:
                return found(*given)
            except Exception as error:  # noqa: BLE001 - whatever it is, it is raised again by `raise_caught`
                self.keep(error)
                return None

        self.__dict__[name] = shielded  # found without this method from now on
        return shielded

    def keep(self, error: Exception) -> None:
        """Keep an exception for `raise_caught`."""
        self._caught.append(error)

    def raise_caught(self) -> None:
        """Raise what was kept since the last time; several as a group."""
        caught, self._caught = self._caught, []
        if len(caught) > 1:
            raise ExceptionGroup("; ".join(str(each) for each in caught), caught)
        if caught:
            raise caught[0]

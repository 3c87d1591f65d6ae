"""`doctor PLUGIN --conformance`: the conformance kit from the command line."""

from __future__ import annotations

import asyncio
from collections.abc import Collection
from typing import Any

from structlog.testing import capture_logs

from ml4t.live.cli import output
from ml4t.live.cli.exits import Failed, Refused
from ml4t.live.plugins import Broken, Catalogue
from ml4t.live.testing.conformance.report import Report
from ml4t.live.testing.conformance.scenario import NoSuchScenario
from ml4t.live.testing.conformance.whole import Tried, check_whole


def examine(name: str, only: Collection[str], *, as_json: bool) -> None:
    """Try what can be tried of a plugin, or the scenarios that `only` names, and print what was found.

    Raises PluginError for one that is not installed, Failed for one that is broken or not conformant, Refused for a scenario
    that there is not.
    """
    # What the engine and an adapter log while their lines are broken on purpose is no news. The kit hears it all the same.
    with output.other_peoples_code(), capture_logs():
        loaded = Catalogue.discover().load(name)
        if isinstance(loaded, Broken):
            raise Failed(f"{loaded.message}. {loaded.remedy}")
        try:
            tried = asyncio.run(check_whole(loaded, only=only))
        except NoSuchScenario as error:
            raise Refused(str(error)) from None
    failed = {each.subject: each.report.failed for each in tried if each.report is not None and each.report.failed}
    if as_json:
        output.data({"ok": not failed, "plugin": name, "parts": [_plain(each) for each in tried]})
    else:
        for each in tried:
            _print(each)
    if failed:
        count = sum(map(len, failed.values()))
        raise Failed(f"{count} scenario{'s' * (count > 1)} failed, of {', '.join(failed)}")


def _print(tried: Tried) -> None:
    if tried.report is None:
        output.show(f"{tried.subject}: not tried\n  {tried.untried}\n")
        return
    counts, *lines = str(tried.report).split("\n")
    output.show("\n".join([f"{tried.subject}: {counts.partition(': ')[2]}", *lines, ""]))


def _plain(tried: Tried) -> dict[str, Any]:
    return {"subject": tried.subject, "untried": tried.untried, "scenarios": _scenarios(tried.report)}


def _scenarios(report: Report | None) -> list[dict[str, Any]]:
    return [
        {"name": each.scenario, "summary": each.summary, "outcome": each.outcome.value, "reason": each.reason}
        for each in (report.results if report is not None else ())
    ]

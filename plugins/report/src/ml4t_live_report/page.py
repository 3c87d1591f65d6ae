"""The page: pictures and tables of a session in one HTML file that asks nobody for anything."""

from __future__ import annotations

from importlib import resources

from attrs import frozen
from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from ml4t.live.report.headline import NO_EQUITY, account_facts, run_lines
from ml4t.live.report.sections import Section
from ml4t.live.report.session import SessionReport
from ml4t.live.report.words import moment, plural
from ml4t_live_report.picture import Picture
from ml4t_live_report.pictures.calibration import calibration_picture
from ml4t_live_report.pictures.equity import equity_picture
from ml4t_live_report.pictures.outcomes import outcomes_picture
from ml4t_live_report.pictures.prices import prices_picture
from ml4t_live_report.pictures.timeline import timeline_picture

OPEN = 3
"""Charts of symbols, and of models, that are unfolded."""


@frozen
class Chapter:
    """Pictures with the tables that belong to them."""

    section: Section
    pictures: tuple[Picture, ...]


def report_page(session: SessionReport) -> str:
    """Return the HTML of a session. Whatever a strategy, a venue or a person has named is text in it, and never markup."""
    environment = Environment(
        loader=PackageLoader("ml4t_live_report"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    style = resources.files("ml4t_live_report").joinpath("templates/style.css").read_text(encoding="utf-8")
    run = session.summary.run
    return environment.get_template("page.html").render(
        style=Markup(style),  # noqa: S704 - our own
        name=run.name or "run",
        lines=run_lines(run),
        facts=account_facts(session.summary.equity),
        no_equity=NO_EQUITY,
        chapters=list(chapters(session)),
        made=moment(session.made_at),
        running=session.running,
    )


def chapters(session: SessionReport) -> list[Chapter]:
    """Return the chapters of the page in order: the account, the prices, and one for each section of tables."""
    account = Section("account", "Account", ())
    prices = Section("prices", "Prices", ())
    found = [Chapter(account, (equity_picture(session.equity, session.drawdown, session.axis),))]
    found.append(Chapter(prices, tuple(_prices(session))))
    pictures = {
        "forecasts": [outcomes_picture(session.outcomes)] if session.outcomes else [],
        "calibration": [
            calibration_picture(each, number, is_open=number < OPEN) for number, each in enumerate(session.calibrations)
        ],
        "health": [timeline_picture(session.lanes, session.axis)],
    }
    return found + [Chapter(each, tuple(pictures.get(each.name, ()))) for each in session.sections]


def _prices(session: SessionReport) -> list[Picture]:
    if not session.charts:
        return [Picture("", "The journal holds no prices: nothing was forecast, traded or fired for.")]
    drawn = [prices_picture(chart, session.axis, number, is_open=number < OPEN) for number, chart in enumerate(session.charts)]
    if session.not_drawn:
        rest = f"Without a chart: {plural(len(session.not_drawn), 'more symbol')}, whose numbers are in the tables."
        drawn.append(Picture("", rest))
    return drawn

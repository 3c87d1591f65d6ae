"""Which names and kinds will do, and what is said of those that will not."""

from __future__ import annotations

import keyword
import re

import pytest

from ml4t_live_template.kinds import KINDS, find_kind
from ml4t_live_template.naming import LONGEST, Names, named

NOBODY: tuple[str, ...] = ()


@pytest.mark.parametrize("name", ["a", "acme", "x2", "risk-9-lives", "class", "none", "import", "a" * LONGEST])
def test_names_that_will_do(name):
    names = named(name, NOBODY)

    assert names == Names(name)
    for identifier in (names.package, names.class_ + "Config"):
        assert identifier.isidentifier()
        assert not keyword.iskeyword(identifier)


def test_everything_is_called_after_it():
    names = Names("last-5-minutes")

    assert (names.distribution, names.package, names.class_) == (
        "ml4t-live-last-5-minutes",
        "ml4t_live_last_5_minutes",
        "Last5Minutes",
    )


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("My_Feed", "write my-feed"),
        ("my.feed", "write my-feed"),
        ("my--feed", "write my-feed"),
        ("-feed-", "write feed"),
        ("my feed", "write my-feed"),
        ("../feed", "write feed"),
        ("a/b", "write a-b"),
        ("café", "write caf"),
        ("ml4t-live-acme", "will be called ml4t-live- by itself: write acme"),
        ("2fast", "begins with a letter"),
        ("", "begins with a letter"),
        ("..", "begins with a letter"),
        ("a" * (LONGEST + 1), f"at most {LONGEST}"),
        ("taken", "there is a plugin called taken already"),
    ],
)
def test_a_name_that_will_not_do_is_told_why_and_what_would(name, words):
    with pytest.raises(ValueError, match=re.escape(words)):
        named(name, ["taken"])


@pytest.mark.parametrize(("typed", "meant"), [("risk_check", "risk-check"), ("Feeds", "feed"), ("forecast", "forecaster")])
def test_a_kind_that_is_misspelt(typed, meant):
    with pytest.raises(ValueError, match=f"did you mean {meant}"):
        find_kind(typed)


def test_a_kind_that_there_is_not():
    with pytest.raises(ValueError, match=f"Kinds are {', '.join(KINDS)}"):
        find_kind("strategy")

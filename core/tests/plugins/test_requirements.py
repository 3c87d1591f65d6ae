"""Tests of `ml4t.live.plugins.requirements`."""

from __future__ import annotations

import pytest
from packaging.version import Version

from ml4t.live.plugins import Found, check_core, running_version
from ml4t.live.plugins.requirements import unmet


def asks(*requirements, distribution="acme"):
    return Found(name="acme", target="acme", distribution=distribution, version="1", requirements=requirements)


@pytest.mark.parametrize(
    ("asked", "running"),
    [
        ("ml4t-live>=1.0.0.dev0,<2", "1.0.0.dev0"),
        ("ml4t-live>=1.0.0.dev0,<2", "1.0.0rc1"),
        ("ml4t-live>=1.0.0.dev0,<2", "1.9"),
        ("ml4t_live>=1", "1.0.1.dev3"),
        ("ML4T.Live[parquet]>=1", "1.0"),
        ("ml4t-live", "0.1"),
        ("ml4t-live @ file:///src/core", "1.0"),
    ],
)
def test_a_core_inside_the_range_is_no_problem(asked, running):
    core = check_core(asks(asked), running=running)

    assert (core.problem, core.note) == ("", "")


@pytest.mark.parametrize(
    ("asked", "running", "problem"),
    [
        ("ml4t-live>=9", "1.0.0.dev0", "needs ml4t-live>=9, have 1.0.0.dev0"),
        ("ml4t-live>=1.0.0.dev0,<2", "2.0.0.dev0", "needs ml4t-live<2,>=1.0.0.dev0, have 2.0.0.dev0"),
        ("ml4t-live>=1.0", "1.0.0.dev0", "needs ml4t-live>=1.0, have 1.0.0.dev0"),
        ("ml4t-live==0.1.3", "1.0", "needs ml4t-live==0.1.3, have 1.0"),
    ],
)
def test_a_core_outside_the_range_is_a_problem_that_names_both(asked, running, problem):
    assert check_core(asks(asked), running=running).problem == problem


def test_several_lines_about_core_all_count():
    assert check_core(asks("ml4t-live>=1", "ml4t-live<1.5"), running="1.6").problem == "needs ml4t-live<1.5,>=1, have 1.6"


@pytest.mark.parametrize(
    "requirements", [(), ("attrs",), ("ml4t-live>=9; extra == 'new'",), ("ml4t-live>=9; python_version < '3'",)]
)
def test_no_requirement_that_applies_is_a_note(requirements):
    core = check_core(asks(*requirements), running="1.0")

    assert core.problem == ""
    assert core.note == "acme does not say which ml4t-live it needs, so a wrong one cannot be noticed"


def test_core_needs_no_range_for_itself():
    assert check_core(asks(distribution="ml4t_live"), running="1.0").note == ""


def test_a_requirement_that_nobody_can_read_is_passed_over():
    assert check_core(asks("what is this?", "ml4t-live>=9"), running="1.0").problem == "needs ml4t-live>=9, have 1.0"


def test_the_running_version_is_a_version():
    assert str(Version(running_version())) == running_version()
    assert check_core(asks("ml4t-live>=0.0.1")).running == running_version()


def test_unmet_names_what_is_absent_and_what_is_too_old():
    found = asks("attrs", "attrs>=9999", "acme-absent>=2", "acme-other; extra == 'x'")

    assert unmet(found) == ("attrs>=9999", "acme-absent>=2")

"""A clock that is wrong is told of, and one that is very wrong is refused."""

from __future__ import annotations

import pytest
from structlog.testing import capture_logs

from ml4t.live.adapters import check_skew
from ml4t.live.errors import BrokerConnectionError
from ml4t.live.times import NANOS


@pytest.mark.parametrize(
    ("theirs", "warned", "refused"),
    [
        (0.05, "", ""),
        (-1.5, "ahead of Acme's", ""),
        (1.6, "behind Acme's", ""),
        (-40.0, "", "40.0 s ahead of"),
        (40.1, "", "40.0 s behind"),
    ],
)
def test_a_clock_that_is_wrong_is_told_of_and_one_that_is_very_wrong_is_refused(theirs, warned, refused):
    now = 1_000 * NANOS
    question = ("Acme", now, now + round(theirs * NANOS), now + NANOS // 10)
    with capture_logs() as logs:
        if refused:
            with pytest.raises(BrokerConnectionError, match=refused):
                check_skew(*question)
        else:
            check_skew(*question)
    assert [log["side"] for log in logs] == ([warned] if warned else [])


def test_what_a_venue_cuts_from_its_time_is_no_skew():
    with capture_logs() as logs:
        check_skew("Acme", 1_999 * NANOS, 1_000 * NANOS, 1_999 * NANOS, resolution=1_000 * NANOS)
    assert logs == []

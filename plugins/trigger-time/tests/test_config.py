"""What the options refuse, and in which words."""

from __future__ import annotations

import pytest

from ml4t.live.times import NANOS
from ml4t_live_trigger_time.config import TimeTriggerConfig

HOUR = 3600 * NANOS


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({}, "exactly one of every, at, cron and session; given: none"),
        ({"every": HOUR, "cron": "0 * * * *"}, "given: every and cron"),
        ({"every": 0}, "'every' must be > 0"),
        ({"every": HOUR, "offset": -1}, "'offset' must be >= 0"),
        ({"every": HOUR, "offset": HOUR}, "offset .1h. must be shorter than every .1h."),
        ({"at": ["09:30"], "offset": 5}, "offset goes with every only"),
        ({"every": HOUR, "timezone": "Europe/Berlin"}, "every is counted in UTC"),
        ({"every": HOUR, "weekdays": ["mon"]}, "weekdays goes with at only"),
        ({"at": ["9:30"]}, "'9:30' is not a time of day; write HH:MM"),
        ({"at": ["24:00"]}, "'24:00' is not a time of day"),
        ({"at": ["09:30"], "weekdays": ["monday"]}, "'monday' is not a day of the week; choose from mon, tue"),
        ({"at": ["09:30"], "timezone": "America/NewYork"}, "did you mean 'America/New_York'?"),
        ({"at": ["09:30"], "timezone": "America"}, "'America' is not a known time zone"),
        ({"session": ["noon"]}, "'noon' is no moment of a session; write open or close, as in 'open.5m'"),
        ({"session": ["open+5"]}, "is not a duration"),
        ({"session": ["open"], "only": "days"}, "session follows the clocks and days of its calendar"),
        ({"at": ["09:30"], "only": "days"}, "calendar goes with session, or with only"),
        ({"at": ["09:30"], "calendar": "XNYS"}, "calendar goes with session, or with only"),
        ({"cron": "0 9 * *"}, "has 4 fields instead of 5; write minute hour"),
        ({"cron": "0 0 9 * * *"}, "has 6 fields instead of 5"),
        ({"cron": "61 9 * * *"}, "cannot be read: Bad minute"),
        ({"cron": "0 0 30 2 *"}, "cannot be read: Bad day-of-month"),
        ({"cron": "0 0 */31 * mon#5"}, "never comes: no date fits it"),
    ],
)
def test_a_refusal_says_what_to_write_instead(options, words):
    with pytest.raises(ValueError, match=words):
        TimeTriggerConfig(**options)


def test_one_string_is_not_a_list():
    with pytest.raises(TypeError, match=r'write \["09:30"\]'):
        TimeTriggerConfig(at="09:30")

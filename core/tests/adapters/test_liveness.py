"""Silence that was asked about, and coroutines that end together, on virtual time."""

from __future__ import annotations

import asyncio

import pytest

from ml4t.live.adapters import first_of, until_silent
from ml4t.live.testing import run_virtual
from ml4t.live.times import NANOS


def silence(comes, answers):
    """Return when a stream of 10 s was given up, and when it was asked; `comes` are the seconds at which something comes."""
    asked = []

    async def main(clock):
        heard = 0

        async def speak():
            nonlocal heard
            for moment in comes:
                await clock.sleep(moment - clock.monotonic() / NANOS)
                heard += 1

        async def probe():
            nonlocal heard
            asked.append(clock.monotonic() // NANOS)
            heard += len(asked) <= answers

        speaking = asyncio.get_running_loop().create_task(speak())
        await until_silent(lambda: heard, probe, 10.0, clock=clock)
        await speaking
        return clock.monotonic() // NANOS

    return run_virtual(main), asked


@pytest.mark.parametrize(
    ("comes", "answers", "given_up", "asked"),
    [
        ([], 0, 10, [5]),
        ([], 2, 30, [5, 15, 25]),
        ([1, 6, 11], 0, 25, [20]),
        ([7], 0, 20, [5, 15]),
    ],
    ids=["mute", "answers twice", "speaks", "speaks when asked"],
)
def test_a_stream_is_given_up_that_says_nothing_although_it_is_asked(comes, answers, given_up, asked):
    assert silence(comes, answers) == (given_up, asked)


def test_what_a_probe_raises_is_raised():
    async def main(clock):
        async def probe():
            raise ConnectionResetError

        with pytest.raises(ConnectionResetError):
            await until_silent(lambda: 0, probe, 10.0, clock=clock)

    run_virtual(main)


def test_the_first_that_ends_ends_the_others_and_its_error_is_raised():
    ended = []

    async def main(clock):
        async def runs(name, seconds):
            try:
                await clock.sleep(seconds)
            finally:
                ended.append((name, clock.monotonic() // NANOS))

        async def fails():
            await clock.sleep(2)
            raise ValueError("lost")

        with pytest.raises(ValueError, match="lost"):
            await first_of(runs("a", 5), fails(), runs("b", 9))
        await first_of(runs("c", 1), runs("d", 9))

    run_virtual(main)
    assert ended == [("a", 2), ("b", 2), ("c", 3), ("d", 3)]


def test_whoever_is_cancelled_cancels_what_it_runs():
    ended = []

    async def main(clock):
        async def runs():
            try:
                await clock.sleep(9)
            finally:
                ended.append(clock.monotonic() // NANOS)

        task = asyncio.get_running_loop().create_task(first_of(runs(), runs()))
        await clock.sleep(1)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    run_virtual(main)
    assert ended == [1, 1]

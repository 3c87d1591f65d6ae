"""Stop signals, sent to real processes."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import textwrap
import threading
import time
from pathlib import Path

import pytest

from ml4t.live.engine.signals import StopSignals

PATIENCE = 60.0

_SCRIPT = """
import asyncio, os
from ml4t.live.engine.signals import StopSignals

def say(text):  # not print: a signal in the middle of its write would make the handler's print a reentrant one
    os.write(1, (text + "\\n").encode())

def hog(signals):
    say("hogging")
    while signals._received == 0:
        pass
    say("noticed")
    while True:
        pass

def force():
    {force}

async def main():
    stop = asyncio.Event()
    def on_stop(name):
        say("stopping after " + name)
        stop.set()
    with StopSignals(on_stop, force) as signals:
        say("ready")
        {body}
    say("ended")

asyncio.run(main())
"""


class _Process:
    def __init__(self, body, force="say('forced')"):
        code = textwrap.dedent(_SCRIPT).format(body=body, force=force)
        environment = {name: value for name, value in os.environ.items() if name != "PYTHONUNBUFFERED"}
        self.popen = subprocess.Popen(
            [sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment
        )

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.popen.kill()
        self.popen.communicate()

    def expect(self, line):
        """Read one line; the killer ends a process that says nothing, and with it the reading."""
        killer = threading.Timer(PATIENCE, self.popen.kill)
        killer.start()
        try:
            assert self.popen.stdout.readline().strip() == line
        finally:
            killer.cancel()
            killer.join()

    def wait_until_asleep(self):
        """Wait until the kernel says that it sleeps: a loop without anything to do, waiting for its descriptors."""
        stat = Path(f"/proc/{self.popen.pid}/stat")
        deadline = time.monotonic() + PATIENCE
        while stat.exists() and stat.read_text().rpartition(")")[2].split()[0] != "S":
            assert time.monotonic() < deadline
            os.sched_yield()

    def finish(self):
        out, err = self.popen.communicate(timeout=PATIENCE)
        return self.popen.returncode, out.split("\n")[:-1], err


@pytest.mark.parametrize("signum", [signal.SIGTERM, signal.SIGINT])
def test_the_first_signal_stops_an_idle_loop_in_order(signum):
    with _Process("await stop.wait()") as process:
        process.expect("ready")
        process.wait_until_asleep()
        process.popen.send_signal(signum)
        assert process.finish() == (0, [f"stopping after {signum.name}", "ended"], "")


@pytest.mark.parametrize("last", [signal.SIGTERM, signal.SIGINT])
def test_the_second_signal_ends_a_strategy_that_hogs_the_loop(last):
    with _Process("hog(signals)", force="print('forced')") as process:  # not flushed by the script
        process.expect("ready")
        process.expect("hogging")
        process.popen.send_signal(signal.SIGTERM)
        process.expect("noticed")
        process.popen.send_signal(last)
        assert process.finish() == (128 + last, ["forced"], "")


def test_a_force_that_fails_still_ends_the_process_and_says_why():
    with _Process("hog(signals)", force="raise ValueError('no disk')") as process:
        process.expect("ready")
        process.expect("hogging")
        process.popen.send_signal(signal.SIGTERM)
        process.expect("noticed")
        process.popen.send_signal(signal.SIGINT)
        code, out, err = process.finish()
    assert (code, out) == (128 + signal.SIGINT, [])
    assert "ValueError: no disk" in err


def test_a_third_signal_does_not_wait_for_a_force_that_hangs():
    with _Process("hog(signals)", force="say('forcing'); [0 for _ in iter(int, 1)]") as process:
        process.expect("ready")
        process.expect("hogging")
        process.popen.send_signal(signal.SIGTERM)
        process.expect("noticed")
        process.popen.send_signal(signal.SIGINT)
        process.expect("forcing")
        process.popen.send_signal(signal.SIGTERM)
        assert process.finish() == (128 + signal.SIGTERM, [], "")


def test_previous_handlers_are_put_back():
    before = [signal.getsignal(s) for s in (signal.SIGINT, signal.SIGTERM)]
    mine = lambda *_: None  # noqa: E731
    previous = signal.signal(signal.SIGTERM, mine)
    try:

        async def main():
            with StopSignals(print, print):
                assert signal.getsignal(signal.SIGTERM) is not mine
            assert signal.getsignal(signal.SIGTERM) is mine

        asyncio.run(main())
    finally:
        signal.signal(signal.SIGTERM, previous)
    assert [signal.getsignal(s) for s in (signal.SIGINT, signal.SIGTERM)] == before


def test_outside_the_main_thread_it_does_nothing():
    before = [signal.getsignal(s) for s in (signal.SIGINT, signal.SIGTERM)]
    seen = []

    async def main():
        with StopSignals(print, print):
            seen.append([signal.getsignal(s) for s in (signal.SIGINT, signal.SIGTERM)])

    thread = threading.Thread(target=lambda: asyncio.run(main()))
    thread.start()
    thread.join()
    assert seen == [before]


def test_a_signal_after_the_loop_was_closed_is_no_error():
    stop = StopSignals(print, print)

    async def main():
        stop.__enter__()

    try:
        asyncio.run(main())
        os.kill(os.getpid(), signal.SIGTERM)
    finally:
        stop.__exit__()
    assert stop._received == 1

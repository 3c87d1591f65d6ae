"""What a person is told who got something wrong, through the command line and from the first line to the exit code."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from ib_line import connected, until

from ml4t.live.testing.chaos import ChaosProxy
from ml4t.live.testing.port import nobody

SECONDS = 120.0
PROGRAM = "from ml4t.live.cli.app import main; main()"
CONFIG = """
[live]
name = "mistaken"
mode = "{mode}"
strategy = "ml4t.live.demo.strategy:MovingAverageCross"

[feeds.ib]
use = "ib"
symbols = {symbols}
port = {feed_port}
timeout_seconds = 1.0

[broker]
use = "ib"
port = {port}
timeout_seconds = 1.0
account = "{account}"

[risk]
max_order_value = 1_000
"""


class Run:
    """`ml4t-live run` in a process of its own, and what it has written."""

    def __init__(self, config: Path) -> None:
        folder = config.parent
        self.process = subprocess.Popen(
            [sys.executable, "-c", PROGRAM, "run", str(config), "--state-dir", str(folder / "state")],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
            cwd=folder,
            env={**os.environ, "COLUMNS": "1000"},
        )
        self.text = ""
        self._said = threading.Condition()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        for line in self.process.stderr:
            with self._said:
                self.text += line
                self._said.notify_all()

    def until_said(self, sentence: str) -> None:
        with self._said:
            assert self._said.wait_for(lambda: sentence in self.text, SECONDS), self.text

    def until_over(self) -> int:
        code = self.process.wait(SECONDS)
        self._reader.join(SECONDS)
        return code

    def stop(self) -> int:
        self.process.send_signal(signal.SIGINT)
        return self.until_over()


@contextmanager
def run(folder: Path, **given: object) -> Iterator[Run]:
    """Run a configuration with a mistake in it."""
    values = {"mode": "paper", "symbols": '["AAPL"]', "account": "", "feed_port": given.get("port"), **given}
    config = folder / "mistaken.toml"
    config.write_text(CONFIG.format(**values))
    running = Run(config)
    try:
        yield running
    finally:
        running.process.kill()
        running.until_over()
        running.process.stderr.close()


@pytest.fixture
def dead_port() -> Iterator[int]:
    with nobody() as (_, port):
        yield port


def test_where_nothing_listens_it_is_said_how_to_make_tws_listen_while_it_is_tried_again(tmp_path, dead_port):
    with run(tmp_path, port=dead_port) as running:
        running.until_said(f"nothing listens at 127.0.0.1:{dead_port}: start TWS or the Gateway, log in")
        running.until_said("broker is backing off")
        assert running.process.poll() is None
        running.stop()


def test_a_feed_where_nothing_listens_is_said_too(tmp_path, tws, dead_port):
    with run(tmp_path, port=tws.address[1], feed_port=dead_port) as running:
        running.until_said("feed ib is backing off")
        running.until_said(f"nothing listens at 127.0.0.1:{dead_port}: start TWS or the Gateway, log in")
        assert running.stop() == 0


def test_what_does_not_answer_as_tws_does_is_said(tmp_path, tws):
    with ChaosProxy(tws.address) as proxy:
        proxy.blackhole(True)
        with run(tmp_path, port=proxy.address[1]) as running:
            running.until_said("does not answer as TWS does: it may be showing a dialog, not trust this machine")
            running.stop()


async def test_a_tws_that_comes_up_later_is_found(tmp_path, tws):
    with ChaosProxy(tws.address) as proxy:
        proxy.refuse(True)
        with run(tmp_path, port=proxy.address[1]) as running:
            running.until_said("broker is backing off")
            proxy.refuse(False)
            await until(lambda: tws.subscriptions, seconds=SECONDS)
            assert running.stop() == 0


async def test_a_client_id_that_is_taken_is_said(tmp_path, tws):
    async with connected(tws):
        with run(tmp_path, port=tws.address[1]) as running:
            running.until_said("client id 1 is in use at 127.0.0.1")
            running.until_said("another process holds it; stop that one, or set another client_id")
            running.stop()


@pytest.mark.parametrize(
    ("mode", "accounts", "sentence"),
    [
        ("live", ["DU1234567"], "the mode is live, and account DU1234567 is a paper account"),
        ("paper", ["U1234567"], "the mode is paper, and account U1234567 is a live account"),
    ],
)
def test_an_account_of_the_wrong_kind_ends_the_run_before_it_begins(tmp_path, make_tws, mode, accounts, sentence):
    tws = make_tws(accounts=accounts)
    with run(tmp_path, port=tws.address[1], mode=mode) as running:
        assert running.until_over() == 2
        assert sentence in running.text
        assert "Traceback" not in running.text
    assert tws.requests == 0


def test_an_account_of_another_login_ends_the_run_before_it_begins(tmp_path, tws):
    with run(tmp_path, port=tws.address[1], account="DU7654321") as running:
        assert running.until_over() == 2
        assert "account DU7654321 is not one of this login's; set account to one of DU1234567" in running.text


def test_a_symbol_that_ib_does_not_know_ends_a_run_of_nothing_else(tmp_path, tws):
    with run(tmp_path, port=tws.address[1], symbols='["NOPE"]') as running:
        assert running.until_over() == 2
        assert "IB lists no 'NOPE' (IB 200); look the name up in TWS, under Contract Info" in running.text


def test_a_symbol_that_ib_does_not_know_leaves_the_others(tmp_path, tws):
    with run(tmp_path, port=tws.address[1], symbols='["NOPE", "AAPL"]') as running:
        running.until_said("NOPE is left out: IB lists no 'NOPE' (IB 200)")
        assert running.stop() == 0


def test_data_that_are_not_subscribed_to_end_a_run_of_nothing_else(tmp_path, make_tws):
    tws = make_tws(unsubscribed=["AAPL"])
    with run(tmp_path, port=tws.address[1]) as running:
        assert running.until_over() == 2
        assert (
            "subscribe to its exchange in IB's Client Portal (Market Data), or set market_data_type = 'delayed'" in running.text
        )

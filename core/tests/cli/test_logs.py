from __future__ import annotations

import io
import json
import logging
import stat
import sys
import warnings

import pytest
import structlog

from ml4t.live import logs
from ml4t.live.config import Secret

KEY = "PK7f3a9cdonotprint"


@pytest.fixture
def written(tmp_path, capsys):
    """Logs to a file while what is given is called; returns the lines of the file and the text of the terminal."""

    def run(action, level="info"):
        with logs.to_terminal(level) as log:
            log.to_file(tmp_path / "live.log")
            action(structlog.get_logger("ml4t.live"))
        captured = capsys.readouterr()
        assert captured.out == ""
        return [json.loads(line) for line in (tmp_path / "live.log").read_text().splitlines()], captured.err

    return run


def test_a_line_is_json_in_the_file_and_readable_on_stderr(written):
    [line], terminal = written(lambda log: log.info("filled", symbol="AAPL", quantity=5))
    assert line.pop("timestamp").endswith("Z")
    assert line == {"event": "filled", "symbol": "AAPL", "quantity": 5, "level": "info", "logger": "ml4t.live"}
    assert "filled" in terminal
    assert "symbol=AAPL" in terminal


def test_the_standard_librarys_logging_goes_the_same_way(written):
    [line], terminal = written(
        lambda _: logging.getLogger("vendor").warning("%d bad rows in %s", 3, "x.csv", extra={"rows": 3})
    )
    assert line["event"] == "3 bad rows in x.csv"
    assert (line["logger"], line["level"], line["rows"]) == ("vendor", "warning", 3)
    assert "3 bad rows in x.csv" in terminal


def test_warnings_are_logged(written):
    # pytest turns warnings into errors before they get here, so this is the call that Python would make.
    [line], _ = written(lambda _: warnings.showwarning("this will go away", DeprecationWarning, "old.py", 3))
    assert "this will go away" in line["event"]
    assert line["logger"] == "py.warnings"


@pytest.mark.parametrize(
    "fields",
    [
        {"api_key": KEY},
        {"apiKey": KEY},
        {"X-API-KEY": KEY},
        {"client_secret": KEY},
        {"password": KEY},
        {"passphrase": KEY},
        {"auth_token": KEY},
        {"Authorization": f"Bearer {KEY}"},
        {"credentials": [KEY]},
        {"headers": {"APCA-API-SECRET-KEY": KEY}},
        {"request": [{"deep": {"token": KEY.encode()}}]},
        {"config": Secret(KEY)},
        {"settings": {"inner": (Secret(KEY),)}},
        {"url": f"https://x.example/stream?symbol=A&api_key={KEY}&depth=5"},
        {"text": f'{{"secret": "{KEY}"}}'},
        {"header": f"Authorization: Bearer {KEY}"},
    ],
)
def test_no_secret_is_written(written, fields):
    [line], terminal = written(lambda log: log.info("connecting", **fields))
    assert KEY not in json.dumps(line) + terminal
    assert "***" in json.dumps(line)
    assert "***" in terminal


def test_a_secret_is_written_as_its_mask(written):
    [line], _ = written(lambda log: log.info("x", config=Secret(KEY), several=[Secret(KEY), 5]))
    assert (line["config"], line["several"]) == ("***", ["***", 5])


def test_no_secret_is_written_by_a_library_or_in_a_traceback(written):
    def act(log):
        logging.getLogger("vendor").info("GET /orders?signature=%s", KEY)
        try:
            raise ValueError(f"401 for token={KEY}")
        except ValueError:
            log.error("refused", exc_info=True)

    lines, terminal = written(act)
    assert KEY not in json.dumps(lines) + terminal


@pytest.mark.parametrize(
    "fields", [{"symbol": "TOKENX", "monkey": "x", "keyboard": "y", "tokens_left": 5}, {"reason": "the key level"}]
)
def test_what_is_no_secret_is_written(written, fields):
    [line], _ = written(lambda log: log.info("x", **fields))
    assert {name: line[name] for name in fields} == fields


def test_the_terminal_gets_the_last_line_of_a_traceback_and_the_file_all_of_it(written):
    def act(log):
        try:
            raise ValueError("the model file is gone")
        except ValueError:
            log.error("failed", exc_info=True)

    [line], terminal = written(act)
    assert line["exception"].startswith("Traceback (most recent call last)")
    assert "Traceback" not in terminal
    assert "ValueError: the model file is gone" in terminal
    _, verbose = written(act, "debug")
    assert "Traceback (most recent call last)" in verbose


@pytest.mark.parametrize(("level", "count"), [("debug", 4), ("info", 3), ("warning", 2), ("error", 1)])
def test_the_level_decides_what_is_written(written, level, count):
    def act(log):
        for method in ("debug", "info", "warning", "error"):
            getattr(log, method)("something")

    assert len(written(act, level)[0]) == count


def test_a_level_that_there_is_not_is_refused():
    with pytest.raises(ValueError, match="'loud' is no level; write one of debug, info"), logs.to_terminal("loud"):
        pass


def test_what_was_set_up_before_is_there_again_afterwards(tmp_path):
    structlog.configure(processors=[structlog.processors.JSONRenderer()])
    try:
        before, handlers, level = structlog.get_config(), list(logging.getLogger().handlers), logging.getLogger().level
        with logs.to_terminal("debug") as log:
            log.to_file(tmp_path / "live.log")
        assert structlog.get_config() == before
        assert logging.getLogger().handlers == handlers
        assert logging.getLogger().level == level
    finally:
        structlog.reset_defaults()


def test_a_progress_bar_that_replaces_stderr_gets_the_lines(monkeypatch):
    with logs.to_terminal() as _:
        replaced = io.StringIO()
        monkeypatch.setattr(sys, "stderr", replaced)
        structlog.get_logger().info("here")
        monkeypatch.undo()
    assert "here" in replaced.getvalue()


def test_the_file_rotates_and_every_one_of_them_is_private(tmp_path, monkeypatch):
    monkeypatch.setattr(logs, "FILE_BYTES", 2_000)
    with logs.to_terminal("info") as log:
        log.to_file(tmp_path / "live.log")
        for number in range(100):
            structlog.get_logger().info("a line", number=number)
    files = sorted(tmp_path.iterdir())
    assert len(files) == logs.FILES + 1
    assert all(file.stat().st_size <= 2_000 for file in files)
    assert all(stat.S_IMODE(file.stat().st_mode) == 0o600 for file in files)


def test_a_file_that_others_can_read_is_made_private(tmp_path):
    path = tmp_path / "live.log"
    path.write_text("")
    path.chmod(0o644)
    with logs.to_terminal() as log:
        log.to_file(path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600

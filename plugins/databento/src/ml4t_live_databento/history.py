"""A range of Databento's history, downloaded once into a file."""

from __future__ import annotations

import os
import traceback
from pathlib import Path
from typing import Any

import requests
import structlog
from databento.common.error import BentoError
from databento.historical.api.timeseries import TimeseriesHttpAPI

from ml4t.live.clock import Clock
from ml4t.live.engine.offload import in_thread
from ml4t.live.feeds.problem import RecordingError
from ml4t_live_databento.config import DatabentoFeedConfig
from ml4t_live_databento.dbn_file import decoded_from
from ml4t_live_databento.failures import BROKEN, DownloadInterrupted, download_failed
from ml4t_live_databento.recording import Recording

TRIES = 4
"""How often a download begins that fails for what passes by itself."""
FIRST_WAIT = 1.0
"""Seconds until it begins again the first time, unless Databento names a time; twice as many each time after that."""
LONGEST_WAIT = 60.0

_log = structlog.get_logger("ml4t.live.databento")


def recorded(config: DatabentoFeedConfig) -> Recording | None:
    """Return the recording that a configuration names, None when there is none yet. Raises RecordingError."""
    if config.path is None or (config.start is not None and not config.recording_path.exists()):
        return None
    recording = Recording(config, config.recording_path)
    if config.start is not None:
        recording.check_range(*config.range)
    return recording


async def downloaded(config: DatabentoFeedConfig, clock: Clock) -> Recording:
    """Download the range of a configuration to its `recording_path`, where it is when it is whole and not before.

    A rate limit, a server that fails and a connection that breaks are tried again, which waits on `clock`. Raises FeedRefused,
    whose RecordingError says that there is no such file now.
    """
    path = config.recording_path
    for attempt in range(TRIES):
        try:
            await in_thread("databento download", _download, config)
            return Recording(config, path)
        except DownloadInterrupted as error:
            if attempt == TRIES - 1:
                raise RecordingError(f"{error}; it was tried {TRIES} times, try again later") from None
            seconds = min(error.retry_after or FIRST_WAIT * 2**attempt, LONGEST_WAIT)
            _log.warning(f"{error}; it is tried again", seconds=seconds)
            await clock.sleep(seconds)
    raise AssertionError("the last try has returned or raised")


def _download(config: DatabentoFeedConfig) -> None:
    """Download, look at every record, and put the file where it belongs. Raises FeedRefused and DownloadInterrupted."""
    path = config.recording_path
    part = path.with_name(f"{path.name}.{os.getpid()}.part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            _request(config, part)
            _check_whole(part)
            part.rename(path)
        finally:
            part.unlink(missing_ok=True)
    except OSError as error:
        raise RecordingError(f"{path} cannot be written: {error.strerror or error}") from None


def _request(config: DatabentoFeedConfig, path: Path) -> None:
    start, end = config.range
    # The SDK's `Historical` makes this of its address, and https of every address: the simulator has no certificate.
    api: Any = TimeseriesHttpAPI(key=config.key.reveal(), gateway=config.history_url)
    api.TIMEOUT = config.history_timeout_seconds
    try:
        store = api.get_range(
            dataset=config.dataset,
            start=start,
            end=end,
            symbols=config.symbols,
            schema=config.schema,
            stype_in=config.stype_in,
            path=path,
        )
        store.reader.close()
    except (BentoError, requests.RequestException) as error:
        _close_what_is_open(error)
        raise download_failed(error, config.history_url) from None
    except OSError:
        raise
    except Exception as error:  # noqa: BLE001 - of what has come the SDK cannot read the beginning
        _close_what_is_open(error)
        raise DownloadInterrupted(BROKEN) from None


def _check_whole(path: Path) -> None:
    """Read every record: HTTP does not always tell that something is missing."""
    try:
        for _ in decoded_from(path):
            pass
    except RecordingError as error:
        raise DownloadInterrupted(BROKEN) from error


def _close_what_is_open(error: BaseException) -> None:
    """Close the file that the SDK was writing or reading: it does so only when all goes well."""
    for frame, _ in traceback.walk_tb(error.__traceback__):
        for name in ("writer", "buffer"):
            if name in frame.f_locals:
                frame.f_locals[name].close()

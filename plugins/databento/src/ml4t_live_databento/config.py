"""The options of the feed."""

from __future__ import annotations

import math
import os
from collections.abc import Iterable, Mapping
from datetime import date, datetime
from pathlib import Path
from typing import Any, Literal
from urllib.parse import urlsplit

from attrs import Attribute, field, frozen
from attrs.validators import ge, gt, in_, instance_of

from ml4t.live.config import Secret
from ml4t.live.feeds.stamps import StampReader

Schema = Literal[
    "ohlcv-1s", "ohlcv-1m", "ohlcv-1h", "ohlcv-1d", "trades", "tbbo", "mbp-1", "bbo-1s", "bbo-1m", "cbbo-1s", "cbbo-1m"
]
SCHEMAS = Schema.__args__  # type: ignore[attr-defined]  # a Literal has them
SymbolType = Literal["raw_symbol", "continuous"]

KEY_VARIABLE = "DATABENTO_API_KEY"
GATEWAY_VARIABLE = "DATABENTO_GATEWAY"
HISTORY = "https://hist.databento.com"
"""Where Databento's history is."""
LOOPBACK = ("127.0.0.1", "localhost", "::1")
PORT = 13_000
"""The port of Databento's gateways."""


def from_environment(options: Mapping[str, Any]) -> dict[str, Any]:
    """Return options of a program, with the key and the gateway taken from the environment when they are not given."""
    given = dict(options)
    if "path" not in given or "start" in given:
        found = {"api_key": os.environ.get(KEY_VARIABLE), "gateway": os.environ.get(GATEWAY_VARIABLE)}
        given = {**{name: value for name, value in found.items() if value}, **given}
    return given


def _secret(value: str | Secret | None) -> Secret | None:
    return None if value is None else Secret.of(value)


def _path(value: str | Path | None) -> Path | None:
    return None if value is None else Path(value)


def _strings(value: Iterable[str]) -> tuple[str, ...]:
    if isinstance(value, str):
        raise TypeError(f'{value!r} is one string where a list is wanted; write ["{value}"]')
    return tuple(dict.fromkeys(value))


def _some(_instance: object, _attribute: object, value: tuple[str, ...]) -> None:
    if not value:
        raise ValueError('is empty; name at least one symbol, as in symbols = ["ESH6"]')
    for symbol in value:
        if not symbol.strip() or set(symbol) & set(",|=\n"):
            raise ValueError(f"{symbol!r} is not a symbol of Databento's")


def _gateway(_instance: object, _attribute: object, value: str) -> None:
    host, colon, port = value.rpartition(":")
    if value and not (colon and host and port.isdecimal()):
        raise ValueError(f"{value!r} is not a gateway; write host and port, as in 127.0.0.1:13000")


def _url(_instance: object, _attribute: object, value: str) -> None:
    parts = urlsplit(value)
    if not parts.hostname or (parts.scheme != "https" and (parts.scheme != "http" or parts.hostname not in LOOPBACK)):
        raise ValueError(f"{value!r} is not where history is; write https:// and a host: the key is sent there")


def _speed(_instance: object, attribute: Attribute[Any], value: float | str) -> None:
    if value != "max" and (isinstance(value, str) or not 0 < value < math.inf):
        raise ValueError(f'{attribute.name} = {value!r}: write "max" or a number above zero; 1.0 is real time')


@frozen(kw_only=True)
class DatabentoFeedConfig:
    """The options of the feed: of a live one `api_key` and `dataset`, of a recorded one `path`.

    With `start` and `end` the recording is downloaded to `path`, unless it is there.
    """

    symbols: tuple[str, ...] = field(converter=_strings, validator=_some)
    """What to listen to, in the form that `stype_in` says."""

    api_key: Secret | None = field(default=None, converter=_secret)
    """The API key, 32 characters that begin with `db-`. A recording needs none."""

    dataset: str = field(default="", validator=instance_of(str))
    """Whose data: `GLBX.MDP3` (CME), `XNAS.ITCH` (Nasdaq), `EQUS.MINI` (US stocks) and so on. A recording says it itself."""

    schema: Schema = field(default="ohlcv-1m", validator=in_(SCHEMAS))
    """Bars (`ohlcv-1s` to `ohlcv-1d`), every trade (`trades`), trades with the quote before each (`tbbo`), every change of the
    best bid and ask (`mbp-1`), or that once per interval (`bbo-1s`, `bbo-1m`; of all venues `cbbo-1s`, `cbbo-1m`)."""

    stype_in: SymbolType = field(default="raw_symbol", validator=in_(("raw_symbol", "continuous")))
    """What a symbol is: the venue's own (`ESH6`, `AAPL`), or a `continuous` future such as `ES.c.0`."""

    path: Path | None = field(default=None, converter=_path)
    """A recording to play instead: a `.dbn` or `.dbn.zst` file."""

    start: str | date | datetime | None = None
    """Download what happened from this ISO date or date and time on (UTC unless it says its zone), and play it."""

    end: str | date | datetime | None = None
    """The download ends before this ISO date and time. A date alone is still played itself, to its end."""

    speed: Literal["max"] | float = field(default="max", validator=_speed)
    """How fast a recording is played: `"max"`, or seconds of data per second; 1.0 is real time."""

    quiet_bars: bool = True
    """When an interval is over, make a bar of no volume at the last close for every symbol that did not trade in it."""

    gateway: str = field(default="", validator=_gateway)
    """Where the gateway is, as `host:port`; empty: Databento's own of the dataset."""

    history_url: str = field(default=HISTORY, validator=_url)
    """Where history is downloaded from."""

    heartbeat_seconds: int = field(default=5, validator=ge(5))
    """How often the gateway is asked to say that it is there when it has nothing to tell; it takes 5 at least."""

    silence_seconds: float = field(default=15.0, validator=gt(0))
    """A gateway that says nothing for so long, not even that it is there, is taken to be lost."""

    timeout_seconds: float = field(default=10.0, validator=gt(0))
    """How long connecting, and logging in, may take each."""

    history_timeout_seconds: float = field(default=100.0, validator=gt(0))
    """How long nothing may come of a download: Databento looks for the data before it sends any."""

    def __attrs_post_init__(self) -> None:
        self._check_range()
        if self.path is not None and (self.start is None or self.recording_path.exists()):
            return
        low = [symbol for symbol in self.symbols if self.stype_in == "raw_symbol" and symbol != symbol.upper()]
        if low:  # the SDK asks for them in capitals, and what comes under that name would be nobody's
            raise ValueError(
                f"symbols: {', '.join(low)} of stype_in = 'raw_symbol' are written in capitals; a future by its place in the "
                "curve, such as ES.c.0, needs stype_in = 'continuous'"
            )
        if self.api_key is None:
            raise ValueError(
                f"api_key is missing; give it, or set {KEY_VARIABLE}: Databento's web page shows it under API keys. To play a "
                "recording instead, give its path"
            )
        if not self.dataset:
            raise ValueError('dataset is missing; name one, as in dataset = "GLBX.MDP3"')

    def _check_range(self) -> None:
        if self.start is None and self.end is None:
            return
        if self.start is None or self.end is None:
            raise ValueError("start and end belong together; give both, or neither")
        if self.path is None:
            raise ValueError(
                "path is missing; say where the range from start to end is kept, as in path = 'es.dbn.zst': a download costs "
                "money, and is made once"
            )
        start, end = self.range
        if start >= end:
            raise ValueError(f"start = {self.start} is not before end = {self.end}")

    @property
    def range(self) -> tuple[int, int]:
        """Start and end of what is downloaded, nanoseconds UTC."""
        if self.start is None or self.end is None:
            raise ValueError("there is no range")
        read = StampReader()
        return read(self.start), read.end_of(self.end)

    @property
    def recording_path(self) -> Path:
        """Where the recording is. What comes from elsewhere than Databento, a simulator, is never taken for its history."""
        if self.path is None:
            raise ValueError("there is no recording")
        if self.start is None or self.history_url == HISTORY:
            return self.path
        return self.path.with_name(f"{urlsplit(self.history_url).hostname}-{self.path.name}")

    @property
    def key(self) -> Secret:
        """The key of a live feed."""
        if self.api_key is None:
            raise ValueError("a recording has no key")
        return self.api_key

    @property
    def address(self) -> tuple[str, int]:
        """Host and port of the gateway."""
        if self.gateway:
            host, _, port = self.gateway.rpartition(":")
            return host, int(port)
        return f"{self.dataset.lower().replace('.', '-')}.lsg.databento.com", PORT

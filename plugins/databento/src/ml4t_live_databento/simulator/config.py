"""The options of the simulator."""

from __future__ import annotations

from attrs import field, frozen
from attrs.validators import ge, gt, instance_of

from ml4t.live.config import Duration
from ml4t.live.times import NANOS

SYMBOLS = ("ESH6", "NQH6", "ES.c.0", "AAPL", "MSFT", "SPY")


@frozen(kw_only=True)
class DatabentoSimulatorConfig:
    """A simulated gateway and its market."""

    port: int = field(default=0, validator=ge(0))
    """The port on 127.0.0.1; 0 takes a free one."""

    seed: int = 1
    """Where the random walk and the key begin: the same seed makes the same prices."""

    symbols: tuple[str, ...] = field(default=SYMBOLS, converter=tuple)
    """What can be listened to, in any dataset."""

    price: float = field(default=100.0, validator=gt(0))
    """Where every symbol starts."""

    volatility: float = field(default=0.0005, validator=ge(0))
    """Standard deviation of one step of the random walk, as a fraction of the price."""

    tick: Duration = field(default=NANOS, validator=gt(0))
    """How often prices move."""

    still: bool = False
    """Leave prices where they are, until a test moves them."""

    heartbeat_seconds: float = field(default=0.0, validator=ge(0))
    """How often to say that it is there; 0: as often as a client asks for."""

    slow_bytes: int = field(default=4 << 20, validator=gt(0))
    """A client that has so much left to read is a slow one."""

    connections: int = field(default=10, validator=gt(0))
    """How many may be open at a time."""

    replay: str = field(default="", validator=instance_of(str))
    """A CSV file with the columns `symbol`, `price` and optionally `size`: one line is one trade, one line a tick. Or a DBN
    recording (`.dbn`, `.dbn.zst`): its records are sent again as they are, as far apart as they were, from when somebody
    listens on. Empty: a random walk."""

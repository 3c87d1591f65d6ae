"""The tape of a run: everything that its strategy was handed, so that what it decided can be asked of it again."""

from ml4t.live.tape.broker import TapedBroker
from ml4t.live.tape.file import TapeDamaged
from ml4t.live.tape.market import TapedMarket
from ml4t.live.tape.reader import TapeReader
from ml4t.live.tape.shelf import Shelf
from ml4t.live.tape.strategy import TapedStrategy
from ml4t.live.tape.tape import Tape

__all__ = ["Shelf", "Tape", "TapeDamaged", "TapeReader", "TapedBroker", "TapedMarket", "TapedStrategy"]

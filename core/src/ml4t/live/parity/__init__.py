"""The replay of a recorded session: a strategy is handed what it was handed then, and has to decide the same."""

from ml4t.live.parity.divergence import Divergence
from ml4t.live.parity.replay import Replay, RunReplay
from ml4t.live.parity.session import NotReplayable, SessionParity, replay_session

__all__ = ["Divergence", "NotReplayable", "Replay", "RunReplay", "SessionParity", "replay_session"]

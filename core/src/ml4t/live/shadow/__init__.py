"""The shadow venue: orders fill against live data, and nothing leaves the process."""

from ml4t.live.shadow.venue import ShadowVenue

__all__ = ["ShadowVenue"]

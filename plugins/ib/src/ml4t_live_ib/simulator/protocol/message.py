"""A message of the protocol: its number and its table of fields."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from attrs import frozen

from ml4t_live_ib.simulator.protocol.fields import Item, Values, put_all, take_all
from ml4t_live_ib.simulator.protocol.wire import WireError, frame


@frozen
class Message:
    """One kind of message, in either direction. `number` is its first field."""

    number: int
    name: str
    items: Sequence[Item]

    def texts(self, values: Mapping[str, Any], version: int) -> list[str]:
        """Return the fields of a message with these values, for a peer of this server version."""
        out = [str(self.number)]
        put_all(self.items, values, version, out)
        return out

    def frame(self, values: Mapping[str, Any], version: int) -> bytes:
        """Return the frame of a message with these values."""
        return frame(self.texts(values, version))

    def read(self, texts: Sequence[str], version: int) -> Values:
        """Return the values in these fields (the number first). Raises `WireError` when they do not fit the table."""
        values: Values = {}
        rest = iter(texts)
        next(rest)
        try:
            take_all(self.items, rest, version, values)
        except (StopIteration, ValueError) as error:
            raise WireError(f"{self.name} does not fit its table: {error or 'fields are missing'}") from error
        return values

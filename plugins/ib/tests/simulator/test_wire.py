"""Frames, however the network cuts them."""

from __future__ import annotations

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ml4t_live_ib.simulator.protocol.fields import write
from ml4t_live_ib.simulator.protocol.wire import LONGEST, Splitter, WireError, frame

texts = st.lists(st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"])), min_size=1, max_size=6)


@given(st.lists(texts, max_size=5), st.lists(st.integers(1, 40), min_size=1, max_size=30))
def test_messages_survive_any_cut(messages, sizes) -> None:
    stream = b"API\0" + b"".join(frame(each) for each in messages)
    splitter = Splitter()
    heard = []
    while stream:
        size = sizes[len(heard) % len(sizes)]
        heard += splitter.feed(stream[:size])
        stream = stream[size:]

    assert heard == messages


def test_a_stranger_is_noticed_at_once() -> None:
    with pytest.raises(WireError, match=r"begins with b'API"):
        list(Splitter().feed(b"GE"))


def test_a_length_that_cannot_be_is_not_waited_for() -> None:
    with pytest.raises(WireError, match=f"{LONGEST} is the most"):
        list(Splitter().feed(b"API\0" + struct.pack(">I", LONGEST + 1)))


@pytest.mark.parametrize(
    ("value", "text"),
    [(None, ""), (True, "1"), (False, "0"), (7, "7"), (190.0, "190"), (190.01, "190.01"), (float("inf"), "Infinity")],
)
def test_values_are_written_as_the_protocol_wants_them(value, text) -> None:
    assert write(value) == text

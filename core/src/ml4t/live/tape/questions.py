"""What a strategy may ask its broker, and the form in which question and answer are written."""

from __future__ import annotations

import typing
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import msgspec

from ml4t.live.model import Order
from ml4t.live.orders.facade import DeskBroker
from ml4t.live.tape.frames import pack, unpack


def _answers() -> dict[str, Any]:
    """Return the type of the answer of everything public that a strategy's broker has."""
    members = {name: member for name, member in vars(DeskBroker).items() if not name.startswith("_")}
    functions = {name: member.fget if isinstance(member, property) else member for name, member in members.items()}
    return {name: typing.get_type_hints(function)["return"] for name, function in functions.items() if callable(function)}


ANSWERS: Mapping[str, Any] = _answers()
PROPERTIES = frozenset(name for name, member in vars(DeskBroker).items() if isinstance(member, property))

SUBMISSIONS = frozenset({"submit_order", "submit_bracket", "submit_oco", "close_position"})
"""The questions whose answers are orders that did not exist before."""
DECISIONS = SUBMISSIONS | {"cancel_order", "update_order", "replace_order"}
"""The questions that change something."""

_DECODERS = {name: msgspec.msgpack.Decoder(kind) for name, kind in ANSWERS.items()}

Arguments = tuple[Sequence[Any], Mapping[str, Any]]


def pack_arguments(args: Sequence[Any], kwargs: Mapping[str, Any]) -> bytes:
    """Return the arguments of a call as bytes, byte for byte the same for the same call.

    What is no number, text, list or table is told apart by its type alone: a broker refuses it.
    """
    named = dict(sorted(kwargs.items())) if kwargs else kwargs
    try:
        return pack([args, named])
    except Exception:  # noqa: BLE001 - a strategy may pass anything, and it is for the broker to say what it thinks of that
        return pack([[_writable(value) for value in args], {name: _writable(value) for name, value in named.items()}])


def unpack_arguments(packed: bytes) -> Arguments:
    """Return the arguments of a call as they are shown to people."""
    args, kwargs = unpack(packed)
    return args, kwargs


def unpack_answer(name: str, packed: bytes) -> Any:
    """Return what a broker answered. Raises msgspec.ValidationError, or KeyError for what no broker is asked."""
    return _DECODERS[name].decode(packed)


def orders_in(answer: Any) -> Sequence[Order]:
    """Return the orders that an answer is made of."""
    return [each for each in (answer if isinstance(answer, tuple) else (answer,)) if isinstance(each, Order)]


def shown_call(name: str, packed: bytes) -> str:
    """Return a question as a line of Python."""
    if name in PROPERTIES:
        return name
    args, kwargs = unpack_arguments(packed)
    return f"{name}({', '.join([*map(repr, args), *(f'{key}={value!r}' for key, value in kwargs.items())])})"


def bound(broker: Any, name: str) -> Callable[..., Any]:
    """Return what asks a broker: a method of it, or a call that reads a property."""
    return (lambda: getattr(broker, name)) if name in PROPERTIES else getattr(broker, name)


def _writable(value: Any) -> Any:
    try:
        pack(value)
    except Exception:  # noqa: BLE001 - as above
        return {"type": f"{type(value).__module__}.{type(value).__qualname__}"}
    return value

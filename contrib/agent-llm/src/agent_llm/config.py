"""The options of the agent."""

from __future__ import annotations

from typing import Any, Literal
from urllib.parse import urlsplit

from attrs import field, frozen
from attrs.validators import ge, gt, in_, min_len, optional

from ml4t.live.config import Secret

FORMATS = ("json_schema", "json_object", "none")
_HERE = frozenset({"127.0.0.1", "localhost", "::1"})


def _secret(value: str | Secret | None) -> Secret | None:
    return None if value is None else Secret.of(value)


def _is_safe(_instance: object, _attribute: Any, value: str) -> None:
    parts = urlsplit(value)
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise ValueError("is no address; write the whole one, such as https://example.com/v1/chat/completions")
    if parts.scheme == "http" and parts.hostname not in _HERE:
        raise ValueError("sends the key and the prompt in the clear; write https, or an address of this machine")
    if parts.username or parts.password:
        raise ValueError("has a password in it, and would be shown; use api_key")


@frozen(kw_only=True)
class LlmConfig:
    """Whom to ask, how much may be said, and what it may cost."""

    url: str = field(validator=_is_safe)
    """The whole address of the chat completions of a server."""

    model: str = field(validator=min_len(1))
    """The model, as the server calls it."""

    api_key: Secret | None = field(default=None, converter=_secret)
    """The key, when the server wants one."""

    budget_per_day: float = field(validator=ge(0))
    """What may be spent in a day (UTC), in the currency of the prices; after that it abstains."""

    price_in: float = field(validator=ge(0))
    """The price of a million tokens of a prompt; 0 for a server of one's own."""

    price_out: float = field(validator=ge(0))
    """The price of a million tokens of an answer."""

    requests_per_day: int = field(default=500, validator=gt(0))
    """How many requests may be made in a day (UTC), whatever they cost."""

    instructions: str = ""
    """What the model is told besides what is asked and how to answer."""

    prices: int = field(default=60, validator=gt(0))
    """How many of the last prices of a symbol the model is told; fewer when the prompt would be too long."""

    timeout_seconds: float = field(default=20.0, validator=gt(0))
    """How long a request may take."""

    max_prompt_chars: int = field(default=12_000, validator=gt(0))
    """How long a prompt may be."""

    max_answer_bytes: int = field(default=65_536, validator=gt(0))
    """How long an answer may be; a longer one is not read."""

    max_tokens: int = field(default=1_000, validator=gt(0))
    """How many tokens the model may answer with."""

    temperature: float | None = field(default=0.0, validator=optional(ge(0)))  # type: ignore[arg-type]  # mypy forgets the None
    """How freely the model answers; None: as the server likes."""

    response_format: Literal["json_schema", "json_object", "none"] = field(default="json_schema", validator=in_(FORMATS))
    """How the server is told to answer in JSON; not every server knows each. What comes is checked in any case."""

    max_move: float = field(default=0.5, validator=gt(0))
    """A price that is further from the last one than this fraction is garbage: 0.5 is 50 %."""

    on_recorded: bool = False
    """Also ask while recorded data are played. The model may have learned what came of them."""

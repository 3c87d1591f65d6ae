"""Our order ids as an exchange wants client order ids, and back."""

from __future__ import annotations

import re
from collections.abc import Mapping
from types import MappingProxyType
from uuid import UUID

from attrs import frozen

from ml4t.live.errors import BrokerRefused, ConfigError

_OURS = re.compile(r"m([0-9a-f]{23})")
_PAD = "0" * 9
_PLAIN = re.compile(r"[A-Za-z0-9]+")


@frozen
class Form:
    """How an exchange writes client order ids."""

    longest: int = 0
    """Letters and digits at most; 0 when it takes numbers of 128 bits only."""
    prefix: str = ""
    """What ccxt puts in front of them."""
    uuid: bool = False
    """Numbers of 128 bits have dashes, and no `0x` in front."""

    def theirs(self, order_id: str) -> str:
        """Return the client order id of an order of ours. Raises BrokerRefused for an id that cannot be written so."""
        if self.longest:
            if len(order_id) > self.longest or not _PLAIN.fullmatch(order_id):
                raise BrokerRefused(f"{order_id!r} is not {self.longest} letters and digits at most", code="client_order_id")
            return order_id
        digits = _OURS.fullmatch(order_id)
        if digits is None:
            raise BrokerRefused(f"{order_id!r} is no id of ours and cannot be written as a number", code="client_order_id")
        number = _PAD + digits[1]
        return str(UUID(number)) if self.uuid else f"0x{number}"

    def ours(self, client_id: str | None) -> str:
        """Return our id of an order by its client order id; empty for one without."""
        text = (client_id or "").removeprefix(self.prefix)
        if self.longest:
            return text
        number = text.removeprefix("0x").replace("-", "").lower()
        return "m" + number[len(_PAD) :] if number.startswith(_PAD) and len(number) == 32 else text


_FORMS: Mapping[str, Form] = MappingProxyType(
    {
        **dict.fromkeys(("okx", "okxus", "myokx", "bitget", "mexc"), Form(32)),
        **dict.fromkeys(("binance", "binanceus", "binanceusdm", "bybit", "bybiteu", "cryptocom", "coinbase"), Form(36)),
        **dict.fromkeys(("kucoin", "kucoinfutures", "bingx", "phemex"), Form(40)),
        **dict.fromkeys(("htx", "krakenfutures"), Form(64)),
        **dict.fromkeys(("gate", "gateeu"), Form(28, prefix="t-")),
        "kraken": Form(uuid=True),
        "hyperliquid": Form(),
    }
)


def form_of(exchange: str) -> Form:
    """Return how an exchange writes client order ids. Raises ConfigError for one of which that is not known."""
    form = _FORMS.get(exchange)
    if form is None:
        words = (
            f"exchange = {exchange!r}: how it writes client order ids is not known here, and without them an order whose "
            f"answer is lost could not be found again; it can be used as a feed. Orders go to {', '.join(sorted(_FORMS))}"
        )
        raise ConfigError([words])
    return form

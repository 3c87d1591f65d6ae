"""What can be traded at Alpaca, and in which steps."""

from __future__ import annotations

from decimal import Decimal

from ml4t.live.model import Instrument
from ml4t_live_alpaca.orders import FINEST_QUANTITY, stock
from ml4t_live_alpaca.rest import RequestRefused, Rest
from ml4t_live_alpaca.symbols import is_crypto


class Assets:
    """Looks assets up, once each."""

    def __init__(self) -> None:
        self._instruments: dict[str, Instrument] = {}

    async def instrument(self, symbol: str, rest: Rest) -> Instrument:
        """Return the trading rules of a symbol. Only crypto has rules of its own, which are asked for."""
        known = self._instruments.get(symbol)
        if known is not None:
            return known
        if not is_crypto(symbol):
            instrument = stock(symbol)
        else:
            said = await rest.get(f"/assets/{symbol}")
            instrument = Instrument(
                symbol,
                asset_class="crypto",
                price_tick=Decimal(said.get("price_increment") or FINEST_QUANTITY),
                quantity_step=Decimal(said.get("min_trade_increment") or FINEST_QUANTITY),
                min_quantity=Decimal(said["min_order_size"]) if said.get("min_order_size") else None,
            )
        self._instruments[symbol] = instrument
        return instrument


async def is_listed(symbol: str, rest: Rest) -> bool:
    """Return False for a symbol that Alpaca does not know or does not trade any more."""
    try:
        said = await rest.get(f"/assets/{symbol}")
    except RequestRefused as refused:
        if refused.status in {404, 422}:
            return False
        raise
    return str(said.get("status", "active")) == "active"

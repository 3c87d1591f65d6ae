"""What is listed at the simulated exchange."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from attrs import frozen

QUOTE = "USDT"
ORDER_TYPES = ["LIMIT", "LIMIT_MAKER", "MARKET", "STOP_LOSS", "STOP_LOSS_LIMIT"]


@frozen
class Pair:
    """One spot pair; `lot` is the step and the least of its quantities."""

    id: str
    base: str
    tick: Decimal
    lot: Decimal
    status: str = "TRADING"

    def as_json(self) -> dict[str, Any]:
        """Return it as the list of instruments has it."""
        tick, lot = f"{self.tick:f}", f"{self.lot:f}"
        return {
            "symbol": self.id, "status": self.status, "baseAsset": self.base, "baseAssetPrecision": 8, "quoteAsset": QUOTE,
            "quotePrecision": 8, "quoteAssetPrecision": 8, "baseCommissionPrecision": 8, "quoteCommissionPrecision": 8,
            "orderTypes": ORDER_TYPES, "icebergAllowed": True, "ocoAllowed": True, "otoAllowed": True,
            "quoteOrderQtyMarketAllowed": True, "allowTrailingStop": True, "cancelReplaceAllowed": True,
            "amendAllowed": True, "isSpotTradingAllowed": True, "isMarginTradingAllowed": False,
            "filters": [
                {"filterType": "PRICE_FILTER", "minPrice": tick, "maxPrice": "1000000.00000000", "tickSize": tick},
                {"filterType": "LOT_SIZE", "minQty": lot, "maxQty": "9000.00000000", "stepSize": lot},
                {"filterType": "NOTIONAL", "minNotional": "5.00000000", "applyMinToMarket": True,
                 "maxNotional": "9000000.00000000", "applyMaxToMarket": False, "avgPriceMins": 5},
            ],
            "permissions": [], "permissionSets": [["SPOT"]], "defaultSelfTradePreventionMode": "EXPIRE_MAKER",
            "allowedSelfTradePreventionModes": ["EXPIRE_MAKER"],
        }  # fmt: skip


def catalogue() -> dict[str, Pair]:
    """Return what is listed, by its id. LUNA was delisted."""
    steps = {"BTC": ("0.01", "0.00001"), "ETH": ("0.01", "0.0001"), "SOL": ("0.01", "0.001"), "LUNA": ("0.0001", "0.01")}
    pairs = [Pair(f"{base}{QUOTE}", base, Decimal(tick), Decimal(lot)) for base, (tick, lot) in steps.items() if base != "LUNA"]
    tick, lot = steps["LUNA"]
    return {each.id: each for each in [*pairs, Pair("LUNAUSDT", "LUNA", Decimal(tick), Decimal(lot), "BREAK")]}

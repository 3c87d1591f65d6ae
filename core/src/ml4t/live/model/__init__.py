"""The domain model: one noun a file, frozen and slotted.

Market events are msgspec Structs because one is made per tick; everything slower is attrs.
"""

from ml4t.live.model.account import Account
from ml4t.live.model.bar import Bar
from ml4t.live.model.fill import Fill
from ml4t.live.model.firing import Firing
from ml4t.live.model.forecast import Direction, Distribution, Family, Forecast, ForecastState, HorizonIn, Resolution
from ml4t.live.model.funding import Funding
from ml4t.live.model.gap import Gap
from ml4t.live.model.instrument import Instrument
from ml4t.live.model.order import Order, OrderSide, OrderState, OrderStatus, OrderType, Terms, TimeInForce
from ml4t.live.model.position import Position
from ml4t.live.model.quote import Quote
from ml4t.live.model.trade import Trade
from ml4t.live.model.verdict import ALLOW, Verdict, refuse

MarketEvent = Trade | Quote | Bar | Funding

__all__ = [
    "ALLOW",
    "Account",
    "Bar",
    "Direction",
    "Distribution",
    "Family",
    "Fill",
    "Firing",
    "Forecast",
    "ForecastState",
    "Funding",
    "Gap",
    "HorizonIn",
    "Instrument",
    "MarketEvent",
    "Order",
    "OrderSide",
    "OrderState",
    "OrderStatus",
    "OrderType",
    "Position",
    "Quote",
    "Resolution",
    "Terms",
    "TimeInForce",
    "Trade",
    "Verdict",
    "refuse",
]

"""What IB's message codes mean, and what the adapter makes of each: one table.

The texts are IB's own message codes (API reference, "Message Codes") in few words. A code that is not listed is `LOOK_UP` when
it names an order, and `TELL` when it does not: no unknown code ends an order.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from enum import StrEnum
from types import MappingProxyType

from attrs import frozen


class Action(StrEnum):
    """What the adapter does about a code."""

    TELL = "tell"
    """Log it."""
    OUTAGE = "outage"
    """TWS has lost IB's servers, and its socket to us stays up: no new orders, but go on listening."""
    RESTORED = "restored"
    """TWS has IB's servers again: orders may leave, and a feed begins anew, whatever TWS says it kept."""
    MOVED = "moved"
    """TWS listens on another port from now on: connect again, there."""
    TAKEN = "taken"
    """Somebody else is connected under our client id."""
    REJECTED = "rejected"
    """A new order was turned away; a change of a working one was, and the order works on."""
    CANCELLED = "cancelled"
    """An order has been cancelled."""
    LOOK_UP = "look up"
    """It says nothing certain about an order: ask which orders are open."""
    NO_CONTRACT = "no contract"
    """There is no such instrument, or several."""
    NO_DATA = "no data"
    """The account has no subscription for the data of an instrument."""
    NO_LINE = "no line"
    """The account has as many subscriptions as it may have."""
    COMPETING = "competing"
    """Somebody is logged in with the same user elsewhere, and has the market data."""
    PACING = "pacing"
    """Too many requests for data, or one that cannot be answered: wait, and ask again."""
    AGAIN = "again"
    """A subscription has ended: begin anew, so that the hole is known."""


@frozen
class Code:
    """The meaning of one code."""

    meaning: str
    action: Action


def _codes(action: Action, meanings: Mapping[int, str]) -> Iterable[tuple[int, Code]]:
    return ((number, Code(meaning, action)) for number, meaning in meanings.items())


CODES: Mapping[int, Code] = MappingProxyType(
    dict(
        [
            *_codes(
                Action.OUTAGE,
                {
                    1100: "TWS has lost the connection to IB's servers",
                    2110: "TWS has lost the connection to IB's servers; it will be restored by itself",
                },
            ),
            *_codes(
                Action.RESTORED,
                {
                    1101: "TWS has IB's servers again; market data have to be asked for anew",
                    1102: "TWS has IB's servers again; market data were kept",
                },
            ),
            *_codes(Action.MOVED, {1300: "TWS listens on another port now"}),
            *_codes(Action.TAKEN, {326: "the client id is in use"}),
            *_codes(
                Action.TELL,
                {
                    2100: "new account data were asked for; the older subscription ends",
                    2103: "a market-data farm is not connected",
                    2104: "a market-data farm is connected",
                    2105: "a historical-data farm is not connected",
                    2106: "a historical-data farm is connected",
                    2107: "a historical-data farm is idle until it is asked",
                    2108: "a market-data farm is idle until it is asked",
                    2119: "a market-data farm is being connected",
                    2157: "the security-definition farm is not connected",
                    2158: "the security-definition farm is connected",
                    10090: "part of the market data is not subscribed to; the rest comes",
                    10167: "market data are not subscribed to; delayed ones come instead",
                },
            ),
            *_codes(
                Action.REJECTED,
                {
                    103: "the order id was used before",
                    106: "the order id cannot be transmitted",
                    107: "the order is incomplete",
                    109: "the price is out of the range that TWS allows",
                    110: "the price is not on the tick of the instrument",
                    111: "the time in force and the order type do not go together",
                    113: "an order on the close has to be for the day",
                    116: "the order cannot be sent to a dead exchange",
                    140: "the size is not a number",
                    141: "the price is not a number",
                    144: "the size does not match",
                    145: "a field of the order is wrong",
                    154: "the instrument is halted",
                    163: "the price is further from the market than the settings of TWS allow",
                    201: "the order was rejected",
                    203: "the instrument is not available to this account",
                    355: "the size does not fit the rules of the market",
                    361: "the trigger price is wrong",
                    382: "the size is above the limit in the settings of TWS",
                    383: "the size is above the limit in the settings of TWS",
                    387: "the exchange has no such order type for this instrument",
                    388: "the size is below the least one",
                    411: "the instrument cannot be traded",
                    434: "the size is zero",
                    435: "an account has to be named",
                    10243: "no fractional size over the API",
                    10318: "no fractional size for this instrument",
                },
            ),
            *_codes(Action.CANCELLED, {202: "the order was cancelled"}),
            *_codes(
                Action.LOOK_UP,
                {
                    104: "an order that has filled cannot be changed",
                    105: "the change does not fit the order",
                    135: "there is no order with this id",
                    136: "the order cannot be cancelled",
                    161: "the order cannot be cancelled in its state",
                    321: "TWS found a fault in the request",
                    329: "the type of an order cannot be changed",
                    399: "a remark on an order that works, such as that it waits for the open",
                    404: "shares to sell short are being looked for; the order waits",
                    2109: "the order's attribute for outside of regular hours is ignored",
                    10147: "there is no such order to cancel",
                    10148: "an order in its state cannot be cancelled",
                    10349: "the time in force was set by a preset of TWS; the order works",
                },
            ),
            *_codes(Action.NO_CONTRACT, {200: "no such instrument, or several"}),
            *_codes(
                Action.NO_DATA,
                {
                    354: "market data are not subscribed to",
                    10089: "market data need another subscription for the API",
                    10168: "market data are not subscribed to, and delayed ones are not switched on",
                    10186: "market data are not subscribed to, and delayed ones are not switched on",
                    10189: "tick-by-tick data cannot be subscribed to",
                },
            ),
            *_codes(
                Action.NO_LINE,
                {
                    101: "the account has no market-data line left",
                    10190: "too many tick-by-tick subscriptions",
                },
            ),
            *_codes(Action.COMPETING, {10197: "another login of the same user has the market data"}),
            *_codes(
                Action.PACING,
                {
                    100: "more messages a second than TWS allows",
                    162: "the historical data cannot be had",
                    366: "the request for historical data is gone",
                    420: "too many requests for 5-second bars",
                },
            ),
            *_codes(
                Action.AGAIN,
                {
                    10182: "the updates of bars have failed",
                    10225: "the subscription was ended by a correction at the venue",
                },
            ),
        ]
    )
)


def action_of(code: int, *, names_order: bool) -> Action:
    """Return what to do about a code; `names_order` says that its id is that of an order."""
    known = CODES.get(code)
    if known is not None:
        return known.action
    return Action.LOOK_UP if names_order else Action.TELL


def sentence(code: int, text: str) -> str:
    """Return the code, its meaning where it is known, and IB's own text."""
    known = CODES.get(code)
    return f"IB {code}: {text}" if known is None else f"IB {code}, {known.meaning}: {text}"

"""How instruments are written: one spelling per IB contract, so that symbols can be compared.

| kind | spelling | example |
| --- | --- | --- |
| stock, ETF | `SYMBOL [CURRENCY]` | `AAPL`, `BRK.B`, `BMW EUR` |
| future | `SYMBOL[/CLASS] YYYYMM EXCHANGE [CURRENCY]` | `ES 202612 CME`, `DAX/FDAX 202612 EUREX EUR` |
| option | `SYMBOL[/CLASS] YYYYMMDD C|P STRIKE [CURRENCY]` | `AAPL 20261218 C 200`, `SPX/SPXW 20261218 P 6000` |
| option on a future | `SYMBOL[/CLASS] YYYYMMDD C|P STRIKE EXCHANGE [CURRENCY]` | `ES/EW3 20261218 C 6000 CME` |
| currency pair | `BASE.QUOTE` | `EUR.USD` |
| crypto | `BASE.QUOTE EXCHANGE` | `BTC.USD PAXOS` |
| index | `SYMBOL IND EXCHANGE [CURRENCY]` | `VIX IND CBOE` |
| contract for difference | `SYMBOL CFD [CURRENCY]` | `IBUS500 CFD` |
| anything else | `#CONID` | `#28812380` |

The currency is written unless it is USD, and the trading class unless it is the symbol's own name.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from ib_async import Contract

CURRENCIES = frozenset(
    (  # noqa: SIM905 - one to a line they would be thirty
        "AED AUD CAD CHF CNH CZK DKK EUR GBP HKD HUF ILS INR JPY KRW MXN NOK NZD PLN RON SAR SEK SGD THB TRY TWD USD ZAR"
    ).split()
)
"""The currencies that IB trades in."""

_NAME = r"(?P<symbol>[A-Z0-9][A-Z0-9.&+-]*)"
_CLASS = r"(?:/(?P<cls>[A-Z0-9.]+))?"
_CURRENCY = r"(?: (?P<currency>[A-Z]{3}))?"
_STRIKE = r"(?P<right>[CP]) (?P<strike>\d+(?:\.\d+)?)"
_EXCHANGE = r" (?P<exchange>[A-Z][A-Z0-9]*)"

_Fields = dict[str, str]


def _stock(name: str) -> str:
    return name.replace(".", " ")  # IB writes the class of a share behind a space: BRK B


def _make_stock(f: _Fields) -> Contract:
    return Contract(secType="STK", symbol=_stock(f["symbol"]), exchange="SMART", currency=f["currency"] or "USD")


def _make_pair(f: _Fields) -> Contract:
    return Contract(secType="CASH", symbol=f["base"], exchange="IDEALPRO", currency=f["quote"])


def _make_crypto(f: _Fields) -> Contract:
    return Contract(secType="CRYPTO", symbol=f["base"], exchange=f["exchange"], currency=f["quote"])


def _make_future(f: _Fields) -> Contract:
    return Contract(
        secType="FUT",
        symbol=f["symbol"],
        lastTradeDateOrContractMonth=f["month"],
        exchange=f["exchange"],
        currency=f["currency"] or "USD",
        tradingClass=f["cls"] or f["symbol"],
    )


def _make_option(f: _Fields) -> Contract:
    return Contract(
        secType="FOP" if f["exchange"] else "OPT",
        symbol=_stock(f["symbol"]),
        lastTradeDateOrContractMonth=f["day"],
        strike=float(f["strike"]),
        right=f["right"],
        exchange=f["exchange"] or "SMART",
        currency=f["currency"] or "USD",
        tradingClass=f["cls"] or f["symbol"].replace(".", ""),
    )


def _make_index(f: _Fields) -> Contract:
    return Contract(secType="IND", symbol=f["symbol"], exchange=f["exchange"], currency=f["currency"] or "USD")


def _make_cfd(f: _Fields) -> Contract:
    return Contract(secType="CFD", symbol=f["symbol"], exchange="SMART", currency=f["currency"] or "USD")


def _make_other(f: _Fields) -> Contract:
    return Contract(conId=int(f["con_id"]))


_ANY_CURRENCY = f"(?:{'|'.join(sorted(CURRENCIES))})"
_FORMS: tuple[tuple[re.Pattern[str], Callable[[_Fields], Contract]], ...] = tuple(
    (re.compile(pattern), make)
    for pattern, make in (
        (r"#(?P<con_id>[1-9]\d*)", _make_other),
        (rf"(?P<base>{_ANY_CURRENCY})\.(?P<quote>{_ANY_CURRENCY})", _make_pair),
        (rf"(?P<base>[A-Z0-9]+)\.(?P<quote>[A-Z]{{3}}){_EXCHANGE}", _make_crypto),
        (rf"{_NAME}{_CLASS} (?P<month>20\d\d(?:0[1-9]|1[0-2])){_EXCHANGE}{_CURRENCY}", _make_future),
        (rf"{_NAME}{_CLASS} (?P<day>20\d{{6}}) {_STRIKE}(?:{_EXCHANGE}(?<! {_ANY_CURRENCY}))?{_CURRENCY}", _make_option),
        (rf"{_NAME} IND{_EXCHANGE}{_CURRENCY}", _make_index),
        (rf"{_NAME} CFD{_CURRENCY}", _make_cfd),
        (rf"{_NAME}{_CURRENCY}", _make_stock),
    )
)


def to_contract(symbol: str) -> Contract:
    """Return the contract that a symbol stands for, not looked up yet.

    Raises ValueError, with the spelling where it can be guessed, when it is no symbol or not the one spelling of it.
    """
    base, _, quote = symbol.partition(".")
    if quote in CURRENCIES and base not in CURRENCIES:
        raise ValueError(f"{symbol!r} lacks its exchange; write crypto like {symbol + ' PAXOS'!r}")
    for form, make in _FORMS:
        match = form.fullmatch(symbol)
        if match:
            contract = make(match.groupdict(default=""))
            if contract.currency and contract.currency not in CURRENCIES:
                raise ValueError(f"{symbol!r}: {contract.currency} is not a currency that IB trades in")
            spelling = to_symbol(contract)
            if spelling != symbol:
                raise ValueError(f"write {spelling!r} instead of {symbol!r}")
            return contract
    raise ValueError(f"{symbol!r} is not an instrument; write it like {_like(symbol)}")


def to_symbol(contract: Contract, *, month: str = "") -> str:
    """Return the one spelling of a contract.

    `month` is the contract month of a future, which may be another one than that of its last trading day.
    """
    spell = _SPELLINGS.get(contract.secType)
    if spell is None or not contract.symbol:
        return f"#{contract.conId}"
    return spell(contract, month)


def _spell_stock(c: Contract, _: str) -> str:
    return f"{c.symbol.replace(' ', '.')}{_currency(c)}"


def _spell_future(c: Contract, month: str) -> str:
    return f"{_classed(c)} {month or c.lastTradeDateOrContractMonth[:6]} {_exchange(c)}{_currency(c)}"


def _spell_option(c: Contract, _: str) -> str:
    exchange = "" if c.secType == "OPT" else f" {_exchange(c)}"
    day = c.lastTradeDateOrContractMonth[:8]
    return f"{_classed(c)} {day} {c.right[:1]} {c.strike:.12g}{exchange}{_currency(c)}"


_SPELLINGS: dict[str, Callable[[Contract, str], str]] = {
    "STK": _spell_stock,
    "FUT": _spell_future,
    "OPT": _spell_option,
    "FOP": _spell_option,
    "CASH": lambda c, _: f"{c.symbol}.{c.currency}",
    "CRYPTO": lambda c, _: f"{c.symbol}.{c.currency} {_exchange(c) or 'PAXOS'}",
    "IND": lambda c, _: f"{c.symbol} IND {_exchange(c)}{_currency(c)}",
    "CFD": lambda c, _: f"{c.symbol} CFD{_currency(c)}",
}


def _exchange(c: Contract) -> str:
    return c.exchange or c.primaryExchange


def _currency(c: Contract) -> str:
    return "" if c.currency == "USD" else f" {c.currency}"


def _classed(c: Contract) -> str:
    symbol = c.symbol.replace(" ", ".")
    own = {"", c.symbol, c.symbol.replace(" ", "")}
    return symbol if c.tradingClass in own else f"{symbol}/{c.tradingClass}"


def _like(symbol: str) -> str:
    if symbol != symbol.upper():
        return f"{symbol.upper()!r}"
    return "AAPL, ES 202612 CME, AAPL 20261218 C 200, EUR.USD or BTC.USD PAXOS"

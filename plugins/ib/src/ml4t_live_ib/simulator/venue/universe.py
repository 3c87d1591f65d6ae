"""What can be traded at the simulator, all of it in USD."""

from __future__ import annotations

import datetime as dt
import zlib
from collections.abc import Iterable, Iterator, Mapping

from ml4t_live_ib.simulator.protocol.fields import Values
from ml4t_live_ib.simulator.venue.contract import Contract

# Ids are the vendor's where they are well known, so that examples look familiar; all others are derived from the name.
_STOCKS: Mapping[str, tuple[int, str, str, float]] = {
    "AAPL": (265598, "APPLE INC", "NASDAQ", 230.0),
    "AMD": (4391, "ADVANCED MICRO DEVICES", "NASDAQ", 160.0),
    "AMZN": (3691937, "AMAZON.COM INC", "NASDAQ", 200.0),
    "GOOG": (208813720, "ALPHABET INC-CL C", "NASDAQ", 180.0),
    "IBM": (8314, "INTL BUSINESS MACHINES CORP", "NYSE", 240.0),
    "INTC": (270639, "INTEL CORP", "NASDAQ", 25.0),
    "JPM": (1520593, "JPMORGAN CHASE & CO", "NYSE", 250.0),
    "KO": (8894, "COCA-COLA CO/THE", "NYSE", 70.0),
    "META": (107113386, "META PLATFORMS INC-CLASS A", "NASDAQ", 600.0),
    "MSFT": (272093, "MICROSOFT CORP", "NASDAQ", 430.0),
    "NFLX": (15124833, "NETFLIX INC", "NASDAQ", 900.0),
    "NVDA": (4815747, "NVIDIA CORP", "NASDAQ", 140.0),
    "TSLA": (76792991, "TESLA INC", "NASDAQ", 340.0),
    "XOM": (13977, "EXXON MOBIL CORP", "NYSE", 115.0),
}
_FUNDS: Mapping[str, tuple[int, str, str, float]] = {
    "GLD": (51529211, "SPDR GOLD SHARES", "ARCA", 240.0),
    "IWM": (9579970, "ISHARES RUSSELL 2000 ETF", "ARCA", 220.0),
    "QQQ": (320227571, "INVESCO QQQ TRUST SERIES 1", "NASDAQ", 500.0),
    "SPY": (756733, "SS SPDR S&P 500 ETF TRUST-US", "ARCA", 590.0),
    "TLT": (15547841, "ISHARES 20+ YEAR TREASURY BD", "NASDAQ", 90.0),
}
_FUTURES: Mapping[str, tuple[str, str, str, float, str]] = {
    "ES": ("CME", "50", "0.25", 5900.0, "E-mini S&P 500"),
    "MES": ("CME", "5", "0.25", 5900.0, "Micro E-Mini S&P 500 Stock Price Index"),
    "NQ": ("CME", "20", "0.25", 20500.0, "E-mini NASDAQ 100"),
    "CL": ("NYMEX", "1000", "0.01", 70.0, "Light Sweet Crude Oil"),
    "GC": ("COMEX", "100", "0.1", 2650.0, "Gold"),
    "ZN": ("CBOT", "1000", "0.015625", 110.0, "10 Year US Treasury Note"),
}
_PAIRS: Mapping[str, tuple[int, float, str]] = {
    "EUR.USD": (12087792, 1.08, "0.00005"),
    "GBP.USD": (12087797, 1.27, "0.00005"),
    "AUD.USD": (14433401, 0.65, "0.00005"),
    "NZD.USD": (39453441, 0.59, "0.00005"),
}
_COINS: Mapping[str, tuple[int, float]] = {"BTC": (479624278, 95_000.0), "ETH": (495759171, 3_400.0)}
_INDICES: Mapping[str, tuple[int, str, float]] = {"SPX": (416904, "CBOE", 5900.0), "VIX": (13455763, "CBOE", 16.0)}
_MONTH_CODES = "FGHJKMNQUVXZ"


def _derived_id(name: str) -> int:
    return 600_000_000 + zlib.crc32(name.encode()) % 100_000_000


def stock(symbol: str, con_id: int = 0, name: str = "", primary: str = "NASDAQ", kind: str = "COMMON") -> Contract:
    """Return a stock or fund on SMART."""
    return Contract(
        con_id or _derived_id(symbol),
        symbol,
        "STK",
        "SMART",
        primary=primary,
        local_symbol=symbol,
        trading_class="NMS" if primary == "NASDAQ" else symbol,
        min_size="0.0001",
        size_step="0.0001",
        long_name=name or symbol,
        exchanges=tuple(dict.fromkeys((primary, "NASDAQ", "NYSE", "ARCA", "BATS", "IEX"))),
        stock_type=kind,
    )


def futures(symbol: str, today: dt.date) -> Iterator[Contract]:
    """Yield the quarterly contracts of a future for the next two years, expiring on the third Friday."""
    exchange, multiplier, tick, _, name = _FUTURES[symbol]
    for months in range(25):
        year, month = today.year + (today.month - 1 + months) // 12, (today.month - 1 + months) % 12 + 1
        expiry = dt.date(year, month, 15) + dt.timedelta((4 - dt.date(year, month, 15).weekday()) % 7)
        if month % 3 or expiry < today:
            continue
        local = f"{symbol}{_MONTH_CODES[month - 1]}{year % 10}"
        yield Contract(
            _derived_id(f"{local}{year}"),
            symbol,
            "FUT",
            exchange,
            expiry=f"{expiry:%Y%m%d}",
            multiplier=multiplier,
            local_symbol=local,
            trading_class=symbol,
            min_tick=tick,
            long_name=name,
            zone="US/Central",
        )


def option_chain(underlying: Contract, price: float, today: dt.date) -> Iterator[Contract]:
    """Yield calls and puts on a stock: four monthly expiries, strikes within a fifth of the price."""
    step = 1.0 if price < 50 else 5.0 if price < 500 else 10.0
    strikes = [step * n for n in range(max(1, int(price * 0.8 / step)), int(price * 1.2 / step) + 1)]
    thirds = [day for months in range(5) if (day := _third_friday(today, months)) >= today][:4]
    for expiry in thirds:
        for strike in strikes:
            for right in ("C", "P"):
                local = f"{underlying.symbol:<6}{expiry:%y%m%d}{right}{round(strike * 1000):08d}"
                yield Contract(
                    _derived_id(local),
                    underlying.symbol,
                    "OPT",
                    "SMART",
                    expiry=f"{expiry:%Y%m%d}",
                    strike=strike,
                    right=right,
                    multiplier="100",
                    local_symbol=local,
                    trading_class=underlying.symbol,
                    long_name=underlying.long_name,
                    exchanges=("CBOE", "AMEX", "ISE"),
                    underlying=underlying.con_id,
                )


def _third_friday(today: dt.date, months: int) -> dt.date:
    year, month = today.year + (today.month - 1 + months) // 12, (today.month - 1 + months) % 12 + 1
    middle = dt.date(year, month, 15)
    return middle + dt.timedelta((4 - middle.weekday()) % 7)


def _pair(name: str) -> Contract:
    con_id, _, tick = _PAIRS[name]
    base, quote = name.split(".")
    return Contract(
        con_id, base, "CASH", "IDEALPRO", quote, local_symbol=name, trading_class=name, min_tick=tick, long_name=name
    )


def _coin(symbol: str) -> Contract:
    return Contract(
        _COINS[symbol][0],
        symbol,
        "CRYPTO",
        "PAXOS",
        local_symbol=f"{symbol}.USD",
        trading_class=symbol,
        min_tick="0.25" if symbol == "BTC" else "0.01",
        min_size="0.00000001",
        size_step="0.00000001",
        long_name=f"{symbol} cryptocurrency",
    )


class Universe:
    """The contracts of the simulator, and what each trades at when nobody has said.

    Stocks, funds, futures, options on the stocks, forex, crypto and two indices; `prices` adds stocks of its own.
    """

    def __init__(self, prices: Mapping[str, float], today: dt.date) -> None:
        self._today = today
        self._contracts: dict[int, Contract] = {}
        self._by_symbol: dict[str, list[Contract]] = {}
        self._prices: dict[int, float] = {}
        self._given = dict(prices)
        self._chained: set[int] = set()
        self._build()
        for symbol in prices:
            if not self.named(symbol):
                self._add(stock(symbol), prices[symbol])

    def _build(self) -> None:
        for symbol, (con_id, name, primary, price) in _STOCKS.items():
            self._add(stock(symbol, con_id, name, primary), price)
        for symbol, (con_id, name, primary, price) in _FUNDS.items():
            self._add(stock(symbol, con_id, name, primary, "ETF"), price)
        for symbol in _FUTURES:
            for contract in futures(symbol, self._today):
                self._add(contract, _FUTURES[symbol][3])
        for name in _PAIRS:
            self._add(_pair(name), _PAIRS[name][1])
        for symbol in _COINS:
            self._add(_coin(symbol), _COINS[symbol][1])
        for symbol, (con_id, exchange, price) in _INDICES.items():
            self._add(Contract(con_id, symbol, "IND", exchange, local_symbol=symbol, trading_class=symbol), price)

    def _add(self, contract: Contract, price: float) -> None:
        self._contracts[contract.con_id] = contract
        self._by_symbol.setdefault(contract.symbol, []).append(contract)
        self._prices[contract.con_id] = self._given.get(contract.name, price)

    def __iter__(self) -> Iterator[Contract]:
        return iter(list(self._contracts.values()))

    def first_price(self, contract: Contract) -> float:
        """Return what a contract trades at before anything has happened."""
        return self._prices[contract.con_id]

    def named(self, name: str) -> Contract | None:
        """Return the contract of this name in the form of a configuration, None when there is none."""
        word = name.partition(".")[0].partition(" ")[0]
        self._chain(word)
        candidates = [*self._by_symbol.get(name, ()), *self._by_symbol.get(word, ())]
        return next((each for each in candidates if name in {each.name, each.local_symbol}), None)

    def find(self, query: Values) -> list[Contract]:
        """Return every contract that these fields may mean."""
        if query.get("secType") in {"OPT", ""} and not query.get("conId"):
            self._chain(query.get("symbol") or (query.get("localSymbol") or "")[:6].strip())
        candidates: Iterable[Contract] = self._contracts.values()
        if query.get("conId"):
            contract = self._contracts.get(query["conId"])
            candidates = [] if contract is None else [contract]
        elif query.get("symbol"):
            candidates = self._by_symbol.get(query["symbol"], ())
        return [contract for contract in candidates if contract.matches(query)]

    def chain(self, con_id: int) -> list[Contract]:
        """Return the options on an underlying."""
        underlying = self._contracts.get(con_id)
        if underlying is None:
            return []
        self._chain(underlying.symbol)
        return [each for each in self._by_symbol[underlying.symbol] if each.underlying == con_id]

    def _chain(self, symbol: str) -> None:
        """Make the options on a stock when somebody first asks for them."""
        for underlying in list(self._by_symbol.get(symbol, ())):
            if underlying.kind == "STK" and underlying.con_id not in self._chained:
                self._chained.add(underlying.con_id)
                price = self._prices[underlying.con_id]
                for option in option_chain(underlying, price, self._today):
                    intrinsic = (price - option.strike) * (1 if option.right == "C" else -1)
                    self._add(option, option.round(max(intrinsic, 0.0) + price * 0.02))

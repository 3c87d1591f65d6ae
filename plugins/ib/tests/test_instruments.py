"""Every instrument has one spelling."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from ib_async import Contract

from ml4t_live_ib.instruments import CURRENCIES, to_contract, to_symbol

SPELLINGS = [
    ("AAPL", "STK", "AAPL", "SMART", "USD"),
    ("BRK.B", "STK", "BRK B", "SMART", "USD"),
    ("BMW EUR", "STK", "BMW", "SMART", "EUR"),
    ("ES 202612 CME", "FUT", "ES", "CME", "USD"),
    ("DAX/FDAX 202612 EUREX EUR", "FUT", "DAX", "EUREX", "EUR"),
    ("AAPL 20261218 C 200", "OPT", "AAPL", "SMART", "USD"),
    ("BRK.B 20261218 P 402.5", "OPT", "BRK B", "SMART", "USD"),
    ("SPX/SPXW 20261218 P 6000", "OPT", "SPX", "SMART", "USD"),
    ("ASML 20261218 C 600 EUR", "OPT", "ASML", "SMART", "EUR"),
    ("ES/EW3 20261218 C 6000 CME", "FOP", "ES", "CME", "USD"),
    ("EUR.USD", "CASH", "EUR", "IDEALPRO", "USD"),
    ("BTC.USD PAXOS", "CRYPTO", "BTC", "PAXOS", "USD"),
    ("VIX IND CBOE", "IND", "VIX", "CBOE", "USD"),
    ("IBUS500 CFD", "CFD", "IBUS500", "SMART", "USD"),
]


@pytest.mark.parametrize(("symbol", "kind", "name", "exchange", "currency"), SPELLINGS)
def test_a_symbol_is_a_contract_and_back(symbol, kind, name, exchange, currency):
    contract = to_contract(symbol)
    assert (contract.secType, contract.symbol, contract.exchange, contract.currency) == (kind, name, exchange, currency)
    assert to_symbol(contract) == symbol


def test_an_option_has_its_day_its_right_its_strike_and_its_class():
    contract = to_contract("SPX/SPXW 20261218 P 6000")
    assert contract.lastTradeDateOrContractMonth == "20261218"
    assert (contract.right, contract.strike, contract.tradingClass) == ("P", 6000.0, "SPXW")


def test_a_future_is_named_by_its_contract_month_and_not_by_its_last_day():
    held = Contract(
        secType="FUT", symbol="CL", lastTradeDateOrContractMonth="20261120", exchange="NYMEX", currency="USD", tradingClass="CL"
    )
    assert to_symbol(held, month="202612") == "CL 202612 NYMEX"


def test_what_has_no_spelling_is_named_by_its_number():
    assert to_symbol(Contract(secType="BAG", conId=28812380, symbol="SPY")) == "#28812380"
    assert to_contract("#28812380").conId == 28812380


@pytest.mark.parametrize(
    ("symbol", "said"),
    [
        ("aapl", "'AAPL'"),
        ("AAPL USD", "write 'AAPL' instead"),
        ("ES/ES 202612 CME", "write 'ES 202612 CME' instead"),
        ("AAPL 20261218 C 200.0", "write 'AAPL 20261218 C 200' instead"),
        ("BTC.USD", "'BTC.USD PAXOS'"),
        ("BMW XYZ", "XYZ is not a currency"),
        ("ES 202613 CME", "not an instrument"),
        ("", "not an instrument"),
        ("AAPL; DROP", "not an instrument"),
    ],
)
def test_any_other_spelling_is_refused_with_the_right_one(symbol, said):
    with pytest.raises(ValueError, match=re.escape(said)):
        to_contract(symbol)


@given(
    symbol=st.from_regex(r"[A-Z]{1,5}(\.[A-Z])?", fullmatch=True),
    day=st.dates(),
    right=st.sampled_from("CP"),
    strike=st.integers(1, 10_000_000).map(lambda cents: cents / 100),
    currency=st.sampled_from(sorted(CURRENCIES)),
)
def test_every_option_survives_the_way_there_and_back(symbol, day, right, strike, currency):
    contract = Contract(
        secType="OPT",
        symbol=symbol.replace(".", " "),
        lastTradeDateOrContractMonth=f"20{day:%y%m%d}",
        right=right,
        strike=strike,
        exchange="SMART",
        currency=currency,
        tradingClass=symbol.replace(".", ""),
    )
    assert to_contract(to_symbol(contract)) == contract

"""Virtual books on disk: what comes back is what was there, and a failure leaves the file as it was."""

from __future__ import annotations

import json
import os
import stat

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ml4t.live.model import Fill, OrderSide
from ml4t.live.portfolio import VirtualPortfolio
from ml4t.live.private_file import write_private

posix = pytest.mark.skipif(os.name != "posix", reason="modes are POSIX")

steps = st.lists(
    st.tuples(
        st.sampled_from("AB"), st.sampled_from(list(OrderSide)), st.floats(1e-6, 1e6), st.floats(1e-3, 1e5), st.floats(0, 9)
    ),
    max_size=12,
)


def play(portfolio, script, first=0):
    for number, (symbol, side, quantity, price, commission) in enumerate(script, first):
        portfolio.apply(Fill(f"x{number}", "o", symbol, side, quantity, price, number, commission))
        portfolio.mark(symbol, price * 1.01)
    return portfolio


def everything(portfolio):
    lines = {symbol: {name: getattr(line, name) for name in line.__slots__} for symbol, line in portfolio.holdings.items()}
    return portfolio.initial_cash, portfolio.cash, portfolio.commission, lines


@given(steps, steps)
def test_what_comes_back_is_what_was_there_and_goes_on_alike(tmp_path_factory, before, after):
    path = tmp_path_factory.mktemp("books") / "portfolio.json"
    portfolio = play(VirtualPortfolio(12_345.67), before)
    portfolio.save(path)
    loaded = VirtualPortfolio.load(path)
    assert everything(loaded) == everything(portfolio)
    assert loaded.equity == pytest.approx(portfolio.equity)
    assert everything(play(loaded, after, len(before))) == everything(play(portfolio, after, len(before)))


@posix
def test_only_the_owner_may_read_it_and_nothing_else_is_left(tmp_path):
    path = tmp_path / "portfolio.json"
    path.write_text("old")
    path.chmod(0o644)
    mask = os.umask(0)
    try:
        VirtualPortfolio().save(str(path))
    finally:
        os.umask(mask)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert list(tmp_path.iterdir()) == [path]


def test_a_failure_leaves_the_file_as_it_was(tmp_path):
    path = tmp_path / "portfolio.json"
    portfolio = VirtualPortfolio()
    portfolio.save(path)
    good = path.read_text()
    with pytest.raises(UnicodeEncodeError):
        write_private(path, "half of it\ud800")  # the text cannot be written
    portfolio.cash = float("nan")
    with pytest.raises(ValueError, match="not JSON compliant"):
        portfolio.save(path)
    assert path.read_text() == good
    assert list(tmp_path.iterdir()) == [path]
    portfolio.restore(0.0, {})
    with pytest.raises(OSError, match="missing"):
        portfolio.save(tmp_path / "missing" / "portfolio.json")


def test_another_process_reads_the_old_books_or_the_new(tmp_path):
    """The file is replaced, not rewritten: who has it open goes on reading the books of before."""
    path = tmp_path / "portfolio.json"
    VirtualPortfolio(1.0).save(path)
    with path.open() as reader:
        VirtualPortfolio(2.0).save(path)
        assert json.load(reader)["initial_cash"] == 1.0
    assert VirtualPortfolio.load(path).initial_cash == 2.0


def test_a_file_that_is_not_there():
    with pytest.raises(FileNotFoundError):
        VirtualPortfolio.load("nowhere.json")


SPOILT = [
    lambda body: body.update(version=2),
    lambda body: body.pop("cash"),
    lambda body: body.update(cash="much"),
    lambda body: body.update(cash=True),
    lambda body: body.update(cash=float("inf")),
    lambda body: body.update(holdings=3),
    lambda body: body["holdings"].append(body["holdings"][0]),
    lambda body: body["holdings"][0].pop("quantity"),
    lambda body: body["holdings"][0].update(quantity=None),
    lambda body: body["holdings"][0].update(colour="red"),
    lambda body: body["holdings"][0].pop("peak"),
]


@pytest.mark.parametrize("spoil", SPOILT)
def test_something_else_is_no_portfolio(tmp_path, spoil):
    path = tmp_path / "portfolio.json"
    play(VirtualPortfolio(), [("A", OrderSide.BUY, 1.0, 10.0, 0.0)]).save(path)
    body = json.loads(path.read_text())
    spoil(body)
    path.write_text(json.dumps(body))
    with pytest.raises(ValueError, match="does not hold the books"):
        VirtualPortfolio.load(path)


@pytest.mark.parametrize("text", ["", "[]", "null", "{", '{"version": 1}'])
def test_half_a_file_is_no_portfolio(tmp_path, text):
    path = tmp_path / "portfolio.json"
    path.write_text(text)
    with pytest.raises(ValueError, match="does not hold the books"):
        VirtualPortfolio.load(path)

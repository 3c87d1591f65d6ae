"""Positions, values and profits as the SDK sees them."""

from __future__ import annotations

import pytest
from ib_async import Future, MarketOrder


async def bought(ib, tws, eventually, contract, quantity: float, action: str = "BUY"):
    trade = ib.placeOrder(contract, MarketOrder(action, quantity))
    await eventually(lambda: trade.orderStatus.status == "Filled")
    return trade


async def test_values_follow_a_trade(tws, connected, eventually) -> None:
    tws.price("AAPL", 200.0)
    async with connected(tws) as ib:

        def value(tag: str) -> float:
            return next(float(each.value) for each in ib.accountValues() if each.tag == tag and each.currency == "USD")

        assert value("NetLiquidation") == 1_000_000
        await bought(ib, tws, eventually, await ib.stock(), 100)
        await eventually(lambda: value("TotalCashValue") == 1_000_000 - 20_000 - 1)
        assert value("NetLiquidation") == 1_000_000 - 1
        assert value("GrossPositionValue") == 20_000
        (item,) = ib.portfolio()
        assert (item.position, item.marketValue, item.averageCost, item.account) == (100, 20_000, 200, "DU1234567")


async def test_the_summary_has_the_tags_that_were_asked_for(tws, connected) -> None:
    async with connected(tws) as ib:
        summary = {each.tag: each.value for each in await ib.accountSummaryAsync()}
    assert summary["NetLiquidation"] == "1000000.00"


async def test_profit_and_loss(tws, connected, eventually) -> None:
    tws.price("AAPL", 200.0)
    async with connected(tws) as ib:
        stock = await ib.stock()
        await bought(ib, tws, eventually, stock, 10)
        tws.price("AAPL", 210.0)
        sale = await bought(ib, tws, eventually, stock, 4, "SELL")
        await eventually(lambda: sale.fills[0].commissionReport.realizedPNL == 40.0)
        pnl = ib.reqPnL("DU1234567")
        await eventually(lambda: pnl.realizedPnL == 40.0)
        assert pnl.unrealizedPnL == 60.0
        assert [each.avgCost for each in ib.positions()] == [200.0]


async def test_a_position_that_is_closed_is_told_as_zero(tws, connected, eventually) -> None:
    async with connected(tws) as ib:
        told = []
        ib.positionEvent += lambda position: told.append(position.position)
        stock = await ib.stock()
        await bought(ib, tws, eventually, stock, 10)
        await bought(ib, tws, eventually, stock, 10, "SELL")
        await eventually(lambda: told[-2:] == [10.0, 0.0])
        assert ib.positions() == []


async def test_a_future_costs_no_cash_until_it_is_closed(tws, connected, eventually) -> None:
    async with connected(tws) as ib:
        details = await ib.reqContractDetailsAsync(Future("ES", exchange="CME"))
        future = details[0].contract
        name = f"ES {future.lastTradeDateOrContractMonth[:6]} CME"
        tws.price(name, 5000.0)
        await bought(ib, tws, eventually, future, 2)
        assert tws.cash() == pytest.approx(1_000_000 - 4.5)
        await eventually(lambda: [each.avgCost for each in ib.positions()] == [250_000.0])
        tws.price(name, 5010.0)
        await bought(ib, tws, eventually, future, 2, "SELL")
        assert tws.cash() == pytest.approx(1_000_000 - 9.0 + 2 * 10 * 50)


async def test_a_correction_changes_the_books_as_if_it_had_always_been_so(tws, connected, eventually) -> None:
    tws.price("AAPL", 200.0)
    async with connected(tws) as ib:
        stock = await ib.stock()
        await bought(ib, tws, eventually, stock, 10)
        await bought(ib, tws, eventually, stock, 4, "SELL")
        before = tws.cash()
        first = tws.fills()[0].execution_id
        tws.correct(first, 190.0)
        assert tws.cash() == pytest.approx(before + 100.0)
        await eventually(lambda: len(ib.fills()) == 3)
        stems = [fill.execution.execId.rpartition(".") for fill in ib.fills() if fill.execution.price == 190.0]
        assert stems == [(first[:-3], ".", "02")]
        corrected = tws.fills()[0]
        assert (corrected.execution_id, corrected.corrects, corrected.price) == (f"{first[:-2]}02", first, 190.0)
        assert len(tws.fills()) == 2
    async with connected(tws) as ib:
        assert [each.avgCost for each in ib.positions()] == [190.0]
        assert {fill.execution.execId for fill in ib.fills()} == {fill.execution_id for fill in tws.fills()}

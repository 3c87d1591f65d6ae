"""What the limits count outlives the process: the same day goes on where it was, and the next one begins at zero."""

from __future__ import annotations

from engine_kit import DAY, HOUR, Diary, limits, replay, trade


def buy(diary, data, broker):
    diary.orders.append(broker.submit_order("A", 10, limit_price=1.0, order_type="limit"))


def codes(diary):
    return [order.code for order in diary.orders]


def test_turnover_goes_on_after_a_restart_and_begins_again_with_the_day(tmp_path):
    risk = limits(max_daily_turnover=2_000)
    first, second = Diary(buy), Diary(buy)
    events = [trade("A", number * HOUR) for number in range(4)]
    replay(first, events[:1], tmp_path, risk=risk)
    assert codes(first) == [""]
    replay(second, [*events, trade("A", DAY)], tmp_path, risk=risk)
    assert codes(second) == ["", "max_daily_turnover", "max_daily_turnover", ""]


def test_a_losing_streak_and_the_losses_of_a_symbol_survive(tmp_path):
    def trade_once(diary, data, broker):
        if len(diary.calls) == 1:
            broker.submit_order("A", 10)
        elif len(diary.calls) == 2:
            broker.submit_order("A", -10)
        else:
            diary.orders.append(broker.submit_order("A", 1))

    prices = [100.0, 100.0, 90.0, 90.0, 90.0]
    events = [trade("A", number * HOUR, price) for number, price in enumerate(prices)]
    for limit, code in [({"max_losing_streak": 1}, "max_losing_streak"), ({"max_symbol_loss": 50}, "max_symbol_loss")]:
        folder = tmp_path / code
        replay(Diary(trade_once), events[:3], folder, risk=limits(**limit))
        after = Diary(buy)
        replay(after, events, folder, risk=limits(**limit))
        assert codes(after) == [code, code]

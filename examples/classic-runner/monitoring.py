"""Own symbols and triggers, and what is going on, until the data end or Ctrl-C."""

import asyncio

from trading.live_market_runner import create_live_market_runner

config = {
    "symbols": ["AAPL", "TSLA", "NVDA"],
    "triggers": {
        "model_builder": {
            "trigger_type": "time_based",
            "interval_seconds": 1800,  # 30 minutes
            "enabled": True,
        },
        "execution_agent": {
            "trigger_type": "price_move",
            "price_move_threshold": 0.003,  # 0.3%
            "enabled": True,
        },
    },
}


async def main():
    runner = create_live_market_runner(config)
    await runner.start()
    while True:
        # Get current state
        state = runner.get_current_state()
        print(f"Symbols: {list(state['symbols'].keys())}")
        print(f"Forecasts: {state['forecast_count']}")

        # Get symbol data
        for symbol, data in state["symbols"].items():
            print(f"{symbol}: ${data['price']:.2f} ({data['price_change']:+.2%})")

        # Get forecast accuracy
        accuracy = runner.get_forecast_accuracy()
        print(f"Average accuracy: {accuracy['avg_accuracy']:.2%}")

        if not runner.running:
            break
        await asyncio.sleep(1)
    await runner.stop()


asyncio.run(main())

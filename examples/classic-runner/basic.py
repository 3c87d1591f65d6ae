import asyncio

from trading.live_market_runner import create_live_market_runner


async def main():
    # Create runner
    runner = create_live_market_runner()

    # Start the runner
    await runner.start()

    # Keep running
    while runner.running:
        await asyncio.sleep(1)


asyncio.run(main())

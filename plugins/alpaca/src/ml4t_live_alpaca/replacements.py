"""Replacing orders: what is asked of Alpaca, what becomes of it, and what trades meanwhile.

Alpaca takes a replacement, and makes it or not a moment later. What trades of the order before until then is not taken off
the one that takes its place.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

import structlog

from ml4t.live.errors import BrokerConnectionError, BrokerRefused, OutcomeUnknown
from ml4t.live.model import Instrument, Terms
from ml4t_live_alpaca.chains import Chain, Chains
from ml4t_live_alpaca.orders import replacement_body
from ml4t_live_alpaca.rest import RequestRefused, Rest
from ml4t_live_alpaca.states import FINAL

_log = structlog.get_logger("ml4t.live.alpaca")


class Replacements:
    """The replacements under way of one account. `timeout_seconds` is how long Alpaca may take to make one."""

    def __init__(self, chains: Chains, timeout_seconds: float) -> None:
        self._chains = chains
        self._timeout = timeout_seconds
        self._outcomes: dict[str, asyncio.Future[bool]] = {}
        """By Alpaca's id of the replacement, whether it has been made."""
        self._trimming: dict[str, asyncio.Task[None]] = {}

    async def replace(self, rest: Rest, chain: Chain, instrument: Instrument, terms: Terms) -> None:
        """Ask for an order to be replaced by one of these terms. Raises BrokerRefused and OutcomeUnknown."""
        whole, head = instrument.round_quantity(terms.quantity), chain.head
        left = whole - chain.filled
        if left <= 0:
            raise BrokerRefused(f"{float(chain.filled):g} of it have traded already; cancel it to stop there", code="traded")
        body = replacement_body(
            chain.next_id,
            instrument,
            quantity=None if left == head.quantity else left,
            limit_price=terms.limit_price,
            stop_price=terms.stop_price,
            trail_amount=terms.trail_amount,
        )
        chain.wanted = (head.id, whole)
        if not await self._is_made(rest, chain, body):
            chain.wanted = None
            raise BrokerRefused(
                "Alpaca took the replacement and could not make it: the order had changed", code="replace_rejected"
            )

    def heard(self, rest: Rest, chain: Chain) -> None:
        """Take note of what Alpaca has said of an order."""
        self._settle(chain)
        if chain.excess > 0 and chain.head.status not in FINAL and chain.order_id not in self._trimming:
            task = asyncio.get_running_loop().create_task(self._trim(rest, chain), name=f"trim {chain.order_id}")
            self._trimming[chain.order_id] = task
            task.add_done_callback(lambda _: self._trimming.pop(chain.order_id, None))

    async def close(self) -> None:
        """Ask for nothing more."""
        for task in self._trimming.values():
            task.cancel()
        await asyncio.gather(*self._trimming.values(), return_exceptions=True)

    async def _is_made(self, rest: Rest, chain: Chain, body: Mapping[str, Any]) -> bool:
        """Send a replacement; return False when Alpaca took it and then did not make it, True otherwise."""
        try:
            said = await rest.change(f"/orders/{chain.head.id}", body)
        except RequestRefused as refused:
            if refused.is_duplicate:  # one that was taken to be lost is there: asking tells what became of it
                raise OutcomeUnknown(f"Alpaca has a replacement {body['client_order_id']} already") from refused
            chain.wanted = None
            raise
        self._chains.note(said, chain.order_id)
        outcome = self._outcomes.setdefault(said["id"], asyncio.get_running_loop().create_future())
        self._settle(chain)
        try:
            async with asyncio.timeout(self._timeout):
                return await outcome
        except TimeoutError:
            return True  # nothing was said of it yet
        finally:
            del self._outcomes[said["id"]]

    def _settle(self, chain: Chain) -> None:
        """Tell who waits for a replacement what became of it."""
        for link in chain.links.values():
            outcome = self._outcomes.get(link.id)
            if outcome is not None and not outcome.done():
                if link in chain.made:
                    outcome.set_result(True)
                elif link.status == "rejected":
                    outcome.set_result(False)

    async def _trim(self, rest: Rest, chain: Chain) -> None:
        """Take off what an order would trade too much, because some of it traded while it was being replaced."""
        assert chain.wanted is not None
        whole = chain.wanted[1]
        left = whole - chain.filled
        head = chain.head.id
        _log.warning("it traded while it was replaced", order_id=chain.order_id, excess=float(chain.excess))
        chain.wanted = (head, whole)
        try:
            if left > 0:
                body = {"qty": f"{left:f}", "client_order_id": str(chain.next_id)}
                if await self._is_made(rest, chain, body):
                    return
        except (BrokerRefused, OutcomeUnknown, BrokerConnectionError) as error:
            _log.warning("it could not be made smaller, and is cancelled", order_id=chain.order_id, error=str(error))
        try:
            await rest.cancel(f"/orders/{chain.head.id}")
        except (BrokerRefused, BrokerConnectionError) as error:
            _log.error("it works for more than it should", order_id=chain.order_id, error=str(error))

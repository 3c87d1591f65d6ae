"""Small storms; `ib_storm.py` runs large ones."""

from __future__ import annotations

import pytest
from ib_storm import storm


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_no_order_is_lost_or_doubled_and_no_hole_is_untold_in_a_storm(seed):
    outcome = storm(orders=600, messages=8_000, seed=seed)
    assert outcome.orders == 600
    assert outcome.holes == []
    assert sum(map(len, outcome.faults.values())), "something broke"

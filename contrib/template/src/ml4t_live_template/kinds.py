"""The kinds of plugin that can be written."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from types import MappingProxyType

from attrs import frozen

_EVERY = ("attrs>=24.2", "ml4t-live>=1.0.0.dev0,<2")
_OVER_HTTP = ("aiohttp>=3.10,<4", *_EVERY)


@frozen(kw_only=True)
class Kind:
    """One of them."""

    name: str
    """As it is typed, and as its templates' folder is called."""
    words: str
    """As it is written in a sentence."""
    module: str
    """The module of the component."""
    part: str
    """What the name of its class ends with."""
    suite: str
    """What of the conformance kit the tests of its component derive from."""
    requires: tuple[str, ...] = _EVERY
    """What the distribution depends on."""


KINDS: Mapping[str, Kind] = MappingProxyType(
    {
        kind.name: kind
        for kind in (
            Kind(name="feed", words="feed", module="feed", part="Feed", suite="PolledFeedSuite", requires=_OVER_HTTP),
            Kind(name="broker", words="broker", module="broker", part="Broker", suite="BrokerSuite", requires=_OVER_HTTP),
            Kind(name="risk-check", words="risk check", module="check", part="Check", suite="RiskCheckSuite"),
            Kind(name="trigger", words="trigger", module="trigger", part="Trigger", suite="TriggerSuite"),
            Kind(name="forecaster", words="forecaster", module="forecaster", part="Forecaster", suite="ForecasterSuite"),
            Kind(name="observer", words="observer", module="observer", part="Observer", suite="ObserverSuite"),
        )
    }
)


def find_kind(name: str) -> Kind:
    """Return the kind of a name. Raises ValueError with the nearest one, and all there are."""
    if name in KINDS:
        return KINDS[name]
    near = difflib.get_close_matches(name.lower().replace("_", "-").replace(" ", "-"), KINDS, n=1)
    hint = f"did you mean {near[0]}? " if near else ""
    raise ValueError(f"there is no kind of plugin called {name!r}; {hint}Kinds are {', '.join(KINDS)}")

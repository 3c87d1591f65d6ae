"""What a plugin's hooks return: light records that say what there is, without importing it."""

from __future__ import annotations

import re
from enum import StrEnum

from attrs import field, frozen
from attrs.validators import deep_iterable, instance_of, matches_re

_NAME = re.compile(r"[a-z][a-z0-9_-]*")
_REFERENCE = re.compile(r"[A-Za-z_][\w.]*:[A-Za-z_]\w*")


class Kind(StrEnum):
    """The kinds of component."""

    FEED = "feed"
    BROKER = "broker"
    RISK_CHECK = "risk check"
    TRIGGER = "trigger"
    FORECASTER = "forecaster"
    OBSERVER = "observer"
    SIMULATOR = "simulator"
    HOST = "strategy host"


@frozen(kw_only=True)
class Component:
    """One component that a plugin offers.

    `name` is what comes after the dot in `use = "plugin.name"`; the component named like its plugin, or the plugin's only
    one of that kind, needs no dot. `config` is a frozen attrs class; `factory` is a `"module:attribute"` string that is
    resolved when a configuration names the component, and is called with one argument: an instance of `config`.
    """

    name: str = field(validator=matches_re(_NAME))
    factory: str = field(validator=matches_re(_REFERENCE))
    config: type = field(validator=instance_of(type))
    summary: str = field(validator=instance_of(str))
    capabilities: frozenset[str] = frozenset()
    """Words for the user, and two for core: a feed or broker that is "local" connects to nothing, so `run --simulate` lets
    it be; what is "not-live" is refused in live mode, because real money must not depend on it."""
    needs: str = ""
    """What the user must have: an account, a running gateway, a package."""
    formerly: tuple[str, ...] = field(default=(), validator=deep_iterable(matches_re(_NAME)))
    """Names that it had before: they find it still, with a warning that says the new one."""
    rig: str = field(default="", validator=matches_re(rf"(?:{_REFERENCE.pattern})?"))
    """What `ml4t-live doctor PLUGIN --conformance` tries it with: a `"module:attribute"` string that names a maker of rigs, as
    `ml4t.live.testing` takes it. It is resolved then, and at no other time."""


@frozen(kw_only=True)
class FeedRecord(Component):
    """A market-data feed. The engine passes `symbols` as part of the config: the class has a field of that name."""


@frozen(kw_only=True)
class BrokerRecord(Component):
    """A broker."""


@frozen(kw_only=True)
class RiskCheckRecord(Component):
    """A risk check."""


@frozen(kw_only=True)
class TriggerRecord(Component):
    """A trigger."""


@frozen(kw_only=True)
class ForecasterRecord(Component):
    """A forecaster."""


@frozen(kw_only=True)
class ObserverRecord(Component):
    """An observer."""


@frozen(kw_only=True)
class SimulatorRecord(Component):
    """A simulator of the plugin's vendor, for `ml4t-live simulate` and `run --simulate`; the factory makes a `Simulator`.

    Every field of the config has a default. One called `kind` is given the kind of account that the run is for, "paper" or
    "live".
    """


@frozen(kw_only=True)
class HostRecord(Component):
    """What runs the strategies of another framework; the factory makes a `StrategyHost`.

    A host without settings in the configuration is made with the defaults of its config.
    """


@frozen(kw_only=True)
class CommandRecord:
    """A sub-command of the command line: `factory` names a `typer.Typer` or a click command."""

    name: str = field(validator=matches_re(_NAME))
    factory: str = field(validator=matches_re(_REFERENCE))
    summary: str = ""


@frozen(kw_only=True)
class DoctorRecord:
    """A check for `ml4t-live doctor`.

    `factory` names a function without arguments that returns a sentence when all is well and raises with the remedy when
    it is not.
    """

    name: str = field(validator=matches_re(_NAME))
    factory: str = field(validator=matches_re(_REFERENCE))
    summary: str = ""

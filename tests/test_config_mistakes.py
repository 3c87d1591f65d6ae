"""Every mistake that a configuration can hold is named with its path, its value and its remedy, and all of them at once."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from textwrap import dedent

import pytest

from ml4t.live.config import load
from ml4t.live.errors import ConfigError
from ml4t.live.plugins import Catalogue, Found

PLUGIN = """
from attrs import field, frozen
from attrs.validators import gt, in_

from ml4t.live.config import Duration, Secret
from ml4t.live.hookspecs import hookimpl
from ml4t.live.records import (
    BrokerRecord, FeedRecord, ForecasterRecord, ObserverRecord, RiskCheckRecord, TriggerRecord,
)


@frozen(kw_only=True)
class FeedConfig:
    symbols: tuple[str, ...]
    venue: str = "main"
    port: int = field(default=7497, validator=gt(0))
    region: str = field(default="eu", validator=in_(("eu", "us")))
    depth: int = field(default=1, validator=in_((1, 5, 10)))


@frozen(kw_only=True)
class BrokerConfig:
    api_key: Secret
    account: str = "main"
    timeout: float = 5.0


@frozen(kw_only=True)
class CapConfig:
    max_weight: float = field(validator=gt(0))


@frozen(kw_only=True)
class EveryConfig:
    every: Duration


@frozen(kw_only=True)
class DriftConfig:
    window: int = field(default=20, validator=gt(1))


@frozen(kw_only=True)
class MailConfig:
    to: str


@hookimpl
def ml4t_live_secret(scheme, reference):
    if reference == "locked":
        raise RuntimeError("the vault is locked")
    return f"{scheme}:{reference}"


@hookimpl
def ml4t_live_feeds():
    return [FeedRecord(name="feed", config=FeedConfig, factory="gone:Feed", summary="Made up.")]


@hookimpl
def ml4t_live_brokers():
    return [BrokerRecord(name="broker", config=BrokerConfig, factory="gone:Broker", summary="Made up.")]


@hookimpl
def ml4t_live_risk_checks():
    return [RiskCheckRecord(name="cap", config=CapConfig, factory="gone:Cap", summary="Made up.")]


@hookimpl
def ml4t_live_triggers():
    return [TriggerRecord(name="every", config=EveryConfig, factory="gone:Every", summary="Made up.")]


@hookimpl
def ml4t_live_forecasters():
    return [ForecasterRecord(name="drift", config=DriftConfig, factory="gone:Drift", summary="Made up.")]


@hookimpl
def ml4t_live_observers():
    return [ObserverRecord(name="mail", config=MailConfig, factory="gone:Mail", summary="Made up.")]
"""

GOOD = """
[live]
name = "momentum"
mode = "paper"
strategy = "my_strategies:Momentum"

[feeds.main]
use = "acme.feed"
symbols = ["BTC-USDT", "ETH-USDT"]
bars = "1m"

[broker]
use = "acme.broker"
api_key = { env = "ACME_KEY" }

[risk]
max_order_value = 5_000

[[risk.checks]]
use = "acme.cap"
max_weight = 0.25

[triggers.hourly]
use = "acme.every"
every = "1h"

[forecasters.drift]
use = "acme.drift"
on = ["hourly"]
horizon = "24h"

[observers.mail]
use = "acme.mail"
to = "me@example.org"
"""

KEY = "PK-7f3a9c-do-not-print"
ENVIRON = {"ACME_KEY": KEY}

STRATEGIES = """
class Momentum:
    def __init__(self, window=20):
        self.window = window

    def on_data(self, timestamp, data, context, broker): ...

class Blind: ...

WINDOW = 20
"""


@pytest.fixture
def catalogue(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Catalogue]:
    """The real catalogue, of one made-up plugin."""
    (tmp_path / "acme_plugin.py").write_text(PLUGIN)
    (tmp_path / "my_strategies.py").write_text(STRATEGIES)
    (tmp_path / "broken_strategies.py").write_text("import nothing_like_this\n")
    (tmp_path / "unfinished_strategies.py").write_text("def on_data(:\n")
    monkeypatch.setattr(sys, "path", [str(tmp_path), *sys.path])
    yield Catalogue(entries=(Found(name="acme", target="acme_plugin", distribution="ml4t-live-acme", version="1.0"),))
    for name in ("acme_plugin", "my_strategies", "broken_strategies", "unfinished_strategies"):
        sys.modules.pop(name, None)


def write(folder: Path, text: str) -> Path:
    path = folder / "live.toml"
    path.write_text(dedent(text))
    return path


def swap(old: str, new: str) -> str:
    """The good configuration with one text in it replaced."""
    assert GOOD.count(old) == 1, old
    return GOOD.replace(old, new)


def refuse(path: Path, catalogue: Catalogue, environ: Mapping[str, str] = ENVIRON, **options: object) -> ConfigError:
    with pytest.raises(ConfigError) as caught:
        load(path, catalogue=catalogue, environ=environ, **options)  # type: ignore[arg-type]
    assert KEY not in str(caught.value)
    return caught.value


def assert_says(error: ConfigError, fragments: list[str]) -> None:
    """Assert that there is one problem, and that it says all of it."""
    assert len(error.problems) == 1, str(error)
    for fragment in fragments:
        assert fragment in error.problems[0], f"{fragment!r} is not in: {error}"


def test_the_good_configuration_is_good(tmp_path: Path, catalogue: Catalogue) -> None:
    settings = load(write(tmp_path, GOOD), catalogue=catalogue, environ=ENVIRON)
    assert settings.feeds[0].options.symbols == ("BTC-USDT", "ETH-USDT")
    assert settings.broker is not None
    assert settings.broker.options.api_key.reveal() == KEY
    assert KEY not in repr(settings)


ORDER = "max_order_value = 5_000"

# name: (the configuration, what the one problem must say)
MISTAKES: dict[str, tuple[str, list[str]]] = {
    # sections and keys
    "unknown section": (GOOD + "[engin]\n", ["engin (line ", "unknown section", "did you mean engine?"]),
    "unknown section with a plural": (GOOD + "[feed.main]\nuse = 'x'\n", ["feed ", "did you mean feeds?"]),
    "key outside of its section": ("mode = 'live'\n" + GOOD, ["mode (line 1)", "mode belongs in [live]"]),
    "unknown limit": (swap(ORDER, "max_ordr_value = 5"), ["risk.max_ordr_value (line ", "did you mean max_order_value?"]),
    "unknown key of the engine": (
        GOOD + "[engine]\nstrategy_tread = true\n",
        ["engine.strategy_tread", "did you mean strategy_thread?"],
    ),
    "unknown key of a component": (swap('bars = "1m"', "prt = 1"), ["feeds.main.prt", "did you mean port?"]),
    "misspelt core key of a component": (swap('bars = "1m"', 'bar = "1m"'), ["feeds.main.bar", "did you mean bars?"]),
    "missing key of a component": (
        swap("max_weight = 0.25", ""),
        ["risk.checks[0].max_weight", "is missing", "write max_weight = "],
    ),
    "missing use": (swap('use = "acme.cap"', ""), ["risk.checks[0].use", "is missing", "write use ="]),
    "missing horizon": (swap('horizon = "24h"', ""), ["forecasters.drift.horizon", "is missing"]),
    "use that is no text": (swap('use = "acme.drift"', "use = 5"), ["forecasters.drift.use = 5", "must be text", 'write "5"']),
    "checks as a table": (swap("[[risk.checks]]", "[risk.checks]"), ["risk.checks", "array of tables", "[[risk.checks]]"]),
    "feeds as an array": (swap("[feeds.main]", "[[feeds]]"), ["feeds", "named tables", "[feeds.NAME]"]),
    "feed without a name": (swap("[feeds.main]", "[feeds]"), ["feeds", "needs a name", "[feeds.main]"]),
    "section that is no table": (
        "live = 5\n"
        + GOOD.replace("[live]", "[shadow]").split("[feeds.main]")[0].split("name =")[0]
        + GOOD[GOOD.index("[feeds.main]") :],
        ["live = 5", "must be a table"],
    ),
    # types and values
    "text for a number": (
        swap(ORDER, 'max_order_value = "5000"'),
        ['risk.max_order_value = "5000"', "write 5000 without quotes"],
    ),
    "thousands separator": (swap(ORDER, 'max_order_value = "5,000"'), ['"5,000"', "write 5000 without quotes"]),
    "bool for a number": (swap(ORDER, "max_order_value = true"), ["risk.max_order_value = true", "must be a number"]),
    "fraction for a count": (swap(ORDER, "max_positions = 2.5"), ["risk.max_positions = 2.5", "whole number"]),
    "negative limit": (swap(ORDER, "max_order_value = -5"), ["risk.max_order_value = -5", "greater than 0", '"off"']),
    "limit of zero": (swap(ORDER, "max_daily_loss = 0"), ["risk.max_daily_loss = 0", "greater than 0", '"off"']),
    "NaN": (swap(ORDER, "max_order_value = nan"), ["risk.max_order_value = nan", "not a finite number"]),
    "infinity": (swap(ORDER, "max_order_value = inf"), ["risk.max_order_value = inf", "not a finite number"]),
    "per cent for a share": (swap(ORDER, "max_drawdown_pct = 10"), ["risk.max_drawdown_pct = 10", "write 0.1 for 10 per cent"]),
    "text for a bool": (
        GOOD + "[shadow]\nallow_shorts = 'false'\n",
        ['shadow.allow_shorts = "false"', "true or false", "without quotes"],
    ),
    "number for a bool": (GOOD + "[engine]\nstrategy_thread = 1\n", ["engine.strategy_thread = 1", "true or false"]),
    "bad mode": (
        swap('mode = "paper"', 'mode = "papr"'),
        ['live.mode = "papr"', '"shadow", "paper", "live"', "did you mean paper?"],
    ),
    "mode in capitals": (swap('mode = "paper"', 'mode = "LIVE"'), ['live.mode = "LIVE"', "did you mean live?"]),
    "bad on_breach": (swap(ORDER, 'on_breach = "stop"'), ['risk.on_breach = "stop"', '"halt", "flatten"']),
    "bad name": (swap('name = "momentum"', 'name = "my run"'), ['live.name = "my run"', "momentum-1"]),
    "bars that are no duration": (
        swap('bars = "1m"', 'bars = "1 minute"'),
        ['feeds.main.bars = "1 minute"', "number and a unit"],
    ),
    "bars as a number": (swap('bars = "1m"', "bars = 60"), ["feeds.main.bars = 60", "duration in quotes", '"5m"']),
    "duration of no time": (swap('every = "1h"', 'every = "0s"'), ['triggers.hourly.every = "0s"', "no time at all"]),
    "validator of a component": (swap('bars = "1m"', "port = -1"), ["feeds.main.port = -1", "must be > 0"]),
    "choice of a component": (swap('bars = "1m"', "depth = 7"), ["feeds.main.depth = 7", "must be in (1, 5, 10)"]),
    "number for text": (swap('bars = "1m"', "venue = 5"), ["feeds.main.venue = 5", "must be text", 'write "5" in quotes']),
    "first wait above the longest": (GOOD + "[engine]\nreconnect_first_seconds = 90\n", ["engine", "reconnect_max_seconds"]),
    # symbols and assets
    "one symbol for a list": (
        swap('["BTC-USDT", "ETH-USDT"]', '"BTC-USDT"'),
        ['feeds.main.symbols = "BTC-USDT"', "must be a list", 'write ["BTC-USDT"]'],
    ),
    "no symbols": (swap('symbols = ["BTC-USDT", "ETH-USDT"]', ""), ["feeds.main.symbols", "is missing"]),
    "blank symbol": (swap('"BTC-USDT", ', '" ", '), ["feeds.main.symbols = [", "blank symbol"]),
    "padded symbol": (swap('"BTC-USDT", ', '"BTC-USDT ", '), ["feeds.main.symbols", "spaces around it"]),
    "number among the symbols": (swap('"BTC-USDT", ', "600519, "), ["feeds.main.symbols[0] = 600519", 'write "600519"']),
    "symbol listed twice": (swap('"BTC-USDT", ', '"ETH-USDT", '), ["feeds.main.symbols", '"ETH-USDT" is listed twice', "once"]),
    "symbol that no feed delivers": (
        swap('every = "1h"', 'every = "1h"\nsymbols = ["BTC-USD"]'),
        ['triggers.hourly.symbols[0] = "BTC-USD"', "did you mean BTC-USDT?"],
    ),
    "allowed and blocked": (
        swap(ORDER, 'allowed_assets = ["A", "B"]\nblocked_assets = ["B"]'),
        ['risk.blocked_assets = ["B"]', "allowed_assets too", "take them out"],
    ),
    "allowed as one text": (swap(ORDER, 'allowed_assets = "AAPL"'), ['risk.allowed_assets = "AAPL"', 'write ["AAPL"]']),
    # names that do not fit together
    "feed declared twice": (GOOD + "[feeds.main]\nuse = 'acme.feed'\n", ["[feeds.main] is there twice", "its own name"]),
    "key given twice": (swap(ORDER, f"{ORDER}\n{ORDER}"), ["max_order_value is given twice", "keep one"]),
    "check named twice": (GOOD + "[[risk.checks]]\nuse = 'acme.cap'\nmax_weight = 1\n", ["risk.checks[1]", "name of its own"]),
    "unknown trigger": (
        swap('on = ["hourly"]', 'on = ["hurly"]'),
        ['forecasters.drift.on[0] = "hurly"', "did you mean hourly?"],
    ),
    "on as one text": (swap('on = ["hourly"]', 'on = "hourly"'), ['forecasters.drift.on = "hourly"', 'write ["hourly"]']),
    "on nothing": (swap('on = ["hourly"]', "on = []"), ["forecasters.drift.on = []", "at least one trigger"]),
    "forecaster without on": (swap('on = ["hourly"]', ""), ["forecasters.drift.on", "is missing"]),
    "live without a broker": (
        swap('[broker]\nuse = "acme.broker"\napi_key = { env = "ACME_KEY" }\n', ""),
        ['live.mode = "paper"', "needs a broker", "[broker]"],
    ),
    "no feed": (
        GOOD[: GOOD.index("[feeds.main]")] + GOOD[GOOD.index("[broker]") :],
        ["feeds", "there is no feed", "[feeds.main]"],
    ),
    "nothing to do": (
        swap('strategy = "my_strategies:Momentum"', "").split("[forecasters.drift]")[0],
        ["live.strategy", "nothing to do", "module:Class"],
    ),
    "options for no strategy": (
        swap('strategy = "my_strategies:Momentum"', "strategy_options = { window = 5 }"),
        ["live.strategy_options", "for no strategy"],
    ),
    "contradictory shares": (
        swap(ORDER, "max_shares = 5\nmax_position_shares = 6"),
        ["risk", "max_shares", "contradicts", "one limit"],
    ),
    "contradictory modes of risk": (
        swap(ORDER, 'shadow_mode = true\nexecution_mode = "live"'),
        ["risk", "contradicts", "execution_mode"],
    ),
    "mode named twice": (
        swap(ORDER, 'execution_mode = "live"'),
        ['risk.execution_mode = "live"', 'contradicts live.mode = "paper"'],
    ),
    "shadow mode against paper": (
        swap(ORDER, "shadow_mode = true"),
        ["risk.shadow_mode = true", 'contradicts live.mode = "paper"'],
    ),
    "not shadow, and nothing else": (
        swap('mode = "paper"', "").replace(ORDER, "shadow_mode = false"),
        ["risk.shadow_mode = false", 'live.mode = "paper" or "live"'],
    ),
    # plugins
    "unknown plugin": (swap('use = "acme.feed"', 'use = "acmee.feed"'), ['feeds.main.use = "acmee.feed"', "did you mean acme"]),
    "known plugin not installed": (
        swap('use = "acme.feed"', 'use = "backtest"'),
        ['feeds.main.use = "backtest"', "pip install ml4t-live-backtest"],
    ),
    "unknown component": (
        swap('use = "acme.every"', 'use = "acme.evry"'),
        ['triggers.hourly.use = "acme.evry"', "did you mean acme.every?"],
    ),
    "component of the wrong kind": (
        swap('use = "acme.every"', 'use = "acme.drift"'),
        ["triggers.hourly.use", "no trigger called 'drift'"],
    ),
    "empty use": (swap('use = "acme.every"', 'use = ""'), ['triggers.hourly.use = ""', "plugin.component"]),
    "plugin that is not allowed": (
        GOOD.replace("acme.mail", "spy.mail") + "[plugins]\nallow = ['acme']\n",
        ['observers.mail.use = "spy.mail"', "not in plugins.allow", "add 'spy'"],
    ),
    "allow as one text": (GOOD + "[plugins]\nallow = 'acme'\n", ['plugins.allow = "acme"', 'write ["acme"]']),
    # secrets
    "secret in plain text": (
        swap('{ env = "ACME_KEY" }', f'"{KEY}"'),
        ["broker.api_key = ***", "no place for a secret", '{ env = "NAME" }'],
    ),
    "secret that is not set": (
        swap('"ACME_KEY"', '"ACME_KEI"'),
        ['broker.api_key = { env = "ACME_KEI" }', "not set", "did you mean ACME_KEY?", "export ACME_KEI="],
    ),
    "secret file that is not there": (
        swap('env = "ACME_KEY"', 'file = "key.txt"'),
        ["broker.api_key", "key.txt cannot be read", "create it"],
    ),
    "secret of an unknown scheme": (
        swap('env = "ACME_KEY"', 'vault = "acme"'),
        ["broker.api_key", "scheme 'vault'", '{ env = "NAME" }'],
    ),
    "secret of two schemes": (swap('env = "ACME_KEY"', 'env = "ACME_KEY", file = "x"'), ["broker.api_key", "exactly one key"]),
    "secret without a name": (swap('env = "ACME_KEY"', "env = 5"), ["broker.api_key", "name in quotes"]),
    "missing secret": (swap('api_key = { env = "ACME_KEY" }', ""), ["broker.api_key", "is missing"]),
    "misspelt key of a secret": (
        swap("api_key", "api_kye").replace('{ env = "ACME_KEY" }', f'"{KEY}"'),
        ["broker.api_kye", "did you mean api_key?"],
    ),
    "text looked up in vain": (swap('bars = "1m"', 'venue = { env = "VENUE" }'), ["feeds.main.venue", "VENUE is not set"]),
    # strategies, as text
    "strategy without a class": (
        swap('"my_strategies:Momentum"', '"my_strategies.Momentum"'),
        ['live.strategy = "my_strategies.Momentum"', "no import path", '"my_strategies:Momentum"'],
    ),
    "strategy as a file": (
        swap('"my_strategies:Momentum"', '"./my_strategies.py:Momentum"'),
        ["live.strategy", '"my_strategies:Momentum"'],
    ),
    "strategy that is no text": (swap('"my_strategies:Momentum"', "5"), ["live.strategy = 5", "must be text"]),
    # the file
    "syntax": (swap("[live]", "[live"), ["live.toml line 2", "not valid TOML"]),
    "text without quotes": (swap('mode = "paper"', "mode = paper"), ["live.toml line 4", "not valid TOML", "quotes"]),
}


@pytest.mark.parametrize("name", MISTAKES)
def test_a_mistake_is_named_with_path_value_and_remedy(name: str, tmp_path: Path, catalogue: Catalogue) -> None:
    text, fragments = MISTAKES[name]
    assert_says(refuse(write(tmp_path, text), catalogue), fragments)


# What only shows when the strategy and the factories are imported: `config check --deep` and `run`.
DEEP: dict[str, tuple[str, list[str]]] = {
    "no such module": ("my_strategy:Momentum", ["there is no module my_strategy", "did you mean my_strategies?"]),
    "no such module at all": ("zzz.deeper:Momentum", ["there is no module zzz", "create it"]),
    "no such class": ("my_strategies:Momentun", ["my_strategies has no Momentun", "did you mean Momentum?"]),
    "no on_data": ("my_strategies:Blind", ["has no method on_data", "add on_data"]),
    "no class": ("my_strategies:WINDOW", ["is a int", "name a class"]),
    "module that needs another": ("broken_strategies:Any", ["No module named 'nothing_like_this'", "install what it needs"]),
    "module with a syntax error": ("unfinished_strategies:Any", ["SyntaxError", "unfinished_strategies.py:1", "mend it"]),
}


@pytest.mark.parametrize("name", DEEP)
def test_a_strategy_that_cannot_be_imported_is_named(name: str, tmp_path: Path, catalogue: Catalogue) -> None:
    reference, fragments = DEEP[name]
    path = write(tmp_path, swap("my_strategies:Momentum", reference))
    load(path, catalogue=catalogue, environ=ENVIRON)
    error = refuse(path, catalogue, deep=True)
    [line] = [problem for problem in error.problems if problem.startswith("live.strategy")]
    for fragment in [f'live.strategy = "{reference}" (line 5)', *fragments]:
        assert fragment in line


def test_options_that_the_strategy_does_not_take_are_named(tmp_path: Path, catalogue: Catalogue) -> None:
    error = refuse(write(tmp_path, GOOD), catalogue, deep=True, assignments=["live.strategy_options.windw=5"])
    assert "got an unexpected keyword argument 'windw'; its arguments are: window" in str(error)


def test_a_factory_that_cannot_be_imported_is_named(tmp_path: Path, catalogue: Catalogue) -> None:
    error = refuse(write(tmp_path, GOOD), catalogue, deep=True)
    routes = ["feeds.main", "triggers.hourly", "forecasters.drift", "observers.mail", "broker", "risk.checks[0]"]
    assert [problem.split(".use = ")[0] for problem in error.problems] == routes
    assert all("cannot be imported" in problem and "pip install" in problem for problem in error.problems)


# what is given: what the one problem must say
ASSIGNMENTS: dict[str, list[str]] = {
    "risk.max_order_value": ["--set risk.max_order_value", "no = in it", "path=value"],
    "=5": ["--set", "is no path"],
    "risk..max_order_value=5": ["is no path", "risk.max_order_value=5000"],
    "risk.max_order_value=-5": ["risk.max_order_value = -5 (--set)", "greater than 0"],
    "risk.max_order_valu=5": ["risk.max_order_valu (--set)", "did you mean max_order_value?"],
    "live.name.first=x": ["--set live.name.first", "live.name is not a table", "assign to live.name itself"],
    "risk.checks[4].max_weight=1": ["there is no risk.checks[4]", "1 entries, counted from 0"],
    "feeds.main.symbols=[BTC-USDT": ["--set feeds.main.symbols", "not valid TOML", "quotes"],
    "feeds.main.symbols=BTC-USDT": ['feeds.main.symbols = "BTC-USDT" (--set)', 'write ["BTC-USDT"]'],
    "live.mode=LIVE": ['live.mode = "LIVE" (--set)', "did you mean live?"],
    f"broker.api_key={KEY}": ["broker.api_key = *** (--set)", "no place for a secret"],
    f"broker.api_key='{KEY}": ["--set broker.api_key", "not valid TOML"],
}


@pytest.mark.parametrize("assignment", ASSIGNMENTS)
def test_a_bad_assignment_is_named(assignment: str, tmp_path: Path, catalogue: Catalogue) -> None:
    assert_says(refuse(write(tmp_path, GOOD), catalogue, assignments=[assignment]), ASSIGNMENTS[assignment])


def test_a_missing_file_is_named(tmp_path: Path, catalogue: Catalogue) -> None:
    write(tmp_path, GOOD)
    assert_says(
        refuse(tmp_path / "life.toml", catalogue), ["life.toml", "no such configuration file", "did you mean live.toml?"]
    )
    assert_says(refuse(tmp_path / "x" / "zzz", catalogue), ["zzz", "no such configuration file", "check the path"])
    assert_says(refuse(tmp_path, catalogue), [str(tmp_path), "is a folder"])


def test_a_missing_overlay_is_named(tmp_path: Path, catalogue: Catalogue) -> None:
    error = refuse(write(tmp_path, GOOD), catalogue, overlays=[tmp_path / "prod"])
    assert_says(error, ["prod", "no such overlay file", "--overlay"])


def test_a_mistake_in_an_overlay_is_named_with_the_overlay(tmp_path: Path, catalogue: Catalogue) -> None:
    overlay = tmp_path / "big.toml"
    overlay.write_text("[risk]\n\nmax_order_value = 0\n")
    error = refuse(write(tmp_path, GOOD), catalogue, overlays=[overlay])
    assert_says(error, ["risk.max_order_value = 0 (big.toml line 3)", "greater than 0"])


def test_an_empty_secret_is_named(tmp_path: Path, catalogue: Catalogue) -> None:
    path = write(tmp_path, GOOD)
    assert_says(refuse(path, catalogue, {"ACME_KEY": " "}), ["broker.api_key", "ACME_KEY is empty", "export ACME_KEY="])
    (tmp_path / "key.txt").write_text("\n")
    path = write(tmp_path, swap('env = "ACME_KEY"', 'file = "key.txt"'))
    assert_says(refuse(path, catalogue), ["broker.api_key", "key.txt is empty", "write the secret"])


def test_all_mistakes_are_reported_at_once(tmp_path: Path, catalogue: Catalogue) -> None:
    text = """
        [live]
        mode = "papr"
        strategy = "no path"

        [engin]

        [feeds.main]
        use = "okx"
        symbols = ["A", "A"]

        [feeds.more]
        use = "acme.feed"
        symbols = ["B"]
        prt = 1
        port = -1
        depth = 7

        [broker]
        use = "acme.broker"
        api_key = { env = "NOT_SET" }
        timeout = nan

        [risk]
        max_order_value = -5
        max_drawdown_pct = 10
        max_ordr_shares = 1
        max_positions = true

        [triggers.hourly]
        use = "acme.every"
        every = "soon"

        [forecasters.drift]
        use = "acme.drift"
        on = ["hurly"]
        horizon = "24h"
        window = 1
    """
    error = refuse(write(tmp_path, text), catalogue)
    assert [problem.split(" ")[0].rstrip(":") for problem in error.problems] == [
        "engin",
        "live.mode",
        "live.strategy",
        "risk.max_ordr_shares",
        "risk.max_positions",
        "risk.max_order_value",
        "risk.max_drawdown_pct",
        "feeds.main.use",
        "feeds.main.symbols",
        "feeds.more.prt",
        "feeds.more.port",
        "feeds.more.depth",
        "triggers.hourly.every",
        "forecasters.drift.window",
        "broker.api_key",
        "broker.timeout",
        "forecasters.drift.on[0]",
    ]
    assert str(error).startswith(f"17 problems in {tmp_path / 'live.toml'}:\n")


def test_a_value_that_was_looked_up_is_not_repeated_by_a_validator(tmp_path: Path, catalogue: Catalogue) -> None:
    path = write(tmp_path, swap('bars = "1m"', 'region = { env = "REGION" }'))
    error = refuse(path, catalogue, {**ENVIRON, "REGION": "xyz"})
    assert_says(error, ['feeds.main.region = { env = "REGION" } (line 10)', "must be in ('eu', 'us') (got '***')"])
    assert "xyz" not in str(error)


def test_a_plugin_keeps_the_secret_of_its_scheme(tmp_path: Path, catalogue: Catalogue) -> None:
    path = write(tmp_path, swap('env = "ACME_KEY"', 'acme = "trading"'))
    settings = load(path, catalogue=catalogue, environ={})
    assert settings.broker is not None
    assert settings.broker.options.api_key.reveal() == "acme:trading"
    (tmp_path / "broken_vault.py").write_text("1 / 0\n")
    broken = Found(name="vault", target="broken_vault", distribution="acme-vault", version="1.0")
    path = write(tmp_path, swap('env = "ACME_KEY"', 'vault = "trading"'))
    error = refuse(path, Catalogue(entries=(*catalogue.entries, broken)))
    assert_says(error, ["broker.api_key", "acme-vault 1.0", "ZeroDivisionError", "pip install --upgrade acme-vault"])
    path = write(tmp_path, swap('env = "ACME_KEY"', 'acme = "locked"'))
    assert_says(refuse(path, catalogue), ["broker.api_key", "RuntimeError: the vault is locked", "mend it"])

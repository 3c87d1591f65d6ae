"""The ways of contrib/hostile, and what is said of each: stage of the load, exception, parts of the message, of the remedy."""

from __future__ import annotations

from ml4t.live.compatibility import CONTRACT

BROKEN = {
    "import-error": (
        "import",
        "ImportError",
        ["hostile-import-error 1.0, entry point import-error = hostile_import_error.plugin", "cannot import name 'TickRecord'"],
        ["pip install --upgrade hostile-import-error"],
    ),
    "missing-dependency": (
        "import",
        "ModuleNotFoundError",
        ["it imports hostile_absent_sdk, which is not installed (hostile-missing-dependency needs hostile-absent-sdk>=3)"],
        ["pip install hostile-missing-dependency"],
    ),
    "undeclared-dependency": (
        "import",
        "ModuleNotFoundError",
        ["it imports hostile_absent_sdk, which is not installed and which hostile-undeclared-dependency does not declare"],
        ["tell the author of hostile-undeclared-dependency"],
    ),
    "system-exit": ("import", "SystemExit", ["SystemExit: this script is not meant to be imported"], []),
    "syntax-error": ("import", "SyntaxError", ["SyntaxError: ", "hostile_syntax_error/plugin.py:3)"], []),
    "missing-module": (
        "import",
        "ModuleNotFoundError",
        ["its own module hostile_missing_module.plugin is not there"],
        ["pip install --force-reinstall --no-deps hostile-missing-module"],
    ),
    "misspelt-hook": (
        "hooks",
        "HookError",
        ["there is no hook ml4t_live_risk_check; did you mean ml4t_live_risk_checks?"],
        [],
    ),
    "unmarked-hook": ("hooks", "HookError", ["ml4t_live_feeds is not marked: put @hookimpl", "above it"], []),
    "unknown-argument": ("hooks", "HookError", ["ml4t_live_feeds", "settings"], []),
    "wrong-record": (
        "records",
        "HookError",
        ["ml4t_live_feeds returned a BrokerRecord; it returns FeedRecord objects; a BrokerRecord belongs to ml4t_live_brokers"],
        [],
    ),
    "raising-hook": ("records", "RuntimeError", ["failed in its hooks: RuntimeError: the gateway is not running"], []),
    "not-iterable": ("records", "HookError", ["ml4t_live_triggers returned a TriggerRecord; it returns a list"], []),
    "bad-record": ("records", "ValueError", ["ValueError", "Bad Name!"], []),
    "duplicate-component": ("records", "HookError", ["ml4t_live_triggers returned 2 records called 'twin'"], []),
    "unreadable-config": (
        "records",
        "HookError",
        [
            "the config of 'unreadable-config' in ml4t_live_triggers, Config: a type in it cannot be read (NameError",
            "NoSuchType",
        ],
        [],
    ),
    "too-new": (
        "core range",
        None,
        ["too-new", "needs ml4t-live>=9, have "],
        ["pip install --upgrade ml4t-live hostile-too-new"],
    ),
    "newer-contract": (
        "contract",
        None,
        ["newer-contract", "asks for contract 99, and ml4t-live 1.0", f"has contract {CONTRACT}"],
        ["pip install --upgrade ml4t-live hostile-newer-contract"],
    ),
    "duplicate": (
        "conflict",
        None,
        ["hostile-duplicate-a 1.0 (hostile_duplicate_a.plugin) and hostile-duplicate-b 1.0 (hostile_duplicate_b.plugin)"],
        ["`pip uninstall hostile-duplicate-a` or `pip uninstall hostile-duplicate-b`"],
    ),
    "replay": (
        "conflict",
        None,
        ["hostile-impostor 1.0 (hostile_impostor.plugin) and ml4t-live ", "(ml4t.live.standard.replay)"],
        ["pip uninstall hostile-impostor"],
    ),
}
SOUND = {"bystander", "no-bound", "slow-import", "chatty", "bad-factory", "heavy-sdk"}
"""The names of those that can be loaded: what is wrong with some of them shows when they are named."""

NAMED = {
    **{name: told[:1] for name, (_, _, told, _) in BROKEN.items()},
    "bad-factory": ["hostile_bad_factory.plugin:Absent of the plugin bad-factory (hostile-bad-factory 1.0, "],
    "heavy-sdk": ["hostile_heavy_sdk.broker:Broker of the plugin heavy-sdk (hostile-heavy-sdk 1.0, "],
}
"""What is said, among others, to somebody whose configuration names one of them."""

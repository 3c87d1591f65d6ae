"""The plugins that this project publishes: the only place in core that knows a vendor's name."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from attrs import Factory, frozen

from ml4t.live.plugins.reference import Contained, contained, import_reference
from ml4t.live.raised import describe


@frozen
class Known:
    """A plugin that may or may not be installed."""

    distribution: str
    summary: str
    exports: Mapping[str, str] = Factory(dict)
    """The public names that `ml4t.live` offers on its behalf, each as `module:attribute`."""
    strategies_of: str = ""
    """The package whose strategies it runs."""


KNOWN: Mapping[str, Known] = MappingProxyType(
    {
        "ib": Known(
            "ml4t-live-ib",
            "Interactive Brokers: feed and broker through TWS or the Gateway.",
            {
                "IBBroker": "ml4t_live_ib.broker:IBBroker",
                "IBDataFeed": "ml4t_live_ib.feed:IBDataFeed",
                "IBFeed": "ml4t_live_ib.feed:IBDataFeed",
            },
        ),
        "alpaca": Known(
            "ml4t-live-alpaca",
            "Alpaca: stocks and crypto, feed and broker.",
            {
                "AlpacaBroker": "ml4t_live_alpaca.broker:AlpacaBroker",
                "AlpacaDataFeed": "ml4t_live_alpaca.feed:AlpacaDataFeed",
                "AlpacaFeed": "ml4t_live_alpaca.feed:AlpacaFeed",
            },
        ),
        "databento": Known(
            "ml4t-live-databento",
            "Databento: live and recorded market data.",
            {
                "DatabentoFeed": "ml4t_live_databento.feed:DatabentoFeed",
                "DataBentoFeed": "ml4t_live_databento.feed:DatabentoFeed",
            },
        ),
        "crypto": Known(
            "ml4t-live-crypto",
            "Crypto exchanges through ccxt: feed and broker.",
            {"CryptoFeed": "ml4t_live_crypto.feed:CryptoFeed", "CryptoBroker": "ml4t_live_crypto.broker:CryptoBroker"},
        ),
        "okx": Known(
            "ml4t-live-okx",
            "OKX: feed with funding rates, and broker.",
            {"OKXFeed": "ml4t_live_okx.feed:OKXFeed", "OKXBroker": "ml4t_live_okx.broker:OKXBroker"},
        ),
        "trigger-time": Known("ml4t-live-trigger-time", "Fires at times of day and at intervals."),
        "trigger-price-move": Known("ml4t-live-trigger-price-move", "Fires when a price has moved far enough."),
        "trigger-volume-spike": Known("ml4t-live-trigger-volume-spike", "Fires when volume is far above its usual."),
        "trigger-volatility": Known("ml4t-live-trigger-volatility", "Fires when volatility leaves its usual range."),
        "trigger-manual": Known("ml4t-live-trigger-manual", "Fires when a person says so."),
        "forecast-baselines": Known("ml4t-live-forecast-baselines", "Naive and drift: what other forecasters must beat."),
        "agents": Known("ml4t-live-agents", "A model builder that refits, a critic that weighs models, an agent that trades."),
        "report": Known(
            "ml4t-live-report",
            "A session as a page: charts and tables in one file.",
            {"report_page": "ml4t_live_report.page:report_page"},
        ),
        "template": Known(
            "ml4t-live-template",
            "Writes a new plugin, tests and all, to begin with.",
            {"write_plugin": "ml4t_live_template.write:write"},
        ),
        "backtest": Known(
            "ml4t-live-backtest",
            "Runs an ml4t.backtest strategy unchanged.",
            {
                "BacktestHost": "ml4t_live_backtest.host:BacktestHost",
                "prove_parity": "ml4t_live_backtest.proof:prove",
            },
            strategies_of="ml4t.backtest",
        ),
    }
)
"""By the name of the entry point."""

PUBLIC_NAMES: Mapping[str, str] = MappingProxyType({name: entry for entry, known in KNOWN.items() for name in known.exports})
"""The plugin that each public name comes from."""


def resolve_public_name(name: str) -> object:
    """Return what `from ml4t.live import NAME` stands for, importing its plugin now.

    Raises AttributeError for a name that no known plugin exports, and ImportError with the pip command when the plugin is
    absent, too old, or cannot be imported; the cause is chained.
    """
    if name not in PUBLIC_NAMES:
        raise AttributeError(f"module 'ml4t.live' has no attribute {name!r}")
    known = KNOWN[PUBLIC_NAMES[name]]
    reference = known.exports[name]
    try:
        with contained():
            return import_reference(reference)
    except Contained as failed:
        raise ImportError(_why(name, known, failed.original), name=reference.partition(":")[0]) from failed.original


def _why(name: str, known: Known, cause: BaseException) -> str:
    module, _, attribute = known.exports[name].partition(":")
    if isinstance(cause, ModuleNotFoundError) and cause.name == module.partition(".")[0]:
        return f"{name} is part of {known.distribution}, which is not installed: pip install {known.distribution}"
    if isinstance(cause, AttributeError) and cause.name == attribute:
        return f"the installed {known.distribution} has no {name}: pip install --upgrade {known.distribution}"
    return (
        f"{known.distribution} is installed, but {module} cannot be imported ({describe(cause)}). "
        f"Install what it needs: pip install {known.distribution}"
    )

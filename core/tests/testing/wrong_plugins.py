"""A right plugin as files of a distribution, and what makes it wrong: each with what finds it."""

from __future__ import annotations

METADATA = """\
Metadata-Version: 2.4
Name: acme-cap
Version: 1.0
Summary: A cap by Acme.
License-Expression: MIT
Requires-Python: >=3.11
Requires-Dist: attrs>=24.2
Requires-Dist: ml4t-live>=1.0.0.dev0,<2

# acme-cap

A risk check that caps whatever Acme wants to have capped, for everybody who has an account with Acme and a cap.
"""

PLUGIN = """\
from acme_cap.config import CapConfig

from ml4t.live.hookspecs import hookimpl
from ml4t.live.records import DoctorRecord, RiskCheckRecord


@hookimpl
def ml4t_live_risk_checks():
    return [
        RiskCheckRecord(
            name="acme-cap",
            config=CapConfig,
            factory="acme_cap.check:Cap",
            rig="acme_cap.rig:rig",
            summary="Caps what Acme wants capped.",
        )
    ]


@hookimpl
def ml4t_live_doctor():
    return [DoctorRecord(name="acme", factory="acme_cap.check:look", summary="Is Acme there?")]
"""

CONFIG = """\
from attrs import frozen

from ml4t.live.config import Secret


@frozen(kw_only=True)
class CapConfig:
    '''What is capped.'''

    limit: float = 1_000.0
    '''The cap, in units.'''

    api_key: Secret | None = None
    '''The key to Acme.'''
"""

CHECK = """\
from ml4t.live.model import ALLOW, refuse


class Cap:
    def __init__(self, config):
        self.limit = config.limit

    def check(self, order, view):
        return ALLOW if order.quantity <= self.limit else refuse("acme_cap", "the order is too large")


def look():
    return "Acme is there"
"""

RIG = """\
from acme_cap.check import Cap
from acme_cap.config import CapConfig

from ml4t.live.testing import RiskCheckRig


def rig():
    return RiskCheckRig(check=lambda: Cap(CapConfig()))
"""

RIGHT = {
    "acme_cap-1.0.dist-info/METADATA": METADATA,
    "acme_cap-1.0.dist-info/entry_points.txt": "[ml4t.live]\nacme-cap = acme_cap.plugin\n",
    "acme_cap/__init__.py": "",
    "acme_cap/py.typed": "",
    "acme_cap/plugin.py": PLUGIN,
    "acme_cap/config.py": CONFIG,
    "acme_cap/check.py": CHECK,
    "acme_cap/rig.py": RIG,
}

META, ENTRY = "acme_cap-1.0.dist-info/METADATA", "acme_cap-1.0.dist-info/entry_points.txt"

WRONG = {
    "a misspelt hook": (
        "acme_cap/plugin.py",
        "def ml4t_live_risk_checks",
        "def ml4t_live_risk_check",
        "it_is_found_and_can_be_loaded",
    ),
    "an sdk": ("acme_cap/config.py", "from attrs", "import httpx\nfrom attrs", "listing_it_imports_no_sdk"),
    "an sdk in a hook": (
        "acme_cap/plugin.py",
        "    return [\n        Risk",
        "    import importlib\n    importlib.import_module('pluggy')\n    return [\n        Risk",
        "listing_it_imports_no_sdk",
    ),
    "a greeting": ("acme_cap/__init__.py", "", "print('welcome to acme')", "listing_it_says_nothing"),
    "a warning": ("acme_cap/__init__.py", "", "import warnings; warnings.warn('old')", "listing_it_says_nothing"),
    "no upper end": (META, "ml4t-live>=1.0.0.dev0,<2", "ml4t-live>=1.0.0.dev0", "it_asks_for_a_range_of_the_core"),
    "no range": (META, "Requires-Dist: ml4t-live>=1.0.0.dev0,<2\n", "", "it_asks_for_a_range_of_the_core"),
    "a pin": (META, "attrs>=24.2", "attrs==25.3.0", "it_pins_no_version"),
    "no py.typed": ("acme_cap/py.typed", "", None, "it_is_typed"),
    "no summary": (META, "Summary: A cap by Acme.\n", "", "it_says_what_it_is"),
    "no license": (META, "License-Expression: MIT\n", "", "it_says_what_it_is"),
    "no readme": (META, METADATA.partition("# acme-cap")[2], "", "it_says_what_it_is"),
    "no factory": ("acme_cap/plugin.py", "acme_cap.check:Cap", "acme_cap.check:Cup", "its_factories_take_their_config"),
    "a greedy factory": ("acme_cap/check.py", "self, config", "self, config, limit", "its_factories_take_their_config"),
    "no check": ("acme_cap/plugin.py", "acme_cap.check:look", "acme_cap.check:see", "its_factories_take_their_config"),
    "a mumbled summary": ("acme_cap/plugin.py", "Caps what Acme wants capped.", "cap", "every_component_says_what_it_is"),
    "a silent class": ("acme_cap/config.py", "    '''What is capped.'''\n", "", "every_component_says_what_it_is"),
    "a silent option": ("acme_cap/config.py", "    '''The cap, in units.'''\n", "", "every_option_is_documented"),
    "an object": ("acme_cap/config.py", "limit: float = 1_000.0", "limit: object = 1_000.0", "every_option_has_a_schema"),
    "an open class": ("acme_cap/config.py", "frozen", "define", "its_options_cannot_be_changed"),
    "an open secret": ("acme_cap/config.py", "api_key: Secret | None", "api_key: str | None", "what_is_secret_is_kept"),
    "no rig": ("acme_cap/plugin.py", "acme_cap.rig:rig", "acme_cap.rig:rags", "its_rigs_can_be_made"),
    "a greedy rig": ("acme_cap/rig.py", "def rig():", "def rig(check):", "its_rigs_can_be_made"),
}
"""What is wrong: in which file, what stands there, what stands there instead (None: no file), and what finds it."""


def put(folder, files):
    """Write a distribution into a folder."""
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)


def made_wrong(name):
    """Return the files of the plugin with one thing wrong."""
    file, there, instead, _ = WRONG[name]
    assert there in RIGHT[file]
    if instead is None:
        return {each: text for each, text in RIGHT.items() if each != file}
    return RIGHT | {file: RIGHT[file].replace(there, instead) if there else instead}

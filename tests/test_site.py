"""The documentation site: it builds without a warning, asks nobody for anything, and its reference leaves nothing out."""

from __future__ import annotations

import ast
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import attrs
import pytest
from website import pictures, readme
from website.reference import PAGES, commands, errors

from ml4t.live import records
from ml4t.live.cli import exits
from ml4t.live.cli.app import COMMANDS
from ml4t.live.config import json_schema
from ml4t.live.config.table import key_types
from ml4t.live.plugins import Catalogue, Loaded
from ml4t.live.plugins.known import KNOWN
from ml4t.live.plugins.naming import short_name

ROOT = Path(__file__).parents[1]
CORE = ROOT / "core" / "src" / "ml4t" / "live"
RISK_PAGE = ROOT / "docs" / "risk.md"


def page(name: str) -> str:
    return PAGES[f"reference/{name}.md"]()


def rows(text: str) -> list[list[str]]:
    """Return the cells of every row of the tables of a page."""
    lines = [line for line in text.splitlines() if line.startswith("|") and not line.startswith("| ---")]
    return [[cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]] for line in lines]


def section(text: str, begin: str, end: str) -> str:
    """Return what comes behind `begin`, up to the next `end`."""
    return text[text.index(begin) + len(begin) :].partition(end)[0]


# --- the reference is complete -----------------------------------------------------------------------------------------


def test_every_hook_and_every_field_of_a_record_is_there() -> None:
    told = page("hooks")
    source = ast.parse((CORE / "hookspecs.py").read_text(encoding="utf-8"))
    hooks = {node.name for node in ast.walk(source) if isinstance(node, ast.FunctionDef)}

    assert hooks >= {"ml4t_live_feeds", "ml4t_live_secret"}
    assert not [name for name in hooks if f"### {name}\n" not in told]
    for record in (each for each in vars(records).values() if isinstance(each, type) and attrs.has(each)):
        assert f"### {record.__name__}\n" in told
    assert not [f.name for f in attrs.fields(records.Component) if f"| `{f.name}` |" not in told]


def test_every_scenario_of_the_kit_is_there_with_what_holds() -> None:
    told = {cells[0].strip("`"): cells[1] for cells in rows(page("scenarios"))}
    paths = (CORE / "testing" / "conformance").rglob("*.py")
    written = {
        name for path in paths for name in re.findall(r"^@scenario\(.*\)\nasync def (\w+)", path.read_text(), re.MULTILINE)
    }

    assert len(written) > 100
    assert not [name for name in written if not told.get(name)]


def test_every_key_of_a_configuration_is_there_with_its_meaning() -> None:
    told = dict(re.findall(r"^## (\S+)\n(.*?)(?=^## |\Z)", page("settings"), re.MULTILINE | re.DOTALL))
    schema = json_schema()["properties"]
    heads = {name: next(head for head in told if head.strip("[]").partition(".")[0] == name) for name in schema}

    for name, head in heads.items():
        inside = schema[name].get("properties") or schema[name]["additionalProperties"]["properties"]
        written = {cells[0].strip("`"): cells[3] for cells in rows(told[head])[1:]}
        assert set(inside) - {"checks"} <= written.keys(), head
        assert not [key for key, meaning in written.items() if not meaning], (
            f"{head}: a string below a field says what it means"
        )
    assert "[[risk.checks]]" in told


def test_every_key_of_every_plugin_is_there_with_its_meaning() -> None:
    told = page("plugins")
    for plugin, component in components():
        own = section(told, f"\n## {plugin.found.name}\n", "\n## ")
        kind = next(kind for kind, several in plugin.components.items() if component in several)
        within = section(own, f"\n### {kind.value}: {short_name(plugin.found.name, component)}\n", "\n### ")
        written = {cells[0].strip("`"): cells[-1] for cells in rows(within)}
        for key in key_types(component.config):
            assert written.get(key), f"{plugin.found.name}.{component.name}: {key} has no meaning"


def components() -> Iterator[tuple[Loaded, Any]]:
    for plugin in Catalogue.discover().load_all():
        assert isinstance(plugin, Loaded), plugin
        yield from ((plugin, each) for several in plugin.components.values() for each in several)


def test_every_command_and_option_is_there() -> None:
    told = page("commands").replace("\\|", "|")
    for name, command in commands.every_command():
        within = section(told, f"# {name}\n", "\n##")
        for parameter in command.params:
            words = (
                parameter.opts if parameter.param_type_name == "option" else [str(parameter.metavar or parameter.name.upper())]
            )
            found = (re.search(rf"`\[?{re.escape(each.strip('[]'))}\b", within) for each in words)
            assert any(found), f"{name}: {words}"
    names = {name for name, _ in commands.every_command()}
    assert {each.name for each in COMMANDS} | {"config check", "plugins show", "journal verify"} <= names


def test_every_error_and_every_exit_code_is_there() -> None:
    told = page("errors")
    codes = {name: value for name, value in vars(exits).items() if name.isupper() and isinstance(value, int)}
    classes = [name for path in CORE.rglob("*.py") for name in errors_in(path)]

    assert not [name for name, value in codes.items() if f"| {value} | `{name}` | " not in told]
    assert not [name for name in classes if f"| `{name}` |" not in told]
    assert not [each for each in errors.exceptions() if not each.__doc__]


def errors_in(path: Path) -> Iterator[str]:
    for node in ast.parse(path.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.ClassDef) and {ast.unparse(base) for base in node.bases} & {"LiveError", "FeedRefused"}:
            yield node.name


def test_every_code_of_an_order_is_there() -> None:
    told = set(re.findall(r"`(\w+)`", page("codes")))
    source = "".join(path.read_text(encoding="utf-8") for path in (CORE / "risk").rglob("*.py"))
    refused = set(re.findall(r"refuse\(\s*\"(\w+)\"", source))
    listed = {code for cells in rows(RISK_PAGE.read_text(encoding="utf-8"))[1:] for code in re.findall(r"`(\w+)`", cells[2])}

    assert refused >= {"stale_data", "kill_switch"}
    assert not refused - told
    assert not {code for code in listed if "_" in code} - told
    assert all(cells[-1] for cells in rows(page("codes"))), "a string below a constant says what it means"


# --- what stands in the repository is what the code says ---------------------------------------------------------------


def test_the_table_of_plugins_is_that_of_the_records() -> None:
    there, made = readme.written().splitlines(), readme.table().splitlines()
    missing_here = [line for line in there if "ml4t-live-backtest" in line and sys.version_info < (3, 12)]

    assert [line for line in there if line not in missing_here] == made, "run `python -m website`"


def test_core_knows_the_plugins_by_what_they_are() -> None:
    for plugin in Catalogue.discover().load_all():
        if isinstance(plugin, Loaded) and plugin.found.name in KNOWN:
            assert plugin.found.distribution == KNOWN[plugin.found.name].distribution
    published = {path.parent.name for path in ROOT.glob("plugins/*/pyproject.toml")}
    texts = "".join(path.read_text(encoding="utf-8") for path in ROOT.glob("*/*/pyproject.toml"))
    assert published <= set(KNOWN)
    assert not [known.distribution for known in KNOWN.values() if f'\nname = "{known.distribution}"\n' not in texts]


def test_the_pictures_show_what_the_commands_say() -> None:
    for name, text in pictures.outputs():
        assert pictures.shown(name) == pictures.lasting(text.plain), f"{name}: run `python -m website`"


def test_no_picture_fetches_anything() -> None:
    for path in sorted(pictures.FOLDER.glob("*.svg")):
        assert not re.search(r"url\(['\"]?http|href=['\"]http|@import", path.read_text(encoding="utf-8")), path.name


# --- the site itself ---------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("site")
    environment = {**os.environ, "NO_MKDOCS_2_WARNING": "1"}
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--quiet", "--site-dir", str(folder)]
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False, timeout=600)
    assert done.returncode == 0, done.stderr
    return folder


class Fetched(HTMLParser):
    """What a browser fetches to show a page."""

    def __init__(self) -> None:
        super().__init__()
        self.addresses: list[str] = []

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        given = dict(attributes)
        self.addresses += [given.get(name) or "" for name in ("src", "srcset", "poster", "data")]
        if tag == "link" and given.get("rel") != "canonical":
            self.addresses.append(given.get("href") or "")


def test_the_site_is_whole_and_asks_nobody_for_anything(site: Path) -> None:
    pages = sorted(site.rglob("*.html"))
    assert {"index.html", "reference/commands.html", "decisions/index.html"} <= {str(each.relative_to(site)) for each in pages}
    for each in pages:
        fetched = Fetched()
        fetched.feed(each.read_text(encoding="utf-8"))
        assert not [address for address in fetched.addresses if re.match(r"(https?:)?//", address)], each
    for sheet in site.rglob("*.css"):
        assert not re.search(r"url\(['\"]?(https?:)?//|@import", sheet.read_text(encoding="utf-8")), sheet


def test_the_contracts_are_filled_in(site: Path) -> None:
    told = (site / "reference" / "contracts.html").read_text(encoding="utf-8")
    assert "Send the order under its" in told
    assert ":::" not in told

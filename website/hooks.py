"""What mkdocs calls while it builds the site: pages that are made of the code, and links that leave docs/."""

from __future__ import annotations

import re
import sys
from pathlib import Path

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

from website import decisions, reference  # noqa: E402 - mkdocs loads this file by its path

STYLE = ".md-grid { max-width: 82rem }\n.md-typeset table:not([class]) code { word-break: normal }\n"
"""Lines of code are up to 128 characters long, and tables wide."""

LINK = re.compile(r"\[([^\]]+)\]\((?!https?:|#)([^)#\s]+)(#[^)]*)?\)")


def on_config(config: MkDocsConfig) -> MkDocsConfig:
    """Add the decisions to the navigation."""
    if config.nav is not None:
        config.nav.append({"Decisions": [decisions.PAGE, *(f"decisions/{path.name}" for path in decisions.records())]})
    return config


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the pages that are made."""
    for name, make in {**reference.PAGES, decisions.PAGE: decisions.page}.items():
        files.append(File.generated(config, name, content=make()))
    files.append(File.generated(config, "site.css", content=STYLE))
    return files


def on_page_markdown(markdown: str, page: Page, config: MkDocsConfig, files: Files) -> str:
    """Keep the words of a link to a file of the repository that is no page, and lead one to a folder to its list."""
    here = (Path(config.docs_dir) / page.file.src_uri).parent

    def lead(match: re.Match[str]) -> str:
        words, target = match.group(1), match.group(2)
        if not (here / target).resolve().is_relative_to(config.docs_dir):
            return words
        return f"[{words}]({target}index.md)" if target.endswith("/") else match.group(0)

    return LINK.sub(lead, markdown)

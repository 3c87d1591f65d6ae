"""The templates, filled in.

A template is a file below `templates/` whose name ends with `.tmpl`, so that nothing takes it for a program; what is between
double braces, in its name too, is filled in. What every kind has is in `common/`; a folder for each kind has the rest.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from importlib.resources import files
from importlib.resources.abc import Traversable

from ml4t.live.contracts import CONTRACT
from ml4t_live_template.kinds import Kind
from ml4t_live_template.naming import Names

SUFFIX = ".tmpl"
COMMON = "common"
_WORD = re.compile(r"\{\{(\w+)\}\}")


def texts(kind: Kind, names: Names) -> Iterator[tuple[str, str]]:
    """Yield the files of a plugin: the path in its folder, with slashes, and the text.

    Raises KeyError for a word in a template that nobody fills in.
    """
    words = {
        "name": names.name,
        "distribution": names.distribution,
        "package": names.package,
        "class": names.class_,
        "kind": kind.words,
        "module": kind.module,
        "contract": str(CONTRACT),
        "component": names.class_.removesuffix(kind.part) + kind.part,
        "suite": kind.suite,
        "suites": ", ".join(sorted((kind.suite, "PluginSuite"))),
        "requires": "\n".join(f'    "{each}",' for each in sorted(kind.requires)),
    }
    templates = files("ml4t_live_template") / "templates"
    for folder in (COMMON, kind.name):
        for path, template in _below(templates / folder, ""):
            yield _filled(path.removesuffix(SUFFIX), words), _filled(template.read_text(encoding="utf-8"), words)


def _below(folder: Traversable, path: str) -> Iterator[tuple[str, Traversable]]:
    """Yield the templates in a folder, sorted, with their paths."""
    for entry in sorted(folder.iterdir(), key=lambda each: each.name):
        if entry.is_dir():
            yield from _below(entry, f"{path}{entry.name}/")
        elif entry.name.endswith(SUFFIX):
            yield path + entry.name, entry


def _filled(text: str, words: Mapping[str, str]) -> str:
    return _WORD.sub(lambda match: words[match[1]], text)

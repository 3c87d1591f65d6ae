"""The hooks that a plugin may implement, and the records that they return."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator

import attrs

from ml4t.live import hookspecs, records
from ml4t.live.config.docs import field_docs
from website.markdown import code, plain, sections, table

INTRODUCTION = """
# Hooks and records

A plugin's light module implements the hooks that it needs, each marked with `@hookimpl` of `ml4t.live.hookspecs`. They are
called at start-up only, and return records. How a plugin is found, and what is refused, is in [plugins](../plugins.md).
"""


def page() -> str:
    """Return the page."""
    classes = [hookspecs.ComponentSpecs, hookspecs.ServiceSpecs]
    return sections(
        INTRODUCTION,
        *(_class(each) for each in classes),
        "## Records",
        "Every component's record has the fields of `Component`, by keyword; that of each kind adds none.",
        *(_record(each) for each in _records()),
    )


def _class(specs: type) -> str:
    hooks = [(name, hook) for name, hook in vars(specs).items() if name.startswith(hookspecs.PROJECT)]
    return sections(f"## {(specs.__doc__ or '').rstrip('.')}", *(_hook(name, hook) for name, hook in hooks))


def _hook(name: str, hook: Callable[..., object]) -> str:
    signature = inspect.signature(hook)
    arguments = ", ".join(str(each) for each in list(signature.parameters.values())[1:])
    first = (
        "The first plugin that returns something other than None wins."
        if getattr(hook, "ml4t_live_spec", {})["firstresult"]
        else ""
    )
    return sections(
        f"### {name}",
        f"```python\n@hookimpl\ndef {name}({arguments}) -> {signature.return_annotation}: ...\n```".replace("'", ""),
        plain(inspect.getdoc(hook) or ""),
        first,
    )


def _records() -> Iterator[type]:
    yield records.Component
    for each in vars(records).values():
        if isinstance(each, type) and attrs.has(each) and each is not records.Component:
            yield each


def _record(record: type) -> str:
    docs, inherited = field_docs(record), {each.name for each in attrs.fields(records.Component)}
    rows = [
        (
            code(each.name),
            "required" if each.default is attrs.NOTHING else _default(each.default),
            plain(docs.get(each.name, "")),
        )
        for each in attrs.fields(record)
        if record is records.Component or not (issubclass(record, records.Component) and each.name in inherited)
    ]
    return sections(
        f"### {record.__name__}", plain(inspect.cleandoc(record.__doc__ or "")), table(("field", "default", "meaning"), rows)
    )


def _default(value: object) -> str:
    return "none" if value in {"", frozenset()} else code(value)

"""Where an installed plugin comes from, as far as its metadata say, and whether its files are still those of its wheel."""

from __future__ import annotations

import json
from collections.abc import Mapping
from email.message import Message
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit

from attrs import frozen

from ml4t.live.plugins.code import code_of
from ml4t.live.plugins.finder import Found
from ml4t.live.plugins.requirements import check_core
from ml4t.live.plugins.wheel import damage, text

AGREE = "agree with RECORD"


@frozen(kw_only=True)
class Provenance:
    """What is known of a distribution; empty is what nobody has said."""

    distribution: str
    version: str
    entry_point: str
    place: str
    """The folder that it is installed in."""
    installed_as: str
    """`editable`, `wheel`, or empty."""
    installed_from: str
    """The address that an installer was given, without user, password and query; empty for a package index."""
    installer: str
    author: str
    home_page: str
    licence: str
    requires_python: str
    asks_for: str
    """The range of versions of the core."""
    digest: str
    """The hash of all its code, as it is on the disk now."""
    files: str
    """Whether the files are those of the wheel."""


def provenance(found: Found) -> Provenance:
    """Return where a plugin comes from. Imports nothing."""
    said = _metadata(found)
    return Provenance(
        distribution=found.distribution,
        version=found.version,
        entry_point=f"{found.name} = {found.target}",
        place=str(Path(str(found.installed.locate_file("")))) if found.installed is not None else "",
        installed_as="editable" if found.origin else "wheel" if text(found.installed, "RECORD") else "",
        installed_from=_address(text(found.installed, "direct_url.json")),
        installer=text(found.installed, "INSTALLER").strip(),
        author=_first(said, "Author", "Author-email", "Maintainer", "Maintainer-email"),
        home_page=_home_page(said),
        licence=_first(said, "License-Expression", "License").partition("\n")[0],
        requires_python=_first(said, "Requires-Python"),
        asks_for=check_core(found).asked,
        digest=code_of(found).digest,
        files=_agreement(found),
    )


def _agreement(found: Found) -> str:
    if found.origin:
        return "editable: the files are those of the source folder"
    damaged = damage(found.installed) if found.installed is not None else None
    if damaged is None:
        return "nobody knows: there is no RECORD"
    return f"not as RECORD says: {', '.join(damaged)}" if damaged else AGREE


def _metadata(found: Found) -> Mapping[str, Any] | Message:
    try:
        return found.installed.metadata if found.installed is not None else {}
    except Exception:  # noqa: BLE001 - half-removed: what is not said is empty
        return {}


def _first(said: Any, *names: str) -> str:
    return next((str(said[name]) for name in names if said and name in said), "")


def _home_page(said: Any) -> str:
    written = (said.get_all("Project-URL") or []) if hasattr(said, "get_all") else []
    links = {label.strip().lower(): link.strip() for label, _, link in (each.partition(",") for each in written)}
    known = (links.get(each) for each in ("homepage", "home", "source", "repository"))
    return _first(said, "Home-page") or next(filter(None, known), next(iter(links.values()), ""))


def _address(direct_url: str) -> str:
    """Return what an installer was told to install, without what may be a secret, and with the commit where there is one."""
    try:
        told = json.loads(direct_url)
        parts = urlsplit(told["url"])
        commit = str(told.get("vcs_info", {}).get("commit_id", ""))
    except (ValueError, KeyError, TypeError, AttributeError):
        return ""
    clean = urlunsplit((parts.scheme, parts.netloc.rpartition("@")[2], parts.path, "", ""))
    return f"{clean} at {commit}" if commit else clean

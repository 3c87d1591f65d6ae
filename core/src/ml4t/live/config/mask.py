"""The document as it may be shown: references as they are, and no secret that was written out by mistake."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from ml4t.live.config.document import Document
from ml4t.live.config.secret import MASK, Secret

_TELLING = re.compile(r"(^|[_-])(key|secret|token|password|passphrase|credentials?)s?$", re.IGNORECASE)


def is_telling(key: str) -> bool:
    """Return True for the name of a key that usually holds a secret."""
    return _TELLING.search(key) is not None


def show(document: Document | Mapping[str, Any]) -> dict[str, Any]:
    """Return the merged document with references in place of secrets, as `config show` prints it.

    A secret that was written out in the file is masked: the file is wrong, and its printout need not be.
    """
    data = document.data if isinstance(document, Document) else document
    return {key: _shown(key, value) for key, value in data.items()}


def _shown(key: str, value: Any) -> Any:
    if isinstance(value, Mapping):
        return {inner: _shown(inner, item) for inner, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_shown(key, item) for item in value]
    return MASK if isinstance(value, Secret) or (isinstance(value, str) and is_telling(key)) else value

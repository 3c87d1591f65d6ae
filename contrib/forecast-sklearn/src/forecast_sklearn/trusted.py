"""Reading a file of joblib's, which is a program: only one that is trusted."""

from __future__ import annotations

import hashlib
import hmac
import io
import warnings
from pathlib import Path
from typing import Any

import joblib  # type: ignore[import-untyped]
from sklearn.exceptions import InconsistentVersionWarning  # type: ignore[import-untyped]

from ml4t.live.errors import LiveError


def load(path: Path, sha256: str) -> Any:
    """Return what is in a file whose hash is `sha256`. Raises LiveError with what to do.

    What is hashed is what is read: a file that is exchanged in between changes nothing.
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        raise LiveError(f"the model {path} cannot be read ({error.strerror}); check model") from None
    found = hashlib.sha256(content).hexdigest()
    if not hmac.compare_digest(found, sha256):
        raise LiveError(
            f"the model {path} is not the one that is trusted: its sha256 is {found}, and not {sha256}; "
            "if it is yours, write its own, and if not, do not run it"
        )
    with warnings.catch_warnings():
        warnings.simplefilter("error", InconsistentVersionWarning)
        try:
            return joblib.load(io.BytesIO(content))
        except InconsistentVersionWarning as error:
            raise LiveError(
                f"the model {path} was fitted with scikit-learn {error.original_sklearn_version}, and this is "
                f"{error.current_sklearn_version}: it may predict something else; fit it again, or install that version"
            ) from None
        except Exception as error:
            raise LiveError(f"the model {path} cannot be loaded: {type(error).__name__}: {error}") from error

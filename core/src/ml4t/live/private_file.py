"""Files that only their owner may read, and that are whole or as they were."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path


def write_private(path: Path, text: str, *, durable: bool = True) -> None:
    """Replace the file by `text`, mode 0600 whatever the umask says.

    A crash at any moment leaves the old file or the new one: the text is on disk under another name in the same folder
    before it takes the place of the old. Unless `durable` nothing is synced: then that holds for a crash of the process, and
    not for a loss of power. Raises OSError when the folder is missing or the disk refuses; the old file is
    as it was then, and nothing else is left.
    """
    descriptor, name = tempfile.mkstemp(prefix=f".{path.name}.", suffix=".tmp", dir=path.parent)  # is 0600
    temporary = Path(name)
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            if durable:
                os.fsync(file.fileno())
        temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    if durable:
        _sync_folder(path.parent)


def _sync_folder(folder: Path) -> None:
    """Make the new name durable, where folders can be opened: not on Windows."""
    if os.name != "posix":
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)

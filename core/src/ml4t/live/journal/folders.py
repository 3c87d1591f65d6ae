"""Makes names durable: a file whose folder was not synced may be gone after a loss of power, with all that is in it."""

from __future__ import annotations

import os
import sys
from pathlib import Path


def sync_folder(path: Path) -> None:
    """Put the names in a folder on disk. Raises OSError when the disk refuses."""
    if sys.platform == "win32":
        return  # it has no such call, and NTFS journals its names
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def make_folders(path: Path) -> None:
    """Create a folder and those above it that are missing, durably."""
    missing = [folder for folder in (path, *path.parents) if not folder.exists()]
    path.mkdir(parents=True, exist_ok=True)
    for folder in missing:
        sync_folder(folder.parent)

"""A hundred installed plugins that nobody may import: metadata as pip leaves it, and modules that raise."""

from __future__ import annotations

from pathlib import Path

METADATA = """\
Metadata-Version: 2.4
Name: crowd-{n}
Version: 1.{n}
Summary: One of many.
Author-email: Somebody <somebody@example.org>
License-Expression: MIT
Requires-Python: >=3.11
Requires-Dist: attrs>=23
Requires-Dist: ml4t-live<2,>=1.0.0.dev0
"""
FILES = ("__init__.py", "config.py", "feed.py", "plugin.py")


def crowd(site: Path, count: int) -> list[str]:
    """Put so many distributions with a plugin each into a folder; return the names of the plugins."""
    for n in range(count):
        info, package = site / f"crowd_{n}-1.{n}.dist-info", site / f"crowd_{n}"
        info.mkdir(parents=True)
        package.mkdir()
        for name in FILES:
            (package / name).write_text(f"raise RuntimeError('crowd_{n} was imported')\n")
        record = [f"crowd_{n}/{name},," for name in FILES] + [f"{info.name}/{name},," for name in ("METADATA", "RECORD")]
        (info / "METADATA").write_text(METADATA.format(n=n))
        (info / "entry_points.txt").write_text(f"[ml4t.live]\ncrowd-{n} = crowd_{n}.plugin\n")
        (info / "INSTALLER").write_text("pip\n")
        (info / "RECORD").write_text("\n".join(record) + "\n")
    return [f"crowd-{n}" for n in range(count)]

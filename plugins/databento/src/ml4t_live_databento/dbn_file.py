"""A file of DBN records, compressed or not, read a piece at a time."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import closing
from pathlib import Path
from typing import Any

from databento_dbn import DBNDecoder, Metadata

from ml4t.live.feeds.problem import RecordingError
from ml4t_live_databento.sdk import Compression, VersionUpgradePolicy

CHUNK = 1 << 16
ZSTD = b"\x28\xb5\x2f\xfd"
"""The first bytes of a file that is compressed."""


def header_of(path: Path) -> Metadata:
    """Return what a file says of itself. Raises RecordingError."""
    with closing(decoded_from(path)) as decoded:
        header: Metadata = next(decoded)[0]
        return header


def decoded_from(path: Path) -> Generator[list[Any], None, None]:
    """Yield the header by itself, and then the records, some at a time. Raises RecordingError."""
    try:
        with path.open("rb") as file:
            compressed = file.read(len(ZSTD)) == ZSTD
            file.seek(0)
            decoder = DBNDecoder(
                upgrade_policy=VersionUpgradePolicy.UPGRADE_TO_V3,
                compression=Compression.ZSTD if compressed else Compression.NONE,
            )
            header = False
            while chunk := file.read(CHUNK):
                decoder.write(chunk)
                records = decoder.decode()
                if records and not header:
                    header = True
                    yield records[:1]
                    del records[0]
                if records:
                    yield records
    except OSError as error:
        raise RecordingError(f"{path} cannot be read: {error.strerror or error}") from None
    except Exception as error:
        raise RecordingError(f"{path} is not a DBN file, or a damaged one ({error}); download it again") from error
    if not header or decoder.buffer():
        raise RecordingError(f"{path} is not a DBN file, or ends in the middle of a record; download it again")

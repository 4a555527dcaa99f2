"""Archives whose bytes depend only on their content: names sorted, one time, one owner."""

from __future__ import annotations

import gzip
import hashlib
import io
import tarfile
import time
import zipfile
from dataclasses import dataclass
from pathlib import Path

# Earliest second that a zip file can express: 1980-01-01.
ZIP_EPOCH = 315_532_800
UNIX = 3


@dataclass(frozen=True)
class File:
    """A file of an archive."""

    content: bytes
    is_executable: bool = False

    @property
    def mode(self) -> int:
        return 0o755 if self.is_executable else 0o644

    @classmethod
    def of(cls, path: Path) -> File:
        return cls(path.read_bytes(), bool(path.stat().st_mode & 0o100))


# Files by their path in the archive.
Tree = dict[str, File]


def text(content: str) -> File:
    return File(content.encode())


def tar_gz(tree: Tree, seconds: int) -> bytes:
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w", format=tarfile.USTAR_FORMAT) as archive:
        for path, file in sorted(tree.items()):
            entry = tarfile.TarInfo(path)
            entry.size, entry.mode, entry.mtime = len(file.content), file.mode, seconds
            archive.addfile(entry, io.BytesIO(file.content))
    return gzip.compress(packed.getvalue(), compresslevel=9, mtime=0)


def zipped(tree: Tree, seconds: int) -> bytes:
    packed = io.BytesIO()
    when = time.gmtime(max(seconds, ZIP_EPOCH))[:6]
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
        for path, file in sorted(tree.items()):
            entry = zipfile.ZipInfo(path, when)
            entry.create_system = UNIX
            entry.compress_type = zipfile.ZIP_DEFLATED
            entry.external_attr = (0o100000 | file.mode) << 16
            archive.writestr(entry, file.content)
    return packed.getvalue()


def sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def write(folder: Path, name: str, content: bytes) -> None:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)

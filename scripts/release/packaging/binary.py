"""The built programs, and their needs on a machine."""

from __future__ import annotations

import re
import struct
from dataclasses import dataclass
from pathlib import Path

from .project import NAME, PLATFORMS, PackagingError, Platform

ELF = b"\x7fELF"
# Number of the program header that names the loader of shared libraries.
PT_INTERP = 3
# Oldest glibc that Python's package index has a tag for.
OLDEST_GLIBC = (2, 17)


@dataclass(frozen=True)
class Binary:
    """A program for one platform."""

    platform: Platform
    content: bytes

    @property
    def is_static(self) -> bool:
        """Whether a program for Linux runs without a C library on the machine."""
        return interpreter(self.content) is None

    @property
    def npm_libc(self) -> str | None:
        """The C library that npm has to find; None if any will do."""
        if self.platform.node_os != "linux" or self.is_static:
            return None
        return "glibc"

    @property
    def wheel_tags(self) -> str:
        if self.platform.wheel_tag is not None:
            return self.platform.wheel_tag
        cpu = self.platform.name.removeprefix("linux-")
        if not self.is_static:
            major, minor = newest_glibc(self.content)
            return f"manylinux_{major}_{minor}_{cpu}"
        return f"manylinux_2_17_{cpu}.manylinux2014_{cpu}.musllinux_1_1_{cpu}"


def binaries(folder: Path) -> list[Binary]:
    """The programs in FOLDER/PLATFORM, in the order of the table of platforms."""
    found = []
    for platform in PLATFORMS:
        path = folder / platform.name / platform.executable
        if path.is_file():
            found.append(Binary(platform, path.read_bytes()))
    if not found:
        raise PackagingError(
            f"there is no {NAME} in {folder}/PLATFORM: scripts/release/build makes it"
        )
    return found


def interpreter(content: bytes) -> str | None:
    """The loader that a 64-bit little-endian ELF program names, or None for a static one."""
    if content[:4] != ELF:
        return None
    (offset,) = struct.unpack_from("<Q", content, 32)
    size, count = struct.unpack_from("<HH", content, 54)
    for header in range(offset, offset + size * count, size):
        kind, _, place, _, _, length = struct.unpack_from("<IIQQQQ", content, header)
        if kind == PT_INTERP:
            return content[place : place + length].rstrip(b"\0").decode()
    return None


def newest_glibc(content: bytes) -> tuple[int, int]:
    """The newest version of glibc among the symbols that a program needs."""
    asked = re.findall(rb"GLIBC_(\d+)\.(\d+)", content)
    return max([OLDEST_GLIBC, *((int(major), int(minor)) for major, minor in asked)])

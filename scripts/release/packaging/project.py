"""Facts about the project and about the platforms that it is released for."""

from __future__ import annotations

import os
import subprocess
import tomllib
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
NAME = "posthog-llma"


class PackagingError(Exception):
    """The reason why nothing can be packed: one line for the person who runs the script."""


@dataclass(frozen=True)
class Platform:
    """A kind of machine, by the names that each package registry has for it."""

    # Name in the plugin's launcher and in archives.
    name: str
    # Values of process.platform and process.arch in Node.
    node_os: str
    node_cpu: str
    # Processors that run the program, emulated ones included.
    node_cpus: tuple[str, ...]
    # Tag of Python wheels. On Linux it depends on the binary: see binary.py.
    wheel_tag: str | None = None
    # Processor in the names of container images.
    container_cpu: str | None = None

    @property
    def executable(self) -> str:
        return f"{NAME}.exe" if self.node_os == "win32" else NAME

    @property
    def npm_name(self) -> str:
        return f"@{NAME}/{self.node_os}-{self.node_cpu}"

    @property
    def archive_suffix(self) -> str:
        return "zip" if self.node_os == "win32" else "tar.gz"


PLATFORMS = (
    Platform("linux-x86_64", "linux", "x64", ("x64",), container_cpu="amd64"),
    Platform("linux-aarch64", "linux", "arm64", ("arm64",), container_cpu="arm64"),
    Platform("macos-x86_64", "darwin", "x64", ("x64",), "macosx_10_12_x86_64"),
    Platform("macos-aarch64", "darwin", "arm64", ("arm64",), "macosx_11_0_arm64"),
    # Windows on ARM emulates x86_64.
    Platform("windows-x86_64", "win32", "x64", ("x64", "arm64"), "win_amd64"),
)


@dataclass(frozen=True)
class Project:
    """Facts about the project in every package."""

    version: str
    description: str
    license: str
    repository: str
    keywords: tuple[str, ...]
    # Seconds since 1970 that every packed file carries.
    time: int

    @classmethod
    def read(cls, version: str | None = None) -> Project:
        manifest = tomllib.loads((ROOT / "Cargo.toml").read_text())["package"]
        return cls(
            version=version or manifest["version"],
            description=manifest["description"],
            license=manifest["license"],
            repository=manifest["repository"],
            keywords=tuple(manifest["keywords"]),
            time=time_of_commit(),
        )

    def download(self, file: str) -> str:
        """Address of a file of this release."""
        return f"{self.repository}/releases/download/v{self.version}/{file}"


def time_of_commit() -> int:
    """SOURCE_DATE_EPOCH, else the time of the last commit; that of the build always differs."""
    fixed = os.environ.get("SOURCE_DATE_EPOCH")
    if fixed is not None:
        return int(fixed)
    command = ["git", "log", "-1", "--format=%ct"]
    return int(subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout)


def committed(folder: str) -> list[Path]:
    """The committed files of a folder, without leftovers in the work tree."""
    command = ["git", "ls-files", "-z", folder]
    listed = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout
    return [ROOT / name for name in listed.split("\0") if name]

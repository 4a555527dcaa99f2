"""Packages made for the tests from the built program, in two versions."""

from __future__ import annotations

import atexit
import functools
import json
import os
import platform
import shutil
import subprocess
import tarfile
import tempfile
import tomllib
from dataclasses import dataclass
from pathlib import Path

from machine import ROOT
from servers import Json, member

NEW = tomllib.loads((ROOT / "Cargo.toml").read_text())["package"]["version"]
# A version before every other.
OLD = "0.0.9"
CPUS = {"x86_64": "x64", "aarch64": "arm64"}


def find_program() -> Path | None:
    named = os.environ.get("POSTHOG_LLMA_PROGRAM")
    found = Path(named) if named else ROOT / "target/debug/posthog-llma"
    return found if found.is_file() else None


@dataclass(frozen=True)
class Release:
    folder: Path
    version: str

    @classmethod
    @functools.cache
    def of_tests(cls, version: str) -> Release:
        program = find_program()
        assert program is not None, "cargo build makes the program"
        root = Path(tempfile.mkdtemp(prefix="posthog-llma-release-"))
        atexit.register(shutil.rmtree, root, ignore_errors=True)
        binary = root / "binaries" / f"linux-{platform.machine()}" / "posthog-llma"
        binary.parent.mkdir(parents=True)
        # Without debug information, which is most of a debug build.
        subprocess.run(["strip", "-o", binary, program], check=True)
        package(root / "binaries", root / "out", version)
        return cls(root / "out", version)

    @property
    def node_platform(self) -> str:
        return f"linux-{CPUS[platform.machine()]}"

    @property
    def archive(self) -> str:
        return f"posthog-llma-{self.version}-linux-{platform.machine()}.tar.gz"

    def npm_manifest(self, name: str) -> Json:
        with tarfile.open(self.folder / "npm" / f"{name}-{self.version}.tgz") as archive:
            manifest: Json = json.loads(member(archive, "package/package.json"))
        return manifest


def package(binaries: Path, output: Path, version: str) -> None:
    pages = empty_pages(output.parent)
    command: list[str | Path] = [
        ROOT / "scripts/release/package",
        binaries,
        output,
        "--manual",
        pages,
        "--version",
        version,
    ]
    subprocess.run(command, check=True)


def empty_pages(root: Path) -> Path:
    """Stands in for the manual, which cargo builds."""
    for part in ("man", "completions"):
        (root / "manual" / part).mkdir(parents=True, exist_ok=True)
    (root / "manual/man/posthog-llma.1").write_text(".TH posthog-llma 1\n")
    return root / "manual"

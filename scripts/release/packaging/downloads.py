"""The downloads of a release: archives, the installer, and files for package managers."""

from __future__ import annotations

import json
import subprocess
import tempfile
from pathlib import Path

from .binary import Binary
from .files import File, Tree, sha256, tar_gz, zipped
from .project import NAME, ROOT, PackagingError, Platform, Project

DOCUMENTS = ("README.md", "CHANGELOG.md", "LICENSE", "SECURITY.md")


def manual(folder: Path | None) -> Tree:
    """Manual pages and completions: those in a folder, else made from the program's definitions."""
    if folder is None:
        with tempfile.TemporaryDirectory() as made:
            command = ["cargo", "run", "--quiet", "--locked", "--example", "manual", "--", made]
            subprocess.run(command, cwd=ROOT, check=True)
            return manual(Path(made))
    paths = [path for part in ("man", "completions") for path in (folder / part).iterdir()]
    return {path.relative_to(folder).as_posix(): File.of(path) for path in paths}


def stem(project: Project, platform: Platform) -> str:
    return f"{NAME}-{project.version}-{platform.name}"


def archive_name(project: Project, platform: Platform) -> str:
    return f"{stem(project, platform)}.{platform.archive_suffix}"


def archives(project: Project, programs: list[Binary], pages: Tree) -> dict[str, bytes]:
    packed = {}
    for program in programs:
        platform = program.platform
        tree = pages | {name: File.of(ROOT / name) for name in DOCUMENTS}
        tree[platform.executable] = File(program.content, is_executable=True)
        inside = {f"{stem(project, platform)}/{path}": file for path, file in tree.items()}
        pack = zipped if platform.archive_suffix == "zip" else tar_gz
        packed[archive_name(project, platform)] = pack(inside, project.time)
    return packed


def checksums(files: dict[str, bytes]) -> bytes:
    """Checksums in the form that `sha256sum --check` reads."""
    return "".join(
        f"{sha256(content)}  {name}\n" for name, content in sorted(files.items())
    ).encode()


def installer(project: Project, packed: dict[str, bytes]) -> bytes:
    """The installer script with the checksums of its own release."""
    known = "".join(
        f"    {name}) echo {sha256(content)} ;;\n"
        for name, content in sorted(packed.items())
        if name.endswith(".tar.gz")
    )
    places = {
        "@VERSION@": project.version,
        "@DOWNLOADS@": project.download("").removesuffix("/"),
        "    @CHECKSUMS@\n": known,
    }
    return filled(ROOT / "packages/install.sh", places)


def homebrew(project: Project, packed: dict[str, bytes]) -> bytes:
    places = {
        "@VERSION@": project.version,
        "@DESCRIPTION@": project.description,
        "@HOMEPAGE@": project.repository,
        "@LICENSE@": project.license,
    }
    return filled(
        ROOT / "packages/homebrew.rb", places | {"  @SYSTEMS@\n": systems(project, packed)}
    )


def systems(project: Project, packed: dict[str, bytes]) -> str:
    """The downloads of a Homebrew formula, by system and processor."""
    lines = []
    for system in ("macos", "linux"):
        known = []
        for cpu, name in (("arm", f"{system}-aarch64"), ("intel", f"{system}-x86_64")):
            file = f"{NAME}-{project.version}-{name}.tar.gz"
            if file in packed:
                known += [
                    f"    on_{cpu} do",
                    f'      url "{project.download(file)}"',
                    f'      sha256 "{sha256(packed[file])}"',
                    "    end",
                ]
        if known:
            lines += [f"  on_{system} do", *known, "  end", ""]
    return "\n".join(lines) + "\n" if lines else ""


def scoop(project: Project, packed: dict[str, bytes]) -> bytes | None:
    """The manifest for Scoop, if the release has a program for Windows."""
    file = f"{NAME}-{project.version}-windows-x86_64.zip"
    if file not in packed:
        return None
    later = f"{project.repository}/releases/download/v$version/{NAME}-$version-windows-x86_64"
    manifest = {
        "version": project.version,
        "description": project.description,
        "homepage": project.repository,
        "license": project.license,
        "architecture": {"64bit": {"url": project.download(file), "hash": sha256(packed[file])}},
        "extract_dir": file.removesuffix(".zip"),
        "bin": f"{NAME}.exe",
        "checkver": "github",
        "autoupdate": {
            "architecture": {"64bit": {"url": f"{later}.zip"}},
            "extract_dir": f"{NAME}-$version-windows-x86_64",
            "hash": {"url": "$baseurl/SHA256SUMS"},
        },
    }
    return (json.dumps(manifest, indent=4, ensure_ascii=False) + "\n").encode()


def container(programs: list[Binary]) -> dict[str, bytes]:
    """The context of `docker build`: static programs for Linux and the Dockerfile, or nothing."""
    static = [it for it in programs if it.platform.container_cpu is not None and it.is_static]
    files = {f"{it.platform.container_cpu}/{NAME}": it.content for it in static}
    if files:
        files["Dockerfile"] = (ROOT / "packages/container/Dockerfile").read_bytes()
    return files


def filled(template: Path, places: dict[str, str]) -> bytes:
    text = template.read_text()
    for place, value in places.items():
        if place not in text:
            raise PackagingError(f"{template} has no {place.strip()}")
        text = text.replace(place, value)
    return text.encode()

"""Python wheels that contain only the program, as pip, pipx and uv install them."""

from __future__ import annotations

import base64
import hashlib

from .binary import Binary
from .documents import document
from .files import File, Tree, text, zipped
from .project import NAME, ROOT, Project

MODULE = NAME.replace("-", "_")


def wheels(project: Project, programs: list[Binary]) -> dict[str, bytes]:
    return dict(wheel(project, program) for program in programs)


def wheel(project: Project, program: Binary) -> tuple[str, bytes]:
    stem = f"{MODULE}-{project.version}"
    info = f"{stem}.dist-info"
    tags = program.wheel_tags
    tree = {
        f"{stem}.data/scripts/{program.platform.executable}": File(
            program.content, is_executable=True
        ),
        f"{info}/METADATA": text(metadata(project)),
        f"{info}/WHEEL": text(description(tags)),
        f"{info}/licenses/LICENSE": File.of(ROOT / "LICENSE"),
    }
    tree[f"{info}/RECORD"] = record(tree, f"{info}/RECORD")
    return f"{stem}-py3-none-{tags}.whl", zipped(tree, project.time)


def metadata(project: Project) -> str:
    fields = [
        "Metadata-Version: 2.4",
        f"Name: {NAME}",
        f"Version: {project.version}",
        f"Summary: {project.description}",
        f"License-Expression: {project.license}",
        "License-File: LICENSE",
        f"Keywords: {','.join(project.keywords)}",
        f"Project-URL: Repository, {project.repository}",
        "Requires-Python: >=3.8",
        "Description-Content-Type: text/markdown",
    ]
    return "\n".join(fields) + "\n\n" + document(project, "README.md").content.decode()


def description(tags: str) -> str:
    lines = ["Wheel-Version: 1.0", f"Generator: {NAME}", "Root-Is-Purelib: false"]
    lines += [f"Tag: py3-none-{tag}" for tag in tags.split(".")]
    return "\n".join(lines) + "\n"


def record(tree: Tree, own: str) -> File:
    """The list of files with their checksums, except for its own line."""
    lines = []
    for path, file in sorted(tree.items()):
        digest = (
            base64.urlsafe_b64encode(hashlib.sha256(file.content).digest()).rstrip(b"=").decode()
        )
        lines.append(f"{path},sha256={digest},{len(file.content)}")
    return text("\n".join([*lines, f"{own},,"]) + "\n")

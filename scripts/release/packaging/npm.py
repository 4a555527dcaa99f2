"""Packages for npm: the command line, one for each platform, and the plugins of the agents."""

from __future__ import annotations

import json

from .binary import Binary
from .documents import document
from .files import File, Tree, tar_gz, text
from .project import NAME, ROOT, Project, committed

CLAUDE_CODE = f"{NAME}-claude-code"
# Folders of plugin/ that are packages of their own.
OTHER_AGENTS = ("opencode", "pi")


def packages(project: Project, programs: list[Binary]) -> dict[str, bytes]:
    """Every package, by the file name that `npm pack` would give it."""
    trees = [
        command_line(project, programs),
        *(of_platform(project, program) for program in programs),
        claude_code_plugin(project, programs),
        *(plugin_of(project, agent) for agent in OTHER_AGENTS),
    ]
    return dict(pack(project, tree) for tree in trees)


def pack(project: Project, tree: Tree) -> tuple[str, bytes]:
    manifest = json.loads(tree["package.json"].content)
    name = manifest["name"].removeprefix("@").replace("/", "-")
    inside = {f"package/{path}": file for path, file in tree.items()}
    return f"{name}-{project.version}.tgz", tar_gz(inside, project.time)


def manifest(project: Project, name: str, description: str, **more: object) -> File:
    repository = {"type": "git", "url": f"git+{project.repository}.git"}
    common = {
        "name": name,
        "version": project.version,
        "description": description,
        "license": project.license,
        "homepage": project.repository,
        "repository": repository,
        "keywords": list(project.keywords),
    }
    return text(json.dumps(common | more, indent=2, ensure_ascii=False) + "\n")


def command_line(project: Project, programs: list[Binary]) -> Tree:
    """The package for people: a Node script that becomes the program of the platform's package."""
    tree = {path.name: File.of(path) for path in committed("packages/npm")}
    tree |= of_project("LICENSE")
    tree["README.md"] = document(project, "README.md")
    tree["package.json"] = manifest(
        project,
        NAME,
        project.description,
        bin={NAME: "posthog-llma.js"},
        main="index.js",
        engines={"node": ">=18"},
        optionalDependencies={it.platform.npm_name: project.version for it in programs},
    )
    return tree


def of_platform(project: Project, program: Binary) -> Tree:
    platform = program.platform
    fields: dict[str, object] = {"os": [platform.node_os], "cpu": list(platform.node_cpus)}
    if program.npm_libc is not None:
        fields["libc"] = [program.npm_libc]
    description = f"The program of {NAME} for {platform.name}"
    return of_project("LICENSE") | {
        f"bin/{platform.executable}": File(program.content, is_executable=True),
        "package.json": manifest(project, platform.npm_name, description, **fields),
    }


def claude_code_plugin(project: Project, programs: list[Binary]) -> Tree:
    """A package with all programs: Claude Code unpacks one package and installs no dependencies."""
    folder = ROOT / "plugin"
    tree = {}
    for path in committed("plugin"):
        inside = path.relative_to(folder)
        if inside.parts[0] not in OTHER_AGENTS:
            tree[inside.as_posix()] = File.of(path)
    tree["README.md"] = document(project, "plugin/README.md")
    tree[".claude-plugin/plugin.json"] = with_version(tree[".claude-plugin/plugin.json"], project)
    for program in programs:
        platform = program.platform
        # Windows starts bin/posthog-llma.exe where a hook names bin/posthog-llma.
        place = "bin" if platform.node_os == "win32" else f"bin/{platform.name}"
        tree[f"{place}/{platform.executable}"] = File(program.content, is_executable=True)
    description = json.loads(tree[".claude-plugin/plugin.json"].content)["description"]
    tree["package.json"] = manifest(project, CLAUDE_CODE, description)
    return tree


def plugin_of(project: Project, agent: str) -> Tree:
    """The package of another agent, with the program as a dependency."""
    folder = ROOT / "plugin" / agent
    paths = committed(f"plugin/{agent}")
    tree = {path.relative_to(folder).as_posix(): File.of(path) for path in paths}
    tree["README.md"] = document(project, f"plugin/{agent}/README.md")
    own = json.loads(with_version(tree["package.json"], project).content)
    own["homepage"] = project.repository
    own["dependencies"] = {NAME: project.version}
    tree["package.json"] = text(json.dumps(own, indent=2, ensure_ascii=False) + "\n")
    return tree | of_project("LICENSE")


def with_version(file: File, project: Project) -> File:
    fields = json.loads(file.content)
    fields["version"] = project.version
    return text(json.dumps(fields, indent=2, ensure_ascii=False) + "\n")


def of_project(*names: str) -> Tree:
    return {name: File.of(ROOT / name) for name in names}

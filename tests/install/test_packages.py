"""The packages of a release, without installing them."""

from __future__ import annotations

import base64
import hashlib
import io
import json
import re
import shutil
import subprocess
import tarfile
import tempfile
import tomllib
import unittest
import zipfile
from pathlib import Path

from machine import ROOT
from release import NEW, Release, empty_pages, package
from servers import Json, member

# A program for Linux that names no loader: static, as far as the script can see.
STATIC = (
    b"\x7fELF\x02\x01\x01"
    + bytes(25)
    + (64).to_bytes(8, "little")
    + bytes(14)
    + (56).to_bytes(2, "little")
    + bytes(8)
)
PROGRAMS = {
    "linux-x86_64/posthog-llma": STATIC + b"GLIBC_2.99",
    "linux-aarch64/posthog-llma": STATIC,
    "macos-x86_64/posthog-llma": b"macos intel",
    "macos-aarch64/posthog-llma": b"macos arm",
    "windows-x86_64/posthog-llma.exe": b"windows",
}


class Packages(unittest.TestCase):
    """All platforms, with stand-ins for their programs."""

    root: Path
    out: Path

    @classmethod
    def setUpClass(cls) -> None:
        folder = tempfile.TemporaryDirectory()
        cls.addClassCleanup(folder.cleanup)
        cls.root = Path(folder.name)
        for name, content in PROGRAMS.items():
            path = cls.root / "binaries" / name
            path.parent.mkdir(parents=True)
            path.write_bytes(content)
        cls.out = cls.root / "one"
        package(cls.root / "binaries", cls.out, NEW)

    def npm(self, name: str) -> dict[str, bytes]:
        with tarfile.open(self.out / "npm" / f"{name}-{NEW}.tgz") as archive:
            return {it.name.removeprefix("package/"): member(archive, it.name) for it in archive}

    def manifest(self, name: str) -> Json:
        manifest: Json = json.loads(self.npm(name)["package.json"])
        return manifest

    def test_the_same_programs_give_the_same_bytes(self) -> None:
        package(self.root / "binaries", self.root / "two", NEW)
        one, two = (
            {
                path.relative_to(self.root / out): path.read_bytes()
                for path in (self.root / out).rglob("*")
                if path.is_file()
            }
            for out in ("one", "two")
        )
        self.assertEqual(one.keys(), two.keys())
        self.assertGreater(len(one), 20)
        self.assertEqual([name for name in one if one[name] != two[name]], [])

    def test_the_plugin_of_claude_code_has_every_program_and_needs_no_other_package(self) -> None:
        files = self.npm("posthog-llma-claude-code")
        for name, content in PROGRAMS.items():
            place = "bin/posthog-llma.exe" if name.endswith(".exe") else f"bin/{name}"
            self.assertEqual(files[place], content)
        self.assertNotIn("dependencies", json.loads(files["package.json"]))
        self.assertEqual(json.loads(files[".claude-plugin/plugin.json"])["version"], NEW)
        self.assertEqual([name for name in files if name.startswith(("opencode", "pi"))], [])

    def test_npm_installs_the_program_of_one_platform(self) -> None:
        wanted = self.manifest("posthog-llma")["optionalDependencies"]
        fields = {
            "linux-x64": (["linux"], ["x64"]),
            "linux-arm64": (["linux"], ["arm64"]),
            "darwin-x64": (["darwin"], ["x64"]),
            "darwin-arm64": (["darwin"], ["arm64"]),
            "win32-x64": (["win32"], ["x64", "arm64"]),
        }
        self.assertEqual(wanted, {f"@posthog-llma/{name}": NEW for name in fields})
        for name, (system, cpu) in fields.items():
            manifest = self.manifest(f"posthog-llma-{name}")
            self.assertEqual((manifest["os"], manifest["cpu"]), (system, cpu), name)
            self.assertNotIn("libc", manifest, "a static program runs with any C library")

    def test_no_package_of_npm_runs_anything_when_it_is_installed(self) -> None:
        packages = sorted((self.out / "npm").iterdir())
        self.assertEqual(len(packages), 4 + len(PROGRAMS))
        for path in packages:
            manifest = self.manifest(path.stem.removesuffix(f"-{NEW}"))
            self.assertNotIn("scripts", manifest, path.name)
            self.assertEqual(manifest["version"], NEW, path.name)

    def test_every_wheel_holds_what_its_record_says(self) -> None:
        tags = {
            "manylinux_2_17_x86_64.manylinux2014_x86_64.musllinux_1_1_x86_64",
            "manylinux_2_17_aarch64.manylinux2014_aarch64.musllinux_1_1_aarch64",
            "macosx_10_12_x86_64",
            "macosx_11_0_arm64",
            "win_amd64",
        }
        wheels = sorted((self.out / "pypi").iterdir())
        self.assertEqual({path.stem.split("-py3-none-")[1] for path in wheels}, tags)
        for path in wheels:
            with zipfile.ZipFile(path) as wheel:
                record = wheel.read(f"posthog_llma-{NEW}.dist-info/RECORD").decode()
                lines = [line.split(",") for line in record.splitlines()]
                self.assertEqual({line[0] for line in lines}, set(wheel.namelist()))
                for name, digest, size in lines[:-1]:
                    content = wheel.read(name)
                    own = (
                        base64.urlsafe_b64encode(hashlib.sha256(content).digest())
                        .rstrip(b"=")
                        .decode()
                    )
                    self.assertEqual((digest, size), (f"sha256={own}", str(len(content))), name)

    def test_every_link_of_a_registry_s_page_is_to_a_file_at_the_tag_of_the_version(self) -> None:
        pages = {
            path.name: self.npm(path.stem.removesuffix(f"-{NEW}")).get("README.md", b"")
            for path in (self.out / "npm").iterdir()
        }
        for path in (self.out / "pypi").iterdir():
            with zipfile.ZipFile(path) as wheel:
                pages[path.name] = wheel.read(f"posthog_llma-{NEW}.dist-info/METADATA")
        repository = tomllib.loads((ROOT / "Cargo.toml").read_text())["package"]["repository"]
        linked = set()
        for name, page in pages.items():
            for link in re.findall(r"\]\((.*?)\)", page.decode()):
                self.assertRegex(link, "^https://", name)
                _, is_at_tag, file = link.partition(f"{repository}/blob/v{NEW}/")
                if is_at_tag:
                    self.assertTrue((ROOT / file.split("#")[0]).is_file(), link)
                    linked.add(name)
        self.assertEqual(len(linked), 1 + len(PROGRAMS), "the command line, and every wheel")

    def test_checksums_hold_in_every_file_that_names_one(self) -> None:
        release = self.out / "release"
        subprocess.run(["sha256sum", "--check", "--quiet", "SHA256SUMS"], cwd=release, check=True)
        known = {
            line.split()[0]: line.split()[1]
            for line in (release / "SHA256SUMS").read_text().splitlines()
        }
        for file, count in (
            ("release/install.sh", 4),
            ("homebrew/posthog-llma.rb", 4),
            ("scoop/posthog-llma.json", 1),
        ):
            text = (self.out / file).read_text()
            named = re.findall(r"\b[0-9a-f]{64}\b", text)
            self.assertEqual(len(named), count, file)
            for digest in named:
                self.assertIn(known[digest], text, f"{file} has the checksum beside the name")

    def test_the_bill_of_materials_names_what_is_linked_and_not_what_tests_use(self) -> None:
        bill = json.loads((self.out / f"release/posthog-llma-{NEW}.cdx.json").read_text())
        names = {it["name"] for it in bill["components"]}
        self.assertLessEqual({"serde_json", "rusqlite", "rustls", "rpassword"}, names)
        self.assertTrue(names.isdisjoint({"insta", "proptest", "divan"}), "crates of the tests")
        references = {it["bom-ref"] for it in bill["components"]} | {
            bill["metadata"]["component"]["bom-ref"]
        }
        for it in bill["dependencies"]:
            self.assertLessEqual({it["ref"], *it["dependsOn"]}, references)
        for it in bill["components"]:
            self.assertTrue(it["licenses"][0]["expression"] and it["hashes"], it["name"])

    def test_cargo_binstall_finds_every_archive(self) -> None:
        manifest = tomllib.loads((ROOT / "Cargo.toml").read_text())["package"]
        binstall = manifest["metadata"]["binstall"]
        found = set()
        for target, override in binstall["overrides"].items():
            url = (
                override["pkg-url"]
                .replace("{ repo }", manifest["repository"])
                .replace("{ version }", NEW)
            )
            folder, _, name = url.rpartition("/")
            self.assertEqual(folder, f"{manifest['repository']}/releases/download/v{NEW}", target)
            content = (self.out / "release" / name).read_bytes()
            program = (
                override["bin-dir"].replace("{ version }", NEW).replace("{ bin }", "posthog-llma")
            )
            program = program.replace("{ binary-ext }", ".exe" if "windows" in target else "")
            self.assertIn(program, names_in(name, content), target)
            found.add(name)
        self.assertEqual(len(found), len(PROGRAMS))

    def test_the_container_gets_static_programs_alone(self) -> None:
        container = self.out / "container"
        self.assertEqual(
            {path.name for path in container.iterdir()}, {"Dockerfile", "amd64", "arm64"}
        )
        self.assertEqual((container / "arm64/posthog-llma").read_bytes(), STATIC)

    def test_the_scripts_are_of_a_language_that_every_shell_reads(self) -> None:
        for script in (self.out / "release/install.sh", ROOT / "plugin/bin/posthog-llma"):
            for shell in (["sh"], ["dash"], ["busybox", "sh"], ["bash", "--posix"]):
                if shutil.which(shell[0]):
                    subprocess.run([*shell, "-n", script], check=True)
        if shutil.which("shellcheck"):
            subprocess.run(["shellcheck", self.out / "release/install.sh"], check=True)

        if shutil.which("ruby"):
            formula = self.out / "homebrew/posthog-llma.rb"
            subprocess.run(["ruby", "-c", formula], check=True, stdout=subprocess.DEVNULL)

    def test_on_windows_the_launcher_starts_the_program_beside_it(self) -> None:
        folder = self.root / "a plugin/bin"
        folder.mkdir(parents=True)
        launcher = shutil.copy(ROOT / "plugin/bin/posthog-llma", folder)
        program = folder / "posthog-llma.exe"
        program.write_text('#!/bin/sh\necho "$# $1"\n')
        program.chmod(0o755)
        for system, said in (("Windows_NT", "2 a  b\n"), ("", "")):
            environment = {"PATH": "/usr/bin:/bin", "HOME": str(self.root), "OS": system}
            command: list[str | Path] = [launcher, "hook" if not system else "a  b", "hook"]
            done = subprocess.run(
                command, env=environment, check=True, capture_output=True, text=True
            )
            self.assertEqual(done.stdout, said)

    def test_nothing_is_packed_without_a_program_or_into_a_folder_that_is_in_use(self) -> None:
        for source, output, reason in (
            (self.root / "nothing", self.root / "three", "scripts/release/build makes it"),
            (self.root / "binaries", self.out, "is not empty"),
        ):
            command: list[str | Path] = [
                ROOT / "scripts/release/package",
                source,
                output,
                "--manual",
                empty_pages(self.root),
            ]
            done = subprocess.run(command, capture_output=True, text=True, check=False)
            self.assertEqual(done.returncode, 1)
            self.assertRegex(done.stderr, f"^error: .*{reason}.*\n$")

    def test_every_address_of_the_project_is_that_of_cargo_toml(self) -> None:
        repository = tomllib.loads((ROOT / "Cargo.toml").read_text())["package"]["repository"]
        owner = repository.removeprefix("https://github.com/")
        for document in [
            *ROOT.glob("*.md"),
            *(ROOT / "docs").rglob("*.md"),
            *(ROOT / "plugin").rglob("*.md"),
            *(ROOT / "examples/fleet").rglob("*"),
        ]:
            if not document.is_file():
                continue
            text = document.read_text()
            for address in re.findall(r"https://github\.com/[\w.-]+/posthog-llma", text):
                self.assertEqual(address, repository, document)
            for named in re.findall(r"plugin marketplace add ([\w-]+/[\w-]+)\b", text):
                self.assertEqual(named, owner, document)


def names_in(name: str, content: bytes) -> list[str]:
    if name.endswith(".zip"):
        return zipfile.ZipFile(io.BytesIO(content)).namelist()
    return tarfile.open(fileobj=io.BytesIO(content)).getnames()


class ProgramThatNeedsGlibc(unittest.TestCase):
    """The program of the tests, which is linked to the C library of this machine."""

    def test_its_packages_say_which_c_library_they_need(self) -> None:
        release = Release.of_tests(NEW)
        manifest = release.npm_manifest(f"posthog-llma-{release.node_platform}")
        self.assertEqual(manifest["libc"], ["glibc"])
        (wheel,) = (release.folder / "pypi").iterdir()
        self.assertRegex(wheel.name, r"-py3-none-manylinux_2_\d+_\w+\.whl$")
        self.assertFalse(
            (release.folder / "container").exists(), "an image from scratch has no C library"
        )


if __name__ == "__main__":
    unittest.main()

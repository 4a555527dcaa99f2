"""Managed settings of Claude Code: in a fresh home, the plugin sends without a question."""

from __future__ import annotations

import json
import os
import plistlib
import shlex
import shutil
import subprocess
import tempfile
import unittest
from pathlib import Path

from machine import KEY, ROOT
from release import NEW, Release, find_program
from test_install import OnMachine, needs, needs_mounts

EXAMPLES = ROOT / "examples/fleet"


def package(name: str) -> Path:
    """A package for npm of the newest release."""
    return Release.of_tests(NEW).folder / f"npm/{name}-{NEW}.tgz"


def install_plugin(folder: Path, package: Path, code: int = 0, umask: int = 0o022) -> str:
    """Runs the script for device management, and returns what it prints, errors included."""
    done = subprocess.run(
        [EXAMPLES / "install-plugin.sh", package],
        env={"PATH": os.defpath, "POSTHOG_LLMA_PLUGIN_FOLDER": str(folder)},
        umask=umask,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    if done.returncode != code:
        raise AssertionError(f"install-plugin.sh exited with {done.returncode}:\n{done.stdout}")
    said: str = done.stdout
    return said


def closed(folder: Path) -> list[str]:
    """What users other than the owner cannot read or, where the owner can, run, in a folder."""
    paths = [folder, *folder.rglob("*")]
    modes = {path: path.stat().st_mode for path in paths}
    wanted = {path: 0o005 if mode & 0o100 else 0o004 for path, mode in modes.items()}
    return [str(path) for path in paths if modes[path] & wanted[path] != wanted[path]]


class Profile(unittest.TestCase):
    def test_the_profile_for_macos_holds_the_same_settings_as_the_file(self) -> None:
        profile = plistlib.loads((EXAMPLES / "claude-code.mobileconfig").read_bytes())
        (payload,) = profile["PayloadContent"]
        self.assertEqual(payload["PayloadType"], "com.anthropic.claudecode")
        settings = {name: it for name, it in payload.items() if not name.startswith("Payload")}
        file = json.loads((EXAMPLES / "managed-settings.folder.json").read_text())
        self.assertEqual(settings, file)


class PluginFolder(unittest.TestCase):
    """The folder that device management fills."""

    def setUp(self) -> None:
        needs()
        temporary = tempfile.TemporaryDirectory()
        self.addCleanup(temporary.cleanup)
        self.root = Path(temporary.name)
        self.root.chmod(0o755)
        self.folder = self.root / "posthog-llma/plugin"

    def test_every_user_reads_it_whatever_the_umask(self) -> None:
        self.folder.parent.mkdir(mode=0o700)
        for umask in (0o022, 0o027, 0o077):
            said = install_plugin(self.folder, package("posthog-llma-claude-code"), umask=umask)
            self.assertRegex(said, "^installed .*\n$")
            self.assertEqual(closed(self.root), [], oct(umask))

    def test_a_folder_of_others_stays_closed_and_is_named(self) -> None:
        others = self.root / "others"
        others.mkdir(mode=0o700)
        said = install_plugin(others / "a/plugin", package("posthog-llma-claude-code"), umask=0o077)
        self.assertIn(f"other users cannot read below {others}:", said)
        self.assertEqual(closed(others), [str(others)])

    def test_another_package_leaves_the_plugin_as_it_is(self) -> None:
        install_plugin(self.folder, package("posthog-llma-claude-code"))
        before = sorted(self.root.rglob("*"))
        damaged = self.root / "damaged.tgz"
        whole = package("posthog-llma-claude-code").read_bytes()
        for wrong, reason in (
            (package("posthog-llma"), "is not the plugin of Claude Code"),
            # The content is whole, and its checksum is not.
            (damaged, "cannot be unpacked"),
            (self.root / "missing.tgz", "cannot be unpacked"),
        ):
            damaged.write_bytes(whole[:-8] + bytes(8))
            said = install_plugin(self.folder, wrong, code=1)
            damaged.unlink()
            self.assertRegex(said, f"error: {wrong} {reason}.*\n$")
            self.assertEqual(sorted(self.root.rglob("*")), before)


class Fleet(OnMachine):
    def setUp(self) -> None:
        needs("claude")
        needs_mounts()
        super().setUp()
        self.machine.serve_repository()
        self.etc = self.machine.root / "etc"
        shutil.copytree("/etc", self.etc, symlinks=True, ignore_dangling_symlinks=True)

    def manage(self, example: str, places: dict[str, str], has_key: bool = True) -> None:
        text = (EXAMPLES / example).read_text()
        for place, value in {
            "https://eu.i.posthog.com": self.machine.posthog.url,
            **places,
            **({"phc_…": KEY} if has_key else {}),
        }.items():
            self.assertIn(place, text)
            text = text.replace(place, value)
        json.loads(text)
        folder = self.etc / "claude-code"
        folder.mkdir(exist_ok=True)
        (folder / "managed-settings.json").write_text(text)

    def managed(self, line: str, code: int | None = 0) -> str:
        inside = f"mount --bind {shlex.quote(str(self.etc))} /etc && {line}"
        return self.machine.run(f"unshare --mount sh -c {shlex.quote(inside)}", code)

    def sends(self, count: int = 1) -> None:
        """Has a session, the one of a number, and waits for its trace."""
        self.managed("claude -p --dangerously-skip-permissions hello")
        self.machine.posthog.wait_for("$ai_trace", count)
        self.assertEqual(self.machine.posthog.refused, [])

    def test_a_folder_works_in_the_first_session_without_a_network(self) -> None:
        folder = self.machine.root / "opt/plugin"
        # Twice: an update replaces the folder.
        for _ in range(2):
            install_plugin(folder, package("posthog-llma-claude-code"))
        self.assertEqual([path.name for path in folder.parent.iterdir()], ["plugin"])
        self.manage("managed-settings.folder.json", {"/opt/posthog-llma/plugin": str(folder)})
        self.sends()
        self.assertEqual(self.registry.asked, [])
        program = next(Path(folder).glob("bin/linux-*/posthog-llma"))
        status = self.managed(f"{shlex.quote(str(program))} status")
        self.assertIn("on, by /etc/claude-code/managed-settings.json", status)

    def test_settings_of_the_user_switch_nothing_off(self) -> None:
        program = str(find_program())
        self.manage("managed-settings.hooks.json", {"/usr/local/bin/posthog-llma": program})
        own = {
            "disableAllHooks": True,
            "env": {"POSTHOG_LLMA_CC_ENABLED": "false", "POSTHOG_HOST": "http://127.0.0.1:9"},
        }
        self.machine.write(".claude/settings.json", json.dumps(own))
        self.sends()

    def test_users_may_send_less(self) -> None:
        program = str(find_program())
        self.manage("managed-settings.hooks.json", {"/usr/local/bin/posthog-llma": program})
        project = self.machine.project / ".claude/settings.json"
        project.parent.mkdir()
        own = self.machine.home / ".claude/settings.json"
        own.parent.mkdir(exist_ok=True)
        for file, text in (
            (project, json.dumps({"env": {"POSTHOG_LLMA_CC_ENABLED": "false"}})),
            (own, json.dumps({"env": {"POSTHOG_LLMA_STATE_DIR": "/proc/nowhere"}})),
            (own, "{ no JSON"),
        ):
            file.write_text(text)
            self.managed("claude -p --dangerously-skip-permissions hello", code=None)
            self.assertEqual(self.machine.posthog.events, [], text)
            file.unlink()
        self.assertGreaterEqual(self.machine.model.calls, 3, "the sessions took place")

    def test_only_managed_hooks_may_be_allowed(self) -> None:
        folder = self.machine.root / "plugin"
        install_plugin(folder, package("posthog-llma-claude-code"))
        self.manage("managed-settings.folder.json", {"/opt/posthog-llma/plugin": str(folder)})
        settings = self.etc / "claude-code/managed-settings.json"
        only = json.loads(settings.read_text()) | {"allowManagedHooksOnly": True}
        settings.write_text(json.dumps(only))
        self.sends()

    def test_a_mirror_of_npm_works_where_claude_code_waits_for_it(self) -> None:
        self.manage("managed-settings.mirror.json", {"https://npm.example.com": self.registry.url})
        settings = self.etc / "claude-code/managed-settings.json"
        waiting = json.loads(settings.read_text())
        waiting["env"]["CLAUDE_CODE_SYNC_PLUGIN_INSTALL"] = "1"
        settings.write_text(json.dumps(waiting))
        for sessions in range(1, 4):
            self.sends(sessions)

    def test_sessions_without_a_terminal_do_not_install_from_a_mirror(self) -> None:
        self.manage("managed-settings.mirror.json", {"https://npm.example.com": self.registry.url})
        for _ in range(3):
            self.managed("claude -p --dangerously-skip-permissions hello")
        self.assertEqual((self.registry.asked, self.machine.posthog.events), ([], []))

    def test_the_repository_works_where_claude_code_waits_for_it(self) -> None:
        self.manage("managed-settings.github.json", {})
        self.machine.variables["CLAUDE_CODE_SYNC_PLUGIN_INSTALL"] = "1"
        self.sends()

    def test_the_key_may_be_in_a_file_of_the_machine(self) -> None:
        key = self.etc / "posthog-llma/key"
        key.parent.mkdir()
        key.write_text(f"{KEY}\n")
        key.chmod(0o644)
        places = {
            "/usr/local/bin/posthog-llma": str(find_program()),
            '"POSTHOG_API_KEY": "phc_…"': '"POSTHOG_API_KEY_FILE": "/etc/posthog-llma/key"',
        }
        self.manage("managed-settings.hooks.json", places, has_key=False)
        self.sends()

    def test_hooks_without_a_plugin_run_a_program_of_the_machine(self) -> None:
        self.manage(
            "managed-settings.hooks.json", {"/usr/local/bin/posthog-llma": str(find_program())}
        )
        self.sends()
        self.assertEqual(self.registry.asked, [])

    def feature(self, code: int = 0, umask: str = "022", **options: str) -> str:
        """Runs the script of the feature for development containers."""
        releases = f"{self.registry.url}/releases"
        self.machine.variables |= {
            "POSTHOG_LLMA_INSTALLER": f"{releases}/install.sh",
            "POSTHOG_LLMA_DOWNLOADS": releases,
            "POSTHOG_LLMA_INSTALL_DIR": str(self.machine.root / "usr local bin"),
            "APIKEY": KEY,
            "HOST": self.machine.posthog.url,
        } | options
        script = shlex.quote(str(EXAMPLES / "devcontainer/install.sh"))
        return self.managed(f"umask {umask} && {script}", code)

    def test_the_feature_of_a_development_container_installs_and_switches_on(self) -> None:
        # As a secret from a file, and an address copied from a page.
        self.feature(APIKEY=f" {KEY}\r\n", HOST=f"{self.machine.posthog.url} ")
        self.sends()

    def test_the_feature_takes_regions_and_replaces_its_own_settings(self) -> None:
        settings = self.etc / "claude-code/managed-settings.d/posthog-llma.json"
        for host, address in (
            ("", "https://us.i.posthog.com"),
            ("us", "https://us.i.posthog.com"),
            ("EU\n", "https://eu.i.posthog.com"),
            ("eu.i.posthog.com", "https://eu.i.posthog.com"),
            ("https://posthog.example.com/ingest", "https://posthog.example.com/ingest"),
        ):
            self.assertIn(f"sends its sessions to {address}", self.feature(HOST=host))
            env = json.loads(settings.read_text())["env"]
            self.assertEqual((env["POSTHOG_API_KEY"], env["POSTHOG_HOST"]), (KEY, address))
        self.assertEqual(list(settings.parent.iterdir()), [settings])

    def test_the_feature_refuses_what_would_be_no_key_or_no_address(self) -> None:
        for option, wrong in (
            (
                "APIKEY",
                ("", " \n", "phx_foo", f'{KEY}"', f"{KEY} {KEY}", KEY[:20], KEY[4:], "phc_"),
            ),
            ("HOST", ("posthog", 'https://a.b"', "http://posthog.example.com", "https://a b.c")),
            ("POSTHOG_LLMA_INSTALL_DIR", ("bin", '/opt/"bin"', "/opt/bin\\", "/opt/b\nin")),
        ):
            for value in wrong:
                said = self.feature(code=1, **{option: value})
                self.assertRegex(said, rf"\Aerror: .*{option}.*; nothing was changed\n\Z", value)
        self.assertEqual(self.registry.asked, [])
        self.assertFalse((self.etc / "claude-code").exists())

    def test_every_user_reads_what_the_feature_writes_whatever_the_umask(self) -> None:
        settings = self.etc / "claude-code/managed-settings.d"
        settings.mkdir(parents=True)
        for folder in (settings.parent, settings):
            folder.chmod(0o700)
        self.feature(umask="077")
        self.assertEqual(closed(settings.parent), [])
        self.assertEqual(closed(self.machine.root / "usr local bin"), [])


if __name__ == "__main__":
    unittest.main()

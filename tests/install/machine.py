"""A machine that has never seen posthog-llma: a fresh home, and no Rust on PATH."""

from __future__ import annotations

import json
import os
import pty
import select
import shutil
import signal
import subprocess
import tempfile
import time
from pathlib import Path

from servers import Model, PostHog, Registry

ROOT = Path(__file__).resolve().parents[2]
REPOSITORY = "https://github.com/posthog-llma/"
KEY = "phc_0123456789abcdefghijklmnopqrstuvwxyzABCDEFG"
CLAUDE_KEY = "sk-ant-test-000"
# Programs of the machine that installers need, wherever they are.
TOOLS = ("node", "npm", "npx", "git", "python3", "uv", "uvx", "pipx")
# Seconds after which a command has hung.
PATIENCE = 180
PATIENCE_IN_TERMINAL = 45


def find_claude() -> Path | None:
    named = os.environ.get("POSTHOG_LLMA_E2E_CLAUDE")
    if named:
        return Path(named)
    packages = ROOT / "tests/e2e/node_modules/@anthropic-ai"
    return next(iter(sorted(packages.glob("claude-code-*/claude"))), None)


class Machine:
    """Paths have spaces, since hook commands break there first."""

    def __init__(self, registry: Registry) -> None:
        self.registry, self.posthog, self.model = registry, PostHog(), Model()
        self.folder = tempfile.TemporaryDirectory(prefix="posthog llma install ")
        self.root = Path(self.folder.name).resolve()
        self.home, self.project = self.root / "home", self.root / "project"
        tools = self.root / "tools"
        for folder in (self.home, self.project, tools):
            folder.mkdir()
        for name in TOOLS:
            found = shutil.which(name)
            if found:
                (tools / name).symlink_to(real(name, found))
        claude = find_claude()
        if claude:
            (tools / "claude").symlink_to(claude)
        self.path = [self.home / ".local/bin", tools, Path("/usr/bin"), Path("/bin")]
        self.variables = {
            "HOME": str(self.home),
            "LANG": "C.UTF-8",
            "TERM": "xterm-256color",
            "NO_PROXY": "127.0.0.1,localhost",
            "IS_SANDBOX": "1",
            "ANTHROPIC_BASE_URL": self.model.url,
            "ANTHROPIC_API_KEY": CLAUDE_KEY,
            "CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC": "1",
            "DISABLE_AUTOUPDATER": "1",
            "npm_config_registry": registry.url,
            "npm_config_prefix": str(self.home / ".local"),
            "npm_config_update_notifier": "false",
            "npm_config_audit": "false",
            "npm_config_fund": "false",
            "PIP_INDEX_URL": f"{registry.url}/simple/",
            "UV_DEFAULT_INDEX": f"{registry.url}/simple/",
            "UV_PYTHON_DOWNLOADS": "never",
            "PIP_DISABLE_PIP_VERSION_CHECK": "1",
        }
        self.onboard()
        for program in ("cargo", "rustc", "posthog-llma"):
            found = shutil.which(program, path=self.search_path)
            assert found is None, f"{found} would make the test pass for the wrong reason"

    @property
    def search_path(self) -> str:
        return os.pathsep.join(str(folder) for folder in self.path)

    @property
    def environment(self) -> dict[str, str]:
        return self.variables | {"PATH": self.search_path}

    def onboard(self) -> None:
        onboarded = {
            "hasCompletedOnboarding": True,
            "theme": "dark",
            "bypassPermissionsModeAccepted": True,
            "customApiKeyResponses": {"approved": [CLAUDE_KEY], "rejected": []},
            "projects": {str(self.project): {"hasTrustDialogAccepted": True}},
        }
        (self.home / ".claude.json").write_text(json.dumps(onboarded))

    def serve_repository(self) -> Path:
        """Makes git find the project's public address in a folder here."""
        bare = self.root / "git/posthog-llma/posthog-llma.git"
        tree = self.root / "tree"
        shutil.copytree(ROOT / ".claude-plugin", tree / ".claude-plugin")
        for command in (
            ["git", "init", "--quiet", "--initial-branch=main", str(tree)],
            ["git", "-C", str(tree), "add", "."],
            [
                "git",
                "-C",
                str(tree),
                "-c",
                "user.name=a",
                "-c",
                "user.email=a@b",
                "commit",
                "--quiet",
                "-m",
                "x",
            ],
            ["git", "clone", "--quiet", "--bare", str(tree), str(bare)],
        ):
            subprocess.run(command, check=True, env=self.environment)
        for address in (REPOSITORY, "git@github.com:posthog-llma/"):
            key = f"url.file://{bare.parent}/.insteadOf"
            subprocess.run(
                ["git", "config", "--global", "--add", key, address],
                check=True,
                env=self.environment,
            )
        return bare

    def run(self, line: str, code: int | None = 0, **variables: str) -> str:
        """Runs a line for a shell without a terminal, and returns all of its output."""
        done = subprocess.run(
            ["sh", "-c", line],
            cwd=self.project,
            env=self.environment | variables,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            timeout=PATIENCE,
            text=True,
            check=False,
        )
        if code is not None and done.returncode != code:
            raise AssertionError(f"{line} exited with {done.returncode}:\n{done.stdout}")
        return done.stdout

    def dialogue(self, line: str, answers: list[tuple[str, str]]) -> str:
        """Runs a line in a terminal, and types the answer when a question appears."""
        child, terminal = pty.fork()
        if child == 0:
            os.chdir(self.project)
            os.execve("/bin/sh", ["sh", "-c", line], self.environment)
        screen, waiting, end = "", list(answers), time.monotonic() + PATIENCE_IN_TERMINAL
        read_to = 0
        while time.monotonic() < end:
            if not select.select([terminal], [], [], 0.2)[0]:
                continue
            try:
                piece = os.read(terminal, 65_536)
            except OSError:
                break
            if not piece:
                break
            screen += piece.decode(errors="replace")
            if waiting and waiting[0][0] in screen[read_to:]:
                read_to = len(screen)
                os.write(terminal, waiting.pop(0)[1].encode() + b"\r")
        else:
            os.killpg(child, signal.SIGKILL)
        _, status = os.waitpid(child, 0)
        os.close(terminal)
        if os.waitstatus_to_exitcode(status) != 0 or waiting:
            raise AssertionError(f"{line}: status {status}, unanswered {waiting}:\n{screen}")
        return screen

    def set_up(self, line: str, *, has_plugin: bool = True) -> str:
        """Answers the questions of `setup`; an agent without the plugin stays as it is."""
        answers = [("region", self.posthog.url), ("key", KEY), ("privacy mode? [y/N] ", "")]
        if not has_plugin and find_claude():
            answers.append(("[Y/n] ", "n"))
        return self.dialogue(line, answers)

    def prompt(self, text: str) -> str:
        return self.run(f"claude -p --dangerously-skip-permissions '{text}'")

    def configure_opencode(self, text: str) -> None:
        """The settings of the documents, and a model."""
        limit = {"context": 200_000, "output": 8_000}
        model = {"name": "Stand-in", "tool_call": True, "limit": limit}
        options = {"baseURL": f"{self.model.url}/v1", "apiKey": CLAUDE_KEY}
        provider = {"npm": "@ai-sdk/anthropic", "options": options, "models": {"stand-in-1": model}}
        settings = json.loads(text) | {
            "autoupdate": False,
            "share": "disabled",
            "model": "stand-in/stand-in-1",
            "small_model": "stand-in/stand-in-1",
            "provider": {"stand-in": provider},
        }
        self.variables["OPENCODE_DISABLE_MODELS_FETCH"] = "1"
        self.write(".config/opencode/opencode.json", json.dumps(settings))

    def configure_pi(self, node: Path, package: Path) -> None:
        """Pi on PATH, with the Node that it needs, and a model."""
        script = json.loads((package / "package.json").read_text())["bin"]["pi"]
        pi = self.write(".local/bin/pi", f"#!/bin/sh\nexec '{node}' '{package / script}' \"$@\"\n")
        pi.chmod(0o755)
        model = {
            "id": "stand-in-1",
            "name": "Stand-in",
            "contextWindow": 200_000,
            "maxTokens": 8_000,
        }
        provider = {
            "baseUrl": self.model.url,
            "api": "anthropic-messages",
            "apiKey": CLAUDE_KEY,
            "models": [model],
        }
        self.variables |= {"PI_SKIP_VERSION_CHECK": "1"}
        self.write(".pi/agent/models.json", json.dumps({"providers": {"stand-in": provider}}))

    def write(self, path: str, text: str) -> Path:
        """A file in the home."""
        file = self.home / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
        return file

    def files_with(self, text: str) -> list[str]:
        """Files in the home that contain a text."""
        files = (path for path in self.home.rglob("*") if path.is_file() and not path.is_symlink())
        return sorted(
            path.relative_to(self.home).as_posix()
            for path in files
            if text.encode() in path.read_bytes()
        )

    def leftovers(self) -> list[str]:
        """Files in the home that have the project's name in their own."""
        paths = (path.relative_to(self.home).as_posix() for path in self.home.rglob("*"))
        return sorted(path for path in paths if "posthog" in path.lower())

    def close(self) -> None:
        for server in (self.posthog, self.model):
            server.stop()
        self.folder.cleanup()


def real(name: str, found: str) -> str:
    """The program itself, if PATH names a shim of pyenv that picks one by the current folder."""
    if "shims" in Path(found).parts and name == "python3":
        import sys

        return os.path.realpath(sys.executable)
    return os.path.realpath(found)

"""How long a person waits who quits the real Claude Code: for `scripts/bench exit`.

Claude Code runs in a pseudo-terminal and talks to a stand-in of its API. Its plugin sends to a
server on this machine that answers, answers after 300 ms, refuses connections, or accepts them and
says nothing; or to a host whose name does not resolve.
"""

import http.server
import json
import os
import pty
import re
import select
import shutil
import signal
import socket
import statistics
import subprocess
import threading
import time
from pathlib import Path

CLAUDE_KEY = "sk-ant-test-000"
POSTHOG_KEY = "phc_" + "a" * 43
UNKNOWN_HOST = "https://posthog.invalid"
ANSWER = "Finished-the-answer."
PATIENCE = 60


class Anthropic(http.server.BaseHTTPRequestHandler):
    """Answers every prompt with the same words."""

    protocol_version = "HTTP/1.1"

    def do_POST(self):
        request = json.loads(self.rfile.read(int(self.headers.get("content-length", 0))) or b"{}")
        usage = {"input_tokens": 10, "output_tokens": 5}
        message = {"id": f"msg_{time.time_ns()}", "type": "message", "role": "assistant"}
        message |= {"model": request.get("model", "m"), "stop_sequence": None, "usage": usage}
        text = {"type": "text", "text": ANSWER}
        if not request.get("stream"):
            body = message | {"content": [text], "stop_reason": "end_turn"}
            return self.reply("application/json", json.dumps(body))
        start = message | {"content": [], "stop_reason": None}
        events = [
            {"type": "message_start", "message": start},
            {"type": "content_block_start", "index": 0, "content_block": text | {"text": ""}},
            {
                "type": "content_block_delta",
                "index": 0,
                "delta": {"type": "text_delta", "text": ANSWER},
            },
            {"type": "content_block_stop", "index": 0},
            {"type": "message_delta", "delta": {"stop_reason": "end_turn"}, "usage": usage},
            {"type": "message_stop"},
        ]
        lines = [f"event: {event['type']}\ndata: {json.dumps(event)}\n\n" for event in events]
        return self.reply("text/event-stream", "".join(lines))

    def do_GET(self):
        self.reply("application/json", "{}")

    do_HEAD = do_GET

    def reply(self, kind, text):
        self.send_response(200)
        self.send_header("content-type", kind)
        self.send_header("content-length", str(len(text)))
        self.end_headers()
        self.wfile.write(text.encode())

    def log_message(self, *_):
        pass


def posthog(delay):
    """A server that accepts everything after `delay` seconds."""

    class Handler(Anthropic):
        def do_POST(self):
            self.rfile.read(int(self.headers["content-length"]))
            time.sleep(delay)
            self.reply("application/json", '{"status":1}')

    return serve(Handler)


class Server(http.server.ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, *_):
        """Ignores senders that end while they wait for an answer."""


def serve(handler):
    server = Server(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return f"http://127.0.0.1:{server.server_port}"


class Lab:
    """A home with Claude Code's plugin, whose hooks call the given program."""

    def __init__(self, root, folder, program, claude):
        self.folder = folder / "claude"
        self.program = program
        self.claude = claude
        self.home = self.folder / "home"
        self.project = self.folder / "project"
        self.state = self.folder / "state"
        (self.home / ".claude").mkdir(parents=True)
        self.project.mkdir()
        self.variables = {
            "HOME": str(self.home),
            "PATH": f"{program.parent}:{os.environ['PATH']}",
            "TERM": "xterm-256color",
            "LANG": "C.UTF-8",
            "IS_SANDBOX": "1",
            "ANTHROPIC_BASE_URL": serve(Anthropic),
            "ANTHROPIC_API_KEY": CLAUDE_KEY,
            "CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC": "1",
            "DISABLE_TELEMETRY": "1",
            "DISABLE_AUTOUPDATER": "1",
            "DISABLE_ERROR_REPORTING": "1",
        }
        onboarded = {
            "hasCompletedOnboarding": True,
            "theme": "dark",
            "customApiKeyResponses": {"approved": [CLAUDE_KEY], "rejected": []},
            "projects": {str(self.project.resolve()): {"hasTrustDialogAccepted": True}},
        }
        (self.home / ".claude.json").write_text(json.dumps(onboarded))
        self.settings = self.home / ".claude/settings.json"
        marketplace = self.folder / "marketplace"
        for tree in (".claude-plugin", "plugin"):
            shutil.copytree(root / tree, marketplace / tree)
        for words in (
            ["marketplace", "add", str(marketplace)],
            ["install", "posthog@posthog-llma"],
        ):
            self.run([claude, "plugin", *words], self.variables)
        self.with_plugin = json.loads(self.settings.read_text())
        self.run([program, "trust", UNKNOWN_HOST], self.variables)
        self.warm = self.folder / "warm"

    def run(self, command, variables):
        done = subprocess.run(
            command, env=variables, cwd=self.project, capture_output=True, text=True
        )
        if done.returncode:
            raise SystemExit(f"{command} failed:\n{done.stdout}{done.stderr}")

    def exit(self, host):
        """Seconds from `/exit` to the end of Claude Code. Without a host the plugin is switched
        off; `...` stands for no plugin at all."""
        variables = {"POSTHOG_LLMA_STATE_DIR": str(self.state)}
        if host:
            variables |= {
                "POSTHOG_API_KEY": POSTHOG_KEY,
                "POSTHOG_HOST": host,
                "POSTHOG_LLMA_CC_ENABLED": "true",
            }
        settings = {} if host is ... else self.with_plugin | {"env": variables}
        self.settings.write_text(json.dumps(settings))
        shutil.rmtree(self.state, ignore_errors=True)
        if self.warm.exists():
            shutil.copytree(self.warm, self.state)
        try:
            return self.in_terminal()
        finally:
            self.end_what_is_left()

    def keep_state(self):
        """From now on, every session starts with the present state directory, with an outbox."""
        shutil.copytree(self.state, self.warm)

    def in_terminal(self):
        child, terminal = pty.fork()
        if child == 0:
            os.chdir(self.project)
            os.execve(self.claude, [str(self.claude), "hello"], self.variables)
        screen = Screen(terminal)
        screen.until(ANSWER)
        screen.read(1.5)
        os.write(terminal, b"/exit")
        screen.read(0.7)
        os.write(terminal, b"\r")
        start = time.monotonic()
        while os.waitpid(child, os.WNOHANG)[0] == 0:
            screen.read(0.002)
            if time.monotonic() - start > PATIENCE:
                os.kill(child, signal.SIGKILL)
        took = time.monotonic() - start
        os.close(terminal)
        return took

    def end_what_is_left(self):
        """Ends the detached processes of this state directory."""
        wanted = f"POSTHOG_LLMA_STATE_DIR={self.state}".encode()
        for process in Path("/proc").glob("[0-9]*"):
            try:
                is_program = (process / "exe").resolve() == self.program
                if is_program and wanted in (process / "environ").read_bytes().split(b"\0"):
                    os.kill(int(process.name), signal.SIGKILL)
            except OSError:
                pass


class Screen:
    """A program's output on its terminal, without escape sequences."""

    def __init__(self, terminal):
        self.terminal = terminal
        self.text = ""

    def read(self, seconds):
        end = time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0:
            if select.select([self.terminal], [], [], left)[0]:
                try:
                    written = os.read(self.terminal, 65536).decode(errors="replace")
                except OSError:
                    return
                self.text += re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]|\s", "", written)

    def until(self, words):
        end = time.monotonic() + PATIENCE
        while words not in self.text:
            self.read(0.05)
            if time.monotonic() > end:
                raise SystemExit(f"the terminal does not show {words}:\n{self.text[-2000:]}")


def closed_port():
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return f"http://127.0.0.1:{one.getsockname()[1]}"


def measure(lab, rounds):
    """Prints a row for each network: the median, and its difference from the plugin off."""
    silent = socket.create_server(("127.0.0.1", 0), backlog=100)
    networks = {
        "no plugin": ...,
        "switched off": None,
        "answers": posthog(0),
        "answers after 300 ms": posthog(0.3),
        "refuses": closed_port(),
        "silent": f"http://127.0.0.1:{silent.getsockname()[1]}",
        "no name": UNKNOWN_HOST,
    }
    lab.exit(networks["answers"])
    lab.keep_state()
    took = {name: [] for name in networks}
    for _ in range(rounds):
        for name, host in networks.items():
            took[name].append(lab.exit(host))
    for name, times in took.items():
        more = [one - off for one, off in zip(times, took["switched off"])]
        ratio = statistics.median(times) / statistics.median(took["switched off"])
        print(
            f"{name:24} {statistics.median(times) * 1e3:7.0f} ms  least {min(times) * 1e3:6.0f}  "
            f"over switched off {statistics.median(more) * 1e3:+6.0f} ms  ratio {ratio:.2f}",
            flush=True,
        )

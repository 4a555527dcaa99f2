"""What docs/pipelines.md shows for many machines does there what the program does on one.

    python -m unittest discover examples/spark

wants PySpark, DuckDB, kubernetes-validate and Java. The program is target/debug/posthog-llma, or
what POSTHOG_LLMA_PROGRAM names.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
import unittest
from collections.abc import Generator, Iterable
from pathlib import Path

import duckdb
import kubernetes_validate
import pyspark
import yaml

import session_events
from session_events import Program, Unit

ROOT = Path(__file__).resolve().parents[2]
PROGRAM = os.environ.get("POSTHOG_LLMA_PROGRAM", str(ROOT / "target/debug/posthog-llma"))
TRANSCRIPTS = Path(os.environ.get("POSTHOG_LLMA_TRANSCRIPTS", ROOT.parent / "shared/transcripts"))
JOB = ROOT / "examples/kubernetes/session-events.yaml"

#: A stand-in for the program that behaves like it, except that in each step of the job the first
#: processes fail in the middle of their output, each in another way.
TROUBLED = """#!{python}
import os, signal, subprocess, sys

def executor():
    process = os.getppid()
    while open(f"/proc/{{process}}/comm").read() != "java\\n":
        status = open(f"/proc/{{process}}/status").read()
        process = int(status.split("PPid:")[1].split()[0])
    return process

done = subprocess.run(["{program}", *sys.argv[1:]], stdout=subprocess.PIPE)
half = done.stdout[: len(done.stdout) // 2]
step = "links" if "POSTHOG_LLMA_PRIVACY_MODE" in os.environ else "write"
for trouble in ["executor killed", "program killed", "exit status", "torn line"]:
    try:
        os.mkdir(f"{marks}/{{step}}, {{trouble}}")
    except FileExistsError:
        continue
    whole_lines = half[: half.rfind(b"\\n") + 1]
    sys.stdout.buffer.write(half if trouble == "torn line" else whole_lines)
    sys.stdout.flush()
    if trouble == "executor killed":
        os.kill(executor(), signal.SIGKILL)
    if trouble == "program killed":
        os.kill(os.getpid(), signal.SIGKILL)
    sys.exit(trouble == "exit status")
sys.stdout.buffer.write(done.stdout)
sys.exit(done.returncode)
"""


class TestFolder(unittest.TestCase):
    """A test with a folder of its own, which holds a state directory with a key."""

    def setUp(self) -> None:
        folder = tempfile.TemporaryDirectory(prefix="posthog-llma-")
        self.addCleanup(folder.cleanup)
        self.folder = Path(folder.name)
        self.state = self.folder / "state"
        self.state.mkdir()
        (self.state / "redaction.key").write_bytes(bytes(range(32)))
        self.environment = {
            "PATH": os.environ["PATH"],
            "HOME": str(self.folder),
            "POSTHOG_LLMA_STATE_DIR": str(self.state),
            "POSTHOG_LLMA_DISTINCT_ID": "bookshop",
        }

    def script(self, text: str) -> str:
        """A script in place of the program."""
        path = self.folder / "posthog-llma"
        path.write_text(text)
        path.chmod(0o755)
        return str(path)

    def one_machine(self, archive: Path) -> list[bytes]:
        """The events that one process writes, by uuid."""
        command = [PROGRAM, "ingest", "--with-old-content", "--output", "-", str(archive)]
        done = subprocess.run(command, env=self.environment, stdout=subprocess.PIPE, check=True)
        return by_uuid(done.stdout.splitlines(keepends=True))


def by_uuid(lines: Iterable[bytes]) -> list[bytes]:
    return sorted(lines, key=lambda line: json.loads(line)["uuid"])


def tokens(lines: list[bytes]) -> tuple[int, ...]:
    """Calls, input and output tokens."""
    events = [json.loads(line) for line in lines]
    calls = [event["properties"] for event in events if event["event"] == "$ai_generation"]
    names = ["$ai_input_tokens", "$ai_output_tokens"]
    return (len(calls), *(sum(call.get(name) or 0 for call in calls) for name in names))


class Cluster(TestFolder):
    def archive(self) -> Path:
        """The sessions of the tests, with a fork in another folder than its original."""
        archive = self.folder / "archive"
        for source in ["fixtures/sessions", "fixtures/pi"]:
            shutil.copytree(ROOT / source, archive / source)
        fork = "fixtures/sessions/-home-ada-bookshop/00000014-0000-4000-8000-000000000000.jsonl"
        (archive / "moved").mkdir()
        shutil.move(archive / fork, archive / "moved")
        if TRANSCRIPTS.is_dir():
            shutil.copytree(TRANSCRIPTS, archive / "public")
        return archive

    def spark_home(self) -> Path:
        """Spark as installed, with a folder of its own for files that workers leave behind."""
        home = self.folder / "spark"
        home.mkdir()
        for entry in Path(pyspark.__path__[0]).iterdir():
            if entry.name in ["bin", "jars", "python"]:
                (home / entry.name).symlink_to(entry)
        return home

    def submit(self, master: str, program: str, archive: Path, output: Path) -> str:
        """Runs the job as a cluster does, and returns its output."""
        home = self.spark_home()
        environment = self.environment | {
            "SPARK_HOME": str(home),
            "SPARK_LOCAL_IP": "127.0.0.1",
            "PYSPARK_PYTHON": sys.executable,
            "JAVA_HOME": os.environ.get("JAVA_HOME", ""),
        }
        command = [str(home / "bin/spark-submit"), "--master", master]
        for setting in ["ui.enabled=false", "ui.showConsoleProgress=false", "log.level=ERROR"]:
            command += ["--conf", f"spark.{setting}"]
        command += ["--files", program, session_events.__file__, "--state", str(self.state)]
        command += ["--large-folder", "200000", str(archive), str(output)]
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
        self.assertEqual(done.returncode, 0, done.stderr[:20000])
        return done.stdout

    def test_two_workers_write_the_events_of_one_machine_whatever_is_killed(self) -> None:
        archive, output, marks = self.archive(), self.folder / "events", self.folder / "marks"
        marks.mkdir()
        program = TROUBLED.format(python=sys.executable, program=PROGRAM, marks=marks)
        printed = self.submit("local-cluster[2,1,1024]", self.script(program), archive, output)
        troubles = sorted(mark.name for mark in marks.iterdir())
        self.assertEqual(len(troubles), 8, troubles)

        expected = self.one_machine(archive)
        # DuckDB reads what Spark wrote, by the views of the documentation.
        events = duckdb.connect()
        views = (ROOT / "docs/pipelines/parquet.sql").read_text()
        events.execute(views.replace("'events/", f"'{output}/"))
        events.execute("SET TimeZone = 'UTC'")
        columns = "event, uuid, distinct_id, strftime(timestamp, '%Y-%m-%dT%H:%M:%S.%gZ')"
        rows = events.execute(f"SELECT {columns}, properties FROM llm_events").fetchall()
        written = by_uuid(
            b'{"event":"%b","uuid":"%b","distinct_id":"%b","timestamp":"%b","properties":%b}\n'
            % tuple(str(column).encode() for column in row)
            for row in rows
        )
        self.assertEqual(len(written), len(expected), printed)
        for one, other in zip(written, expected, strict=True):
            self.assertEqual(one, other)
        totals = "SELECT sum(calls), sum(input), sum(output) FROM tokens_by_model"
        self.assertEqual(events.execute(totals).fetchone(), tokens(expected))
        days = {json.loads(line)["timestamp"][:10] for line in expected}
        self.assertEqual({path.name for path in output.glob("day=*")}, {f"day={it}" for it in days})


class Processes(TestFolder):
    def setUp(self) -> None:
        super().setUp()
        self.addCleanup(os.chdir, os.getcwd())
        os.chdir(self.folder)

    def lines(self, script: str) -> Generator[bytes, None, None]:
        program = Program(self.script(script), {}, {"redaction.key": b"key"})
        return program.lines(Unit(("/archive/project",), 0))

    def test_a_process_that_does_not_end_well_is_an_error_with_its_messages(self) -> None:
        event = r"""echo '{"properties":{}}'; echo 'the reason' >&2; """
        cases = {
            "exit 1": "ended with 1: the reason",
            "kill -9 $$": "ended with -9: the reason",
            """printf '{"properties":{"a":'""": "ends within a line: the reason",
        }
        for end, expected in cases.items():
            with self.subTest(end), self.assertRaisesRegex(RuntimeError, expected) as raised:
                list(self.lines(f"#!/bin/sh\n{event}{end}\n"))
            self.assertIn("/archive/project", str(raised.exception))

    def test_a_cancelled_task_ends_its_process_and_leaves_nothing_behind(self) -> None:
        lines = self.lines('#!/bin/sh\necho "{{$$}}"\nexec sleep 1000\n')
        process = int(next(lines).strip(b"{}\n"))
        while_it_runs = set(self.folder.iterdir())
        lines.close()
        with self.assertRaises(ProcessLookupError):
            os.kill(process, 0)
        removed = while_it_runs - set(self.folder.iterdir())
        self.assertEqual(len(removed), 1)

    def test_a_process_has_a_home_of_its_own_and_a_private_key(self) -> None:
        script = """#!/bin/sh
            cd "$HOME/state" && test "$PWD" = "$POSTHOG_LLMA_STATE_DIR" &&
            test "$(stat -c %a redaction.key)$(cat redaction.key)" = 600key && echo '{{}}'
        """
        self.assertEqual(list(self.lines(script)), [b"{{}}\n"])

    def test_an_excluded_session_is_left_out(self) -> None:
        session = "fixtures/sessions/-home-ada-bookshop/00000013-0000-4000-8000-000000000000.jsonl"
        unit = Unit((str(ROOT / session),), 0)
        for verb, events in [(None, 5), ("pause", 0), ("forget", 0)]:
            if verb:
                command = [PROGRAM, verb, unit.paths[0]]
                subprocess.run(command, env=self.environment, check=True, capture_output=True)
            program = Program(PROGRAM, {}, session_events.state_files(self.state))
            self.assertEqual(len(list(program.lines(unit))), events, verb)

    def test_the_key_is_in_no_text_of_the_program(self) -> None:
        program = Program("./posthog-llma", {}, {"redaction.key": b"secret"})
        self.assertNotIn("secret", f"{program!r} {program}")


class Units(TestFolder):
    def found(self, files: list[str], large_folder: int) -> list[tuple[str, ...]]:
        archive = self.folder / f"archive of {large_folder} and {len(files)}"
        for name in files:
            path = archive / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text("ten bytes\n")
        units = session_events.units(str(archive), large_folder)
        relative = [[os.path.relpath(path, archive) for path in unit.paths] for unit in units]
        return sorted(map(tuple, relative))

    def test_a_unit_is_a_folder_and_in_a_large_one_a_session_with_its_subagents(self) -> None:
        project = ["p/1.jsonl", "p/1/subagents/agent-a.jsonl", "p/2.jsonl", "p/agent-b.jsonl"]
        left_alone = ["p/3/subagents/agent-c.jsonl"]
        pi = ["q/2026_1.jsonl", "q/2026_2.jsonl"]
        cases: list[tuple[list[str], int, list[tuple[str, ...]]]] = [
            (project, 1000, [("p",)]),
            (project, 39, [("p/1.jsonl",), ("p/2.jsonl",)]),
            (project + left_alone, 39, [("p/1.jsonl",), ("p/2.jsonl",), ("p/3",)]),
            (left_alone, 1000, [("p/3",)]),
            (pi, 10, [("q",)]),
            (["machine/opencode.db", "machine/other.db"], 1000, [("machine",)]),
            (["notes.txt", "p/agent-b.jsonl", "p/audit.jsonl"], 1000, []),
        ]
        for files, large_folder, expected in cases:
            with self.subTest(files=files, large_folder=large_folder):
                self.assertEqual(self.found(files, large_folder), expected)

    def test_units_with_an_event_in_common_become_one_and_the_largest_come_first(self) -> None:
        units = [Unit((name,), size) for name, size in zip("abcde", [1, 2, 3, 4, 5], strict=True)]
        joined = session_events.joined(units, [[0, 1], [2, 3], [1, 3]])
        self.assertEqual(joined, [Unit(("a", "b", "c", "d"), 10), Unit(("e",), 5)])

    def test_a_folder_that_cannot_be_listed_is_an_error(self) -> None:
        with self.assertRaises(FileNotFoundError):
            list(session_events.units(str(self.folder / "nothing")))


class ManyProcesses(TestFolder):
    def setUp(self) -> None:
        super().setUp()
        self.archive, self.output = ROOT / "fixtures/sessions", self.folder / "events"
        self.output.mkdir()
        programs = self.folder / "bin"
        programs.mkdir()
        (programs / "posthog-llma").symlink_to(PROGRAM)
        self.environment["PATH"] = f"{programs}:{self.environment['PATH']}"

    def shell(self, script: str, **variables: str) -> None:
        """Runs a script of the documentation or of a job in the test's folder."""
        script = script.replace("/archive", str(self.archive)).replace("/events", str(self.output))
        environment = self.environment | variables
        subprocess.run(["sh", "-euc", script], env=environment, cwd=self.folder, check=True)

    def assert_all_is_written(self) -> None:
        files = [file.read_bytes() for file in self.output.iterdir()]
        self.assertEqual(len(files), len(os.listdir(self.archive)))
        written = by_uuid(b"".join(files).splitlines(keepends=True))
        self.assertEqual(written, self.one_machine(self.archive))

    def test_the_lines_for_one_large_machine_write_the_events_of_one_process(self) -> None:
        documentation = (ROOT / "docs/pipelines.md").read_text().splitlines()
        lines = [line for line in documentation if line.startswith("ls /archive")]
        tools = [line.split()[3] for line in lines]
        self.assertEqual(tools, ["parallel", "xargs"])
        for tool, line in zip(tools, lines, strict=True):
            with self.subTest(tool):
                if shutil.which(tool) is None:
                    self.skipTest(f"there is no {tool}")
                self.shell(line)
                self.assert_all_is_written()

    def test_the_kubernetes_job_is_valid(self) -> None:
        job = yaml.safe_load(JOB.read_text())
        kubernetes_validate.validate(job, "1.33", strict=True)

    def test_the_indexes_of_the_kubernetes_job_write_the_events_of_one_process(self) -> None:
        spec = yaml.safe_load(JOB.read_text())["spec"]
        shell, flags, script = spec["template"]["spec"]["containers"][0]["command"]
        self.assertEqual((shell, flags), ("sh", "-euc"))
        for _ in range(2):
            for index in range(3):
                self.shell(script, SHARDS="3", JOB_COMPLETION_INDEX=str(index))
            self.assert_all_is_written()

    def test_an_archive_that_is_not_mounted_fails_the_kubernetes_job(self) -> None:
        spec = yaml.safe_load(JOB.read_text())["spec"]
        script = spec["template"]["spec"]["containers"][0]["command"][2]
        self.archive = self.folder / "mount"
        for is_there in [False, True]:
            if is_there:
                self.archive.mkdir()
            with self.assertRaises(subprocess.CalledProcessError):
                self.shell(script, SHARDS="1", JOB_COMPLETION_INDEX="0")

    def test_every_folder_belongs_to_an_index_of_the_kubernetes_job(self) -> None:
        spec = yaml.safe_load(JOB.read_text())["spec"]
        variables = spec["template"]["spec"]["containers"][0]["env"]
        shards = [it["value"] for it in variables if it["name"] == "SHARDS"]
        self.assertEqual(shards, [str(spec["completions"])])


if __name__ == "__main__":
    unittest.main()

"""Writes the events of an archive of sessions as Parquet, on the machines of a Spark cluster.

    spark-submit session_events.py --program ./posthog-llma --state STATE ARCHIVE OUTPUT

A unit is what one process reads: a project folder or, in a large one, a session. The job runs in
two steps, each with one task per unit:

1. Every unit is read without content, for the uuids of its events. Units with a uuid in common
   hold copies of the same responses (a session and its fork) and become one unit.
2. Every unit is read and written. The program itself decides, as on one machine, which of the
   sessions of a unit owns a response, and leaves it out of the events and totals of the others.

A task is a pure function of the files it reads: Spark may repeat it anywhere, at any time.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Generator, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import BinaryIO, NoReturn

from pyspark.sql import SparkSession
from pyspark.sql import functions as F

#: One row per event. `properties` is the JSON text that the program wrote, byte for byte.
EVENTS = (
    "uuid string, event string, distinct_id string, timestamp timestamp, "
    "properties string, day string"
)

#: Bytes of a folder from which on its sessions are units of their own.
LARGE_FOLDER = 4 << 30

#: Bytes of the program's last messages that the error of a failed task shows.
LAST_MESSAGES = 4096


@dataclass(frozen=True)
class Unit:
    """The input of one process."""

    paths: tuple[str, ...]
    bytes: int

    def __str__(self) -> str:
        others = len(self.paths) - 1
        return self.paths[0] + (f" and {others} more" if others else "")


def units(archive: str, large_folder: int = LARGE_FOLDER) -> Iterator[Unit]:
    """The topmost folders that hold sessions; the sessions one by one of those of Claude Code that
    are larger than `large_folder` bytes. A folder that cannot be listed is an error."""
    for folder, folders, files in os.walk(archive, onerror=_fail):
        folders.sort()
        # A folder `subagents` is part of the session it lies in, whose transcript may be gone.
        if "subagents" in folders or any(map(_is_session, files)):
            size = _bytes_below(folder)
            # `2026-03-01T12-00-00-000Z_ID.jsonl` is a session of Pi: it can be part of the one
            # beside it, as only the program can tell.
            if size > large_folder and not any("_" in name for name in files):
                yield from _sessions(folder, large_folder)
            else:
                yield Unit((folder,), size)
            folders.clear()


def _sessions(folder: str, large_folder: int) -> Iterator[Unit]:
    """The sessions in a folder, each with the folder named after it, in which its subagents are,
    and the units of the folders that belong to no session."""
    entries = sorted(os.scandir(folder), key=lambda entry: entry.name)
    files = [entry for entry in entries if entry.is_file() and _is_session(entry.name)]
    folders = {entry.name: entry.path for entry in entries if entry.is_dir(follow_symlinks=False)}
    for file in files:
        own = folders.pop(Path(file.name).stem, None)
        yield Unit((file.path,), file.stat().st_size + (_bytes_below(own) if own else 0))
    for path in folders.values():
        if Path(path).name == "subagents":
            yield Unit((folder,), _bytes_below(path))
        else:
            yield from units(path, large_folder)


def _is_session(name: str) -> bool:
    """Whether a file is a session by its name: not that of a subagent, which Claude Code 2.0 kept
    beside its session, and not the record of Claude Desktop."""
    is_transcript = name.endswith(".jsonl") and not name.startswith("agent-")
    is_database = name.startswith("opencode") and name.endswith(".db")
    return is_database or (is_transcript and name != "audit.jsonl")


def _bytes_below(folder: str) -> int:
    walk = os.walk(folder, onerror=_fail)
    return sum(os.lstat(os.path.join(at, name)).st_size for at, _, files in walk for name in files)


def _fail(error: OSError) -> NoReturn:
    raise error


@dataclass(frozen=True)
class Program:
    """The program, with the same settings on every worker. Its repr shows nothing of the state,
    which holds the key of the marks."""

    path: str
    #: The `POSTHOG_…` variables of the driver.
    settings: dict[str, str]
    #: The files of the state directory, by their relative paths.
    state: dict[str, bytes]

    def __repr__(self) -> str:
        return f"Program({self.path})"

    def lines(
        self, unit: Unit, settings: dict[str, str] | None = None
    ) -> Generator[bytes, None, None]:
        """The events of a unit, one JSON object per line. Whatever is wrong with the last of them
        or with the process is an error, after which the lines before are worth nothing."""
        with self._process(unit, self.settings | (settings or {})) as (process, messages):
            assert process.stdout is not None
            for line in process.stdout:
                if not line.endswith(b"}}\n"):
                    said = _last(messages)
                    raise RuntimeError(f"{unit}: the output ends within a line: {said}")
                yield line
            status = process.wait()
            said = _last(messages)
            sys.stderr.write(said)
            if status != 0:
                raise RuntimeError(f"{unit}: {self.path} ended with {status}: {said}")

    @contextmanager
    def _process(
        self, unit: Unit, settings: dict[str, str]
    ) -> Iterator[tuple[subprocess.Popen[bytes], BinaryIO]]:
        """A process with a home and a state directory of its own. They lie in the working directory
        of the executor, which the cluster removes after the job, even if this process is killed."""
        with (
            tempfile.TemporaryDirectory(prefix="posthog-llma-", dir=".") as scratch,
            tempfile.TemporaryFile(dir=scratch) as messages,
        ):
            home = os.path.abspath(scratch)
            state = Path(home, "state")
            for name, content in self.state.items():
                file = state / name
                file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
                file.touch(mode=0o600)
                file.write_bytes(content)
            # Content is kept whatever its age: the events must not depend on today's date.
            command = [self.path, "ingest", "--with-old-content", "--output", "-", "--"]
            own = {"HOME": home, "TZ": "UTC", "POSTHOG_LLMA_STATE_DIR": str(state)}
            with subprocess.Popen(
                command + list(unit.paths),
                env={"PATH": os.defpath} | settings | own,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=messages,
            ) as process:
                try:
                    yield process, messages
                finally:
                    # The process still runs if the task was cancelled.
                    process.kill()


def _last(messages: BinaryIO) -> str:
    messages.seek(max(0, messages.seek(0, os.SEEK_END) - LAST_MESSAGES))
    return messages.read().decode(errors="replace")


def state_files(state: Path) -> dict[str, bytes]:
    """The files of a state directory that decide what is written: the key of the marks, and the
    sessions that were excluded with `pause` and `forget`."""
    files = [state / "redaction.key", *sorted(state.glob("excluded/*.json"))]
    return {str(file.relative_to(state)): file.read_bytes() for file in files}


def event(line: bytes) -> tuple[str, str, str, datetime, str, str]:
    """A line as a row of `EVENTS`. The properties, which can be megabytes, are not parsed."""
    head, found, properties = line.partition(b',"properties":')
    if not found:
        raise ValueError(f"not an event: {line[:200]!r}")
    fields = json.loads(head + b"}")
    written = fields["timestamp"]
    at = datetime.fromisoformat(written.replace("Z", "+00:00"))
    own = (fields["uuid"], fields["event"], fields["distinct_id"])
    return (*own, at, properties.removesuffix(b"}\n").decode(), written[:10])


def linked(spark: SparkSession, program: Program, found: list[Unit]) -> list[list[int]]:
    """The numbers of units with common events."""

    def uuids(numbered: tuple[int, Unit]) -> Iterator[tuple[str, int]]:
        number, unit = numbered
        for line in program.lines(unit, {"POSTHOG_LLMA_PRIVACY_MODE": "true"}):
            yield event(line)[0], number

    tasks = spark.sparkContext.parallelize(list(enumerate(found)), len(found))
    holders = spark.createDataFrame(tasks.flatMap(uuids), "uuid string, unit int")
    by_event = holders.groupBy("uuid").agg(F.sort_array(F.collect_set("unit")).alias("units"))
    links = by_event.where(F.size("units") > 1).select("units").distinct()
    return [row.units for row in links.collect()]


def joined(found: list[Unit], links: Iterable[list[int]]) -> list[Unit]:
    """Each group of linked units as one unit; the largest first, since it takes longest."""
    groups = {number: {number} for number in range(len(found))}
    for link in links:
        group = set().union(*(groups[number] for number in link))
        groups.update(dict.fromkeys(group, group))
    distinct = {min(group): group for group in groups.values()}.values()
    parts = [[found[number] for number in sorted(group)] for group in distinct]
    units = [
        Unit(tuple(path for unit in group for path in unit.paths), sum(it.bytes for it in group))
        for group in parts
    ]
    return sorted(units, key=lambda unit: -unit.bytes)


def write(spark: SparkSession, program: Program, found: list[Unit], output: str) -> None:
    """Writes the events by day, and replaces earlier files."""

    def rows(unit: Unit) -> Iterator[tuple[str, str, str, datetime, str, str]]:
        return map(event, program.lines(unit))

    tasks = spark.sparkContext.parallelize(found, len(found))
    events = spark.createDataFrame(tasks.flatMap(rows), EVENTS, verifySchema=False)
    by_day = spark.sql("SELECT /*+ REBALANCE(day) */ * FROM {events}", events=events)
    in_order = by_day.sortWithinPartitions("day", "timestamp", "uuid")
    # Spark's own choice, Snappy, does not load on a glibc machine that also has musl.
    written = in_order.write.partitionBy("day").mode("overwrite")
    written.parquet(output, compression="zstd")


def main() -> None:
    parser = argparse.ArgumentParser(description="Events of an archive of sessions as Parquet.")
    parser.add_argument("--program", default="./posthog-llma", help="path on every worker")
    parser.add_argument("--state", required=True, type=Path, help="folder with redaction.key")
    parser.add_argument("--large-folder", type=int, default=LARGE_FOLDER, metavar="BYTES")
    parser.add_argument("archive", help="folder that every worker can read, as an absolute path")
    parser.add_argument("output", help="folder or address for the Parquet files; is replaced")
    given = parser.parse_args()

    # The key of a PostHog project is not needed, and is not passed on.
    settings = {
        name: value
        for name, value in os.environ.items()
        if name.startswith("POSTHOG_") and name != "POSTHOG_API_KEY"
    }
    program = Program(given.program, settings, state_files(given.state))

    found = list(units(os.path.abspath(given.archive), given.large_folder))
    if not found:
        parser.error(f"no sessions below {given.archive}")
    spark = (
        SparkSession.builder.appName("posthog-llma")
        .config("spark.sql.session.timeZone", "UTC")
        # Other readers take the default, INT96, for local time.
        .config("spark.sql.parquet.outputTimestampType", "TIMESTAMP_MICROS")
        .getOrCreate()
    )
    to_write = joined(found, linked(spark, program, found))
    write(spark, program, to_write, given.output)
    written = spark.read.parquet(given.output)
    total = written.agg(F.count("*"), F.count_distinct("uuid"), F.count_distinct("day")).first()
    assert total is not None
    events, distinct, days = total
    spark.stop()
    if events != distinct:
        twice = events - distinct
        sys.exit(f"{twice} events are there twice: sessions were written during the job; repeat it")
    print(f"{events} events of {days} days; {len(found)} units, joined to {len(to_write)}")


if __name__ == "__main__":
    main()

import assert from "node:assert/strict";
import { test } from "node:test";
import { fromEvents } from "../dev/data.mjs";
import { rich } from "../dev/made-up.mjs";
import { source } from "./support/source.mjs";

const { diffLines, editOf, together } = await source("session/diff.ts");
const { Model, sumsOf, union } = await source("session/model.ts");
const { FoldedTime } = await source("session/folded.ts");
const { callsOf, cliffsOf } = await source("session/context.ts");
const format = await source("format.ts");

function model(events = rich()) {
  const stored = fromEvents(events);
  const it = new Model();
  it.add(stored.lines.map((_, n) => stored.line(n, "outline")));
  it.build();
  return it;
}

test("numbers and durations are short and read as in the terminal", () => {
  for (const [value, text] of [[0, "0"], [843, "843"], [1600, "1.6k"], [9960, "10k"], [36_307, "36k"], [999_600, "1M"], [2_900_000, "2.9M"], [1.7e9, "1.7B"]]) assert.equal(format.short(value), text);
  for (const [seconds, text] of [[0, "0 ms"], [0.04, "40 ms"], [0.34, "0.3 s"], [9.94, "9.9 s"], [57.7, "58 s"], [59.96, "1 m 00 s"], [788, "13 m 08 s"], [3599.6, "1 h 00 m"], [7500, "2 h 05 m"], [273_600, "3 d 4 h"]]) assert.equal(format.duration(seconds), text);
  for (const [value, text] of [[0, "$0"], [0.00001, "< $0.0001"], [0.0042, "$0.0042"], [12.3, "$12.30"], [37_471.2, "$37,471"]]) assert.equal(format.dollars(value), text);
  const names = ["claude-opus-4-5-20251101", "claude-sonnet-4-5", "claude-sonnet-4-5-20250929", null];
  const short = format.models(names);
  assert.deepEqual(names.slice(0, 3).map(short), ["opus-4-5", "claude-sonnet-4-5", "claude-sonnet-4-5-20250929"]);
});

test("a difference is the shortest one, and gives back both texts", () => {
  const cases = [["a b c", "a c"], ["", "a"], ["a", ""], ["a b c d e", "x b y d z"], ["a a a b", "b a a a"], ["a b c", "a b c"]];
  let state = 1;
  const next = () => (state = (state * 1_103_515_245 + 12_345) & 0x7fffffff);
  for (let round = 0; round < 200; round++) {
    const text = () => Array.from({ length: next() % 14 }, () => "abcd"[next() % 4]).join(" ");
    cases.push([text(), text()]);
  }
  const lines = (text) => (text ? text.split(" ") : []);
  const longest = (one, other) => {
    const table = Array.from({ length: one.length + 1 }, () => new Array(other.length + 1).fill(0));
    for (let i = one.length - 1; i >= 0; i--) for (let j = other.length - 1; j >= 0; j--) table[i][j] = one[i] === other[j] ? table[i + 1][j + 1] + 1 : Math.max(table[i + 1][j], table[i][j + 1]);
    return table[0][0];
  };
  for (const [before, after] of cases) {
    const changes = diffLines(lines(before), lines(after));
    assert.deepEqual(changes.filter(({ kind }) => kind !== "+").map(({ text }) => text), lines(before), `${before} → ${after}`);
    assert.deepEqual(changes.filter(({ kind }) => kind !== "-").map(({ text }) => text), lines(after), `${before} → ${after}`);
    assert.equal(changes.filter(({ kind }) => kind === " ").length, longest(lines(before), lines(after)), `${before} → ${after}`);
  }
});

test("edits of every agent are read, and other inputs are not", () => {
  for (const [input, path, parts] of [
    [{ file_path: "a", old_string: "x", new_string: "y" }, "a", 1],
    [{ file_path: "a", edits: [{ old_string: "x", new_string: "y" }, { old_string: "z", new_string: "" }] }, "a", 2],
    [{ filePath: "a", oldString: "x", newString: "y" }, "a", 1],
    [{ path: "a", oldText: "x", newText: "y" }, "a", 1],
    [{ path: "a", content: "whole" }, "a", 0],
  ]) {
    const edit = editOf(input);
    assert.equal(edit.path, path);
    assert.equal(edit.parts.length, parts);
  }
  for (const input of [null, "text", [], { file_path: "a" }, { command: "ls" }, { path: ".", pattern: "x" }]) assert.equal(editOf(input), null);
});

test("later edits of the same place are one difference", () => {
  const edit = (before, after, path = "a.rs") => ({ path, parts: [{ before, after, all: false }], content: null });
  const [file] = together([edit("one\n", "two\n"), edit("two\n", "three $& $1\n"), edit("far\n", "away\n")]);
  assert.deepEqual(file.hunks, [{ before: "one\n", after: "three $& $1\n" }, { before: "far\n", after: "away\n" }]);
  assert.equal(file.edits, 3);
  assert.deepEqual([file.added, file.removed], [2, 2]);
  assert.deepEqual(together([edit("x", "y"), edit("y", "x")]), [], "a change that was taken back is none");
  const written = together([{ path: "b", parts: [], content: "1\n2\n" }, edit("2", "3", "b")]);
  assert.equal(written[0].hunks[0].after, "1\n3\n");
});

test("the tree is the one of PostHog: by parent, siblings by start, calls below a tool make it an agent", () => {
  const it = model();
  assert.equal(it.traces.length, 1);
  assert.deepEqual(it.turns.map(({ children }) => children.length > 0), [true, true, true]);
  const agents = it.nodes.filter(({ kind }) => kind === "agent");
  assert.deepEqual(agents.map(({ subagentType }) => subagentType).sort(), ["Explore", "general-purpose"]);
  for (const node of it.nodes) for (let index = 1; index < node.children.length; index++) assert.ok(node.children[index - 1].start <= node.children[index].start);
  const sum = it.nodes.filter(({ kind }) => kind === "call").reduce((total, { tokens }) => total + tokens.output, 0);
  assert.equal(it.traces[0].tokens.output, sum);
});

test("a trace tells what was found in it, and nothing that was not", () => {
  const it = model();
  const found = it.traces.flatMap((trace) => trace.findings);
  assert.deepEqual(found, [{ label: "cache lost", count: 1, tokens: 48_000 }]);
  assert.ok(it.nodes.every((node) => node.kind === "trace" || node.findings.length === 0));
});

test("an event without its parent is below its trace, and a trace without an event has a node", () => {
  const orphans = rich().filter(({ event, properties }) => event !== "$ai_trace" && properties.$ai_span_type !== "turn");
  const it = model(orphans);
  assert.equal(it.traces.length, 1);
  assert.equal(it.traces[0].uuid, null);
  assert.equal(it.nodes.length, orphans.length + 1);
});

test("lanes hold every call and tool once, tools that overlap in different rows", () => {
  const it = model();
  assert.deepEqual(it.lanes.map(({ label }) => label), ["main agent", "Explore", "general-purpose"]);
  const inLanes = it.lanes.flatMap(({ calls, tools }) => [calls, ...tools].flat());
  assert.equal(new Set(inLanes).size, it.nodes.filter(({ kind }) => kind !== "trace" && kind !== "turn").length);
  for (const { tools } of it.lanes) for (const row of tools.slice(0, 3)) for (let index = 1; index < row.length; index++) assert.ok(row[index].start >= row[index - 1].end - 1);
});

test("sums of all time are those of the session, parallel work counts once", () => {
  const it = model();
  const sums = sumsOf(it, it.start, it.end);
  assert.equal(sums.calls, it.nodes.filter(({ kind }) => kind === "call").length);
  assert.equal(sums.failedCalls, 1);
  assert.equal(sums.failedTools, 1);
  assert.equal(sums.tokens.output, it.traces[0].tokens.output);
  assert.equal(sums.waited, 21 + 64 + 140);
  assert.ok(sums.worked < sums.length);
  assert.equal(sums.byTool.reduce((total, { count }) => total + count, 0), sums.tools);
  assert.equal(union([[0, 10], [5, 12], [20, 21]]), 13);
});

test("folded time keeps order and work, and folds what idles", () => {
  const it = model();
  const folded = new FoldedTime(it);
  assert.ok(folded.length < (it.end - it.start) / 4);
  let last = -1;
  for (let time = it.start; time <= it.end; time += 977) {
    const position = folded.fold(time);
    assert.ok(position >= last);
    last = position;
    assert.ok(Math.abs(folded.unfold(position) - time) < 2 || folded.segments.some(({ isIdle, from, to }) => isIdle && from <= time && time <= to));
  }
  const call = it.lanes[0].calls[0];
  assert.ok(Math.abs(folded.fold(call.end) - folded.fold(call.start) - (call.end - call.start)) < 1);
});

test("a lost cache names the pause, and a compaction is no lost cache", () => {
  const cliffs = cliffsOf(callsOf(model(), ""));
  assert.deepEqual(cliffs.map(({ kind, cause }) => [kind, cause]), [["cache", "after a pause"], ["compaction", ""]]);
  assert.ok(cliffs[0].pause > 90 * 60);
});

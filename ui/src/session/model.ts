/** A session as the page works with it: nodes of the tree, and lanes of agents, built from events as they arrive. */

import type { DeliveryState, EventLine, Outline, Tokens } from "../../api";
import { model } from "../format";

/** The kinds of `posthog-llma show`: an agent is a tool that started a subagent. */
export type Kind = "trace" | "turn" | "call" | "tool" | "agent";

/** An event reduced to the facts for tree, lanes and charts. Its content stays with the program until it is opened. */
export interface Node {
  n: number;
  uuid: string | null;
  id: string;
  parent: string | null;
  trace: string;
  kind: Kind;
  name: string;
  detail: string;
  model: string | null;
  /** Milliseconds since 1970. */
  start: number;
  end: number;
  /** Seconds of the event's own work; `null` if unknown. */
  latency: number | null;
  /** Seconds of waiting for a person, before the work. */
  wait: number;
  /** Seconds that were either work or waiting. */
  unknown: number;
  firstToken: number | null;
  isError: boolean;
  error: string | null;
  isUnfinished: boolean;
  /** Tokens of a call; for other nodes, the sum of those below. */
  tokens: Tokens;
  reasoning: number;
  /** Cost of a call in USD; for other nodes, the sum of those below. `null` if unknown. */
  cost: number | null;
  costSource: "list" | "agent";
  subagent: string | null;
  subagentType: string | null;
  linesAdded: number;
  linesRemoved: number;
  compactions: number;
  /** Work that bought nothing, found by rule; only on a trace. */
  findings: readonly Finding[];
  stop: string | null;
  bytes: number;
  delivery: DeliveryState | null;
  children: Node[];
  above: Node | null;
  level: number;
  /** Position among all nodes in the order of the tree. */
  order: number;
}

/** Work that bought nothing: number of times, and tokens spent on it. */
export interface Finding {
  label: string;
  count: number;
  tokens: number;
}

/** Kinds of findings: the name in a trace's properties, and the name on the page. */
const FINDINGS = [["retried_tool", "failed again"], ["repeated_read", "read again"], ["lost_cache", "cache lost"], ["failed_turn", "prompt failed"], ["grown_context", "grew until compacted"], ["unused_tool", "tools never used"]] as const;

/** One agent: the session's own, or a subagent. */
export interface Lane {
  id: string;
  label: string;
  calls: Node[];
  /** Tools by row: those that ran at the same time are in different rows. */
  tools: Node[][];
  start: number;
  end: number;
}

const MAX_TOOL_ROWS = 4;
/** One array for all nodes: a long session has 150,000. */
const NO_FINDINGS: readonly Finding[] = [];

const text = (value: unknown): string | null => (typeof value === "string" && value ? value : null);
const amount = (value: unknown): number => (typeof value === "number" && Number.isFinite(value) ? value : 0);

export const noTokens = (): Tokens => ({ input: 0, output: 0, cache_read: 0, cache_write: 0 });

export function addTokens(sum: Tokens, more: Tokens): void {
  sum.input += more.input;
  sum.output += more.output;
  sum.cache_read += more.cache_read;
  sum.cache_write += more.cache_write;
}

/** Tokens of the conversation sent with a call. */
export const contextOf = ({ tokens }: Node): number => tokens.input + tokens.cache_read + tokens.cache_write;

export function tokensOf({ properties: p }: Outline): Tokens {
  return {
    input: amount(p.$ai_input_tokens),
    output: amount(p.$ai_output_tokens),
    cache_read: amount(p.$ai_cache_read_input_tokens),
    cache_write: amount(p.$ai_cache_creation_input_tokens),
  };
}

function findingsOf({ properties: p }: Outline): Finding[] {
  const all = FINDINGS.map(([kind, label]) => ({ label, count: amount(p[`${kind}_count` as const]), tokens: amount(p[`${kind}_tokens` as const]) }));
  return all.filter((it) => it.count > 0);
}

/** A node of an event. `same` returns one copy of texts that many events have. */
function nodeOf(line: EventLine<Outline>, same: (text: string) => string): Node {
  const { event } = line;
  const name = (value: unknown) => (typeof value === "string" && value ? same(value) : null);
  const p = event.properties;
  const kind: Kind = event.event === "$ai_trace" ? "trace" : event.event === "$ai_span" ? (p.$ai_span_type === "turn" ? "turn" : "tool") : "call";
  const time = Date.parse(event.timestamp);
  const latency = typeof p.$ai_latency === "number" ? p.$ai_latency : null;
  const wait = amount(p.permission_wait_seconds);
  const elapsed = amount(p.elapsed_seconds);
  const unknown = kind === "tool" && latency === null ? elapsed : 0;
  const length = ((latency ?? 0) + wait + unknown) * 1000;
  return {
    n: line.n,
    uuid: event.uuid,
    id: String(p.$ai_span_id ?? event.uuid),
    parent: kind === "trace" ? null : text(p.$ai_parent_id),
    trace: same(String(p.$ai_trace_id ?? "")),
    kind,
    name: name(p.$ai_span_name) ?? "",
    detail: line.detail ?? "",
    model: name(p.$ai_model),
    start: kind === "trace" ? time : time - length,
    end: kind === "trace" ? time + elapsed * 1000 : time,
    latency: kind === "trace" ? elapsed : latency,
    wait,
    unknown,
    firstToken: typeof p.$ai_time_to_first_token === "number" ? p.$ai_time_to_first_token : null,
    isError: p.$ai_is_error === true,
    error: text(p.$ai_error),
    isUnfinished: p.unfinished === true,
    tokens: kind === "call" ? tokensOf(event) : noTokens(),
    reasoning: amount(p.$ai_reasoning_tokens),
    cost: kind === "call" ? (line.cost ?? null) : null,
    costSource: line.cost_source ?? "list",
    subagent: name(p.subagent_id),
    subagentType: name(p.subagent_type),
    linesAdded: amount(p.lines_added),
    linesRemoved: amount(p.lines_removed),
    compactions: amount(p.compaction_count),
    findings: kind === "trace" ? findingsOf(event) : NO_FINDINGS,
    stop: name(p.$ai_stop_reason),
    bytes: line.bytes,
    delivery: line.delivery ?? null,
    children: [],
    above: null,
    level: 0,
    order: 0,
  };
}

/** A trace without an event (yet). */
function traceWithout(id: string, start: number): Node {
  const event: Outline = { event: "$ai_trace", uuid: "", distinct_id: "", timestamp: new Date(start).toISOString(), properties: { $ai_trace_id: id, $ai_span_id: id } };
  return { ...nodeOf({ n: -1, event, bytes: 0 }, (text) => text), uuid: null };
}

export class Model {
  private readonly byUuid = new Map<string, Node>();
  traces: Node[] = [];
  lanes: Lane[] = [];
  /** All nodes in the order of the tree. */
  nodes: Node[] = [];
  byId = new Map<string, Node>();
  start = 0;
  end = 0;

  private readonly texts = new Map<string, string>();
  private readonly same = (text: string): string => {
    const known = this.texts.get(text);
    if (known === undefined) this.texts.set(text, text);
    return known ?? text;
  };

  get size(): number {
    return this.byUuid.size;
  }

  clear(): void {
    this.byUuid.clear();
  }

  add(lines: EventLine<Outline>[]): void {
    for (const line of lines) this.byUuid.set(line.event.uuid, nodeOf(line, this.same));
  }

  /** Puts the nodes into their tree, as PostHog's trace page does: by parent, siblings by their start. */
  build(): void {
    const all = [...this.byUuid.values()];
    const byId = new Map<string, Node>();
    for (const node of all) byId.set(node.id, node);
    const traces: Node[] = [];
    for (const node of all) {
      node.children.length = 0;
      node.above = null;
    }
    for (const node of all) {
      if (node.kind === "trace") {
        traces.push(node);
        continue;
      }
      let above = byId.get(node.parent ?? "") ?? byId.get(node.trace);
      if (!above) {
        above = traceWithout(node.trace, node.start);
        byId.set(node.trace, above);
        traces.push(above);
      }
      above.start = above.uuid ? above.start : Math.min(above.start, node.start);
      above.end = above.uuid ? above.end : Math.max(above.end, node.end);
      above.children.push(node);
      node.above = above;
    }
    const byStart = (one: Node, other: Node) => one.start - other.start || one.n - other.n;
    traces.sort(byStart);
    this.nodes = [];
    for (const trace of traces) this.adopt(trace, 0, byStart);
    this.traces = traces;
    this.byId = byId;
    this.lay();
  }

  /** Numbers a node and those below it, and sums them up. */
  private adopt(node: Node, level: number, byStart: (one: Node, other: Node) => number): void {
    node.level = level;
    node.order = this.nodes.length;
    this.nodes.push(node);
    node.children.sort(byStart);
    const isCall = node.kind === "call";
    if (!isCall) {
      Object.assign(node.tokens, noTokens());
      node.cost = null;
    }
    // Deep sessions have a few dozen levels: recursion is safe.
    for (const child of node.children) {
      this.adopt(child, level + 1, byStart);
    }
    if (node.kind === "tool" && node.children.length) {
      node.kind = "agent";
      node.subagentType = node.children.find((it) => it.subagentType)?.subagentType ?? node.subagentType;
    }
    if (isCall) return;
    for (const child of node.children) {
      for (const below of child.kind === "call" ? [child, ...child.children] : [child]) {
        addTokens(node.tokens, below.tokens);
        if (below.cost !== null) node.cost = (node.cost ?? 0) + below.cost;
      }
    }
  }

  /** Puts calls and tools into lanes. */
  private lay(): void {
    const lanes = new Map<string, Lane>();
    let start = Infinity;
    let end = -Infinity;
    const byStart = this.nodes.filter((node) => node.kind !== "trace" && node.kind !== "turn").sort((one, other) => one.start - other.start);
    for (const node of byStart) {
      const id = node.subagent ?? "";
      let lane = lanes.get(id);
      if (!lane) lanes.set(id, (lane = { id, label: "", calls: [], tools: [], start: node.start, end: node.end }));
      lane.end = Math.max(lane.end, node.end);
      if (!lane.label && id) lane.label = node.subagentType ?? "";
      start = Math.min(start, node.start);
      end = Math.max(end, node.end);
      if (node.kind === "call") {
        lane.calls.push(node);
        continue;
      }
      let row = lane.tools.findIndex((row) => row.at(-1)!.end <= node.start + 1);
      if (row < 0) row = lane.tools.length < MAX_TOOL_ROWS ? lane.tools.push([]) - 1 : MAX_TOOL_ROWS - 1;
      lane.tools[row]!.push(node);
    }
    for (const turn of this.nodes) {
      if (turn.kind !== "turn" && turn.kind !== "trace") continue;
      start = Math.min(start, turn.start);
      if (turn.kind === "turn") end = Math.max(end, turn.end);
    }
    if (end < start) end = start = Math.min(start, 8.64e15);
    this.lanes = [...lanes.values()];
    for (const lane of this.lanes) lane.label ||= lane.id ? "subagent" : "main agent";
    // The main agent first, even if a subagent's record begins earlier.
    this.lanes.sort((one, other) => Number(one.id !== "") - Number(other.id !== "") || one.start - other.start);
    this.start = Number.isFinite(start) ? start : 0;
    this.end = Math.max(this.start + 1, Number.isFinite(end) ? end : 0);
  }

  get turns(): Node[] {
    return this.nodes.filter((node) => node.kind === "turn");
  }
}

/** The name in the first column of the tree. */
export function nameOf(node: Node): string {
  switch (node.kind) {
    case "trace":
      return node.name || `session ${node.id.slice(0, 8)}`;
    case "turn":
      return node.name || "turn";
    case "call":
      return node.model === null ? "no answer" : model(node.model);
    case "agent":
      return node.subagentType ?? node.name;
    case "tool":
      return node.name || "tool";
  }
}

/** The text beside the name. */
export function besideOf(node: Node): string {
  if (node.kind === "trace" || node.kind === "turn") return "";
  if (node.kind === "call") return [node.name, node.detail].filter(Boolean).join(" · ");
  return node.detail;
}

/** Sums over a part of a session. */
export interface Sums {
  calls: number;
  failedCalls: number;
  tools: number;
  failedTools: number;
  /** Seconds in which a call or a tool worked; parallel work counts once. */
  worked: number;
  /** Seconds in which a tool waited for a person; parallel waits count once. */
  waited: number;
  /** Seconds of the range. */
  length: number;
  tokens: Tokens;
  cost: number | null;
  unpriced: number;
  /** Tools by name, the ones that took longest first. */
  byTool: { name: string; count: number; seconds: number }[];
}

/** Sums over what began in a range of time; times are cut at its ends. */
export function sumsOf(model: Model, from: number, to: number): Sums {
  const sums: Sums = { calls: 0, failedCalls: 0, tools: 0, failedTools: 0, worked: 0, waited: 0, length: (to - from) / 1000, tokens: noTokens(), cost: null, unpriced: 0, byTool: [] };
  const byTool = new Map<string, Sums["byTool"][number]>();
  const work: [number, number][] = [];
  const waits: [number, number][] = [];
  for (const lane of model.lanes) {
    for (const node of [lane.calls, ...lane.tools].flat()) {
      if (node.end < from || node.start > to) continue;
      const workStart = node.start + node.wait * 1000;
      if (node.latency !== null && node.latency > 0) work.push([Math.max(from, workStart), Math.min(to, node.end)]);
      if (node.wait > 0) waits.push([Math.max(from, node.start), Math.min(to, workStart)]);
      if (node.start < from) continue;
      if (node.kind === "call") {
        sums.calls++;
        if (node.isError) sums.failedCalls++;
        addTokens(sums.tokens, node.tokens);
        if (node.cost !== null) sums.cost = (sums.cost ?? 0) + node.cost;
        else if (contextOf(node) + node.tokens.output > 0) sums.unpriced++;
      } else {
        sums.tools++;
        if (node.isError) sums.failedTools++;
        const name = nameOf(node);
        const tool = byTool.get(name) ?? { name, count: 0, seconds: 0 };
        tool.count++;
        tool.seconds += node.latency ?? 0;
        byTool.set(name, tool);
      }
    }
  }
  sums.byTool = [...byTool.values()].sort((one, other) => other.seconds - one.seconds || other.count - one.count);
  sums.worked = union(work) / 1000;
  sums.waited = union(waits) / 1000;
  return sums;
}

/** Length of the union of intervals. */
export function union(intervals: [number, number][]): number {
  intervals.sort((one, other) => one[0] - other[0]);
  let length = 0;
  let reached = -Infinity;
  for (const [from, to] of intervals) {
    if (to <= reached) continue;
    length += to - Math.max(from, reached);
    reached = to;
  }
  return length;
}

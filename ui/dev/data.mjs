// Events of a file as sessions: what the program computes from its own model, computed here from events.
import { createReadStream } from "node:fs";
import { createInterface } from "node:readline";
import { source } from "../test/support/source.mjs";
import { price } from "./prices.mjs";

const { OUTLINE } = await source("../api.ts");
const TELLING = ["command", "file_path", "notebook_path", "pattern", "query", "url", "description", "skill", "path", "prompt"];
const CHANGING = /^(edit|multiedit|write|notebookedit|patch|apply_patch)$/i;

export const emptyTokens = () => ({ input: 0, output: 0, cache_read: 0, cache_write: 0 });
export const tokensOf = (p) => ({ input: p.$ai_input_tokens ?? 0, output: p.$ai_output_tokens ?? 0, cache_read: p.$ai_cache_read_input_tokens ?? 0, cache_write: p.$ai_cache_creation_input_tokens ?? 0 });
export const sumOf = (tokens) => tokens.input + tokens.output + tokens.cache_read + tokens.cache_write;
export function add(sum, more) {
  for (const name in more) sum[name] += more[name];
}

/** Reads a file of events, one a line. Lines are kept as text: 90 MB of objects would be a gigabyte. */
export async function fromFile(path) {
  const sessions = new Map();
  for await (const line of createInterface({ input: createReadStream(path) })) {
    if (!line) continue;
    const event = JSON.parse(line);
    const key = `${event.properties.$ai_framework}/${event.properties.$ai_session_id}`;
    let session = sessions.get(key);
    if (!session) sessions.set(key, (session = new Stored(key)));
    session.take(event, line);
  }
  return sessions;
}

export function fromEvents(events) {
  const { properties } = events[0];
  const session = new Stored(`${properties.$ai_framework}/${properties.$ai_session_id}`);
  for (const event of events) session.take(event, JSON.stringify(event));
  return session;
}

export class Stored {
  constructor(key) {
    this.key = key;
    this.lines = [];
    this.row = null;
    this.calls = [];
    this.tools = [];
    this.searchable = [];
    this.folder = null;
  }

  take(event, line) {
    const p = event.properties;
    const kind = event.event === "$ai_trace" ? "trace" : event.event === "$ai_generation" ? "call" : p.$ai_span_type === "turn" ? "turn" : "tool";
    const n = this.lines.length;
    this.lines.push({ uuid: event.uuid, span: p.$ai_span_id, line, kind, changes: kind === "tool" && (CHANGING.test(p.$ai_span_name) || p.lines_added != null || p.lines_removed != null) });
    const row = (this.row ??= { key: this.key, agent: p.$ai_framework, id: p.$ai_session_id, title: null, project: p.$ai_project_name ?? null, worktree: p.worktree ?? null, branch: null, models: [], started_at: event.timestamp, ended_at: event.timestamp, bytes: 0, running: false, waiting: false, delivery: "never", facts: { worked: 0, waited: 0, turns: 0, calls: 0, tools: 0, failed_calls: 0, failed_tools: 0, tokens: emptyTokens(), cost: { usd: null, source: "list", unknown_calls: 0 }, lines_added: 0, lines_removed: 0, commits: 0, pull_requests: [], compactions: 0, secrets: 0 } });
    const { facts } = row;
    row.bytes += line.length;
    row.branch = p.$ai_git_branch ?? row.branch;
    if (event.timestamp < row.started_at) row.started_at = event.timestamp;
    if (event.timestamp > row.ended_at) row.ended_at = event.timestamp;
    facts.secrets += line.split("[redacted:").length - 1;
    this.version ??= p.claude_code_version ?? null;
    if (kind === "trace") {
      row.title ??= p.session_title ?? p.$ai_trace_name ?? null;
      facts.waited += p.waited_seconds ?? 0;
      facts.commits += p.commit_count ?? 0;
      facts.pull_requests.push(...(p.pull_requests ?? []));
      facts.lines_added += p.lines_added ?? 0;
      facts.lines_removed += p.lines_removed ?? 0;
      facts.compactions += p.compaction_count ?? 0;
    } else if (kind === "turn") {
      facts.turns++;
      facts.worked += p.$ai_latency ?? 0;
      if (typeof p.$ai_input_state === "string") this.searchable.push([n, p.$ai_input_state]);
    } else if (kind === "call") {
      facts.calls++;
      if (p.$ai_is_error) facts.failed_calls++;
      const tokens = tokensOf(p);
      add(facts.tokens, tokens);
      const cost = p.$ai_total_cost_usd ?? (sumOf(tokens) ? price(p.$ai_model, tokens) : 0);
      if (cost === undefined) facts.cost.unknown_calls++;
      else if (sumOf(tokens)) facts.cost.usd = (facts.cost.usd ?? 0) + cost;
      if (p.$ai_total_cost_usd !== undefined) facts.cost.source = "agent";
      if (p.$ai_model && !row.models.includes(p.$ai_model)) row.models.push(p.$ai_model);
      this.calls.push({ at: Date.parse(event.timestamp), model: p.$ai_model ?? null, branch: p.$ai_git_branch ?? null, tokens, cost, error: p.$ai_is_error === true, worked: p.$ai_latency ?? 0 });
    } else {
      facts.tools++;
      if (p.$ai_is_error) facts.failed_tools++;
      this.tools.push({ at: Date.parse(event.timestamp), name: p.$ai_span_name, failed: p.$ai_is_error === true, latency: p.$ai_latency ?? null, waited: p.permission_wait_seconds ?? 0 });
      const path = p.$ai_input_state?.file_path;
      if (typeof path === "string" && path.startsWith("/")) this.folder ??= path.includes(`/${row.project}/`) ? path.slice(0, path.indexOf(`/${row.project}/`) + row.project.length + 1) : null;
    }
  }

  /** A line of the events' answer. */
  line(n, view) {
    const { line } = this.lines[n];
    const event = JSON.parse(line);
    const p = event.properties;
    const wrapped = { n, event, bytes: line.length };
    const detail = this.detail(event);
    if (detail) wrapped.detail = detail;
    if (event.event === "$ai_generation") {
      const tokens = tokensOf(p);
      const cost = p.$ai_total_cost_usd ?? (sumOf(tokens) ? price(p.$ai_model, tokens) : undefined);
      if (cost !== undefined) wrapped.cost = cost;
      if (p.$ai_total_cost_usd !== undefined) wrapped.cost_source = "agent";
    }
    if (view === "outline") for (const name of Object.keys(p)) if (!OUTLINE.includes(name)) delete p[name];
    return wrapped;
  }

  detail({ event, properties: p }) {
    let text;
    if (event === "$ai_span" && p.$ai_span_type === "tool") {
      const name = TELLING.find((it) => typeof p.$ai_input_state?.[it] === "string");
      text = name && p.$ai_input_state[name];
      if (text && this.folder && text.startsWith(`${this.folder}/`)) text = text.slice(this.folder.length + 1);
    } else if (event === "$ai_generation" && Array.isArray(p.$ai_output_choices)) {
      for (const { content } of p.$ai_output_choices) for (const part of Array.isArray(content) ? content : []) text ??= part.type === "text" ? part.text : undefined;
    }
    return text?.trim().slice(0, 200).replace(/\s+/g, " ");
  }
}

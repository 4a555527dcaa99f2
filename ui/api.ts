/**
 * The contract between the page and the program: every endpoint, and every type that crosses it.
 * `README.md` says in words how they are used. All requests are GET; all times are UTC (RFC 3339);
 * durations are seconds; costs are US dollars; absent values are `null` or left out.
 */

/** Paths of the endpoints. Parameters are always in the query, so that no path needs decoding. */
export const PATHS = {
  /** {@link Machine}; JSON. */
  machine: "/api/machine",
  /** {@link SessionRow} a line, then {@link End}; NDJSON. `since`, `until`, `project`, `agent`, `after`. */
  sessions: "/api/sessions",
  /** {@link SearchHit} a line, then {@link End}; NDJSON. `text`, and the filters of `sessions`. */
  search: "/api/search",
  /** {@link Session}; JSON. `session`. */
  session: "/api/session",
  /** {@link EventLine} a line, then {@link End}; NDJSON. `session`, `view`, `kind`, `after`, `from`, `to`. */
  events: "/api/events",
  /** One {@link Event}, exactly as PostHog gets it; JSON. `session`, `uuid`. */
  event: "/api/event",
  /** {@link Usage}; JSON. `by`, and the filters of `sessions`. */
  usage: "/api/usage",
  /** {@link Delivery}; JSON. */
  delivery: "/api/delivery",
} as const;

/** The last line of every NDJSON answer. An answer without it was cut off. */
export interface End {
  end: {
    /** Pass it as `after` to get only what is new or changed since. Opaque. */
    cursor: string;
    /** The cursor in the request is unknown (the program was restarted): this answer is everything. */
    reset: boolean;
    /** Number of items that exist, sent or not. */
    total: number;
    /** The session is still running, or sessions are still being read: ask again. */
    running: boolean;
    /** What could not be read: file and reason. */
    unreadable: { path: string; reason: string }[];
  };
}

/** An error of any endpoint: a status of 400 or above, with this as its body. */
export interface Failure {
  error: string;
  /** The next step; `null` if there is none. */
  fix: string | null;
}

/** What holds for the whole page. Asked once, at the start. */
export interface Machine {
  version: string;
  /** The time of this answer, so that "2 m ago" does not depend on the browser's clock. */
  now: string;
  agents: string[];
  projects: string[];
  /** Date and source of the price table; `null` in files of versions without one. */
  prices: { date: string; source: string } | null;
  /** Folder that was named on the command line, if any: the list shows only that. */
  folder: string | null;
  /** Key of the session that was named on the command line, if any. */
  session: string | null;
}

export interface Tokens {
  /** Tokens that were not cached. */
  input: number;
  output: number;
  cache_read: number;
  cache_write: number;
  /** The part of `cache_write` that is kept for longer than usual. */
  cache_write_1h?: number;
  /** The part of `output` that is thinking, as far as calls report it. */
  reasoning?: number;
}

/** The cost in US dollars. */
export interface Cost {
  /** `null`: a model is not in the price table, and nothing is known. */
  usd: number | null;
  /** `list`: by list price, estimated; `agent`: as the agent stated; `mixed`: some of both. */
  source: "list" | "agent" | "mixed";
  /** Calls whose price is unknown: not contained in `usd`. */
  unknown_calls: number;
}

/** Whether PostHog has the events of a session, or one event. */
export type DeliveryState =
  /** PostHog took all of them. */
  | "acknowledged"
  /** Some wait in the outbox. */
  | "waiting"
  /** PostHog refused some. */
  | "refused"
  /** Given up: too old, or too many. */
  | "dropped"
  /** Nothing was ever sent. */
  | "never"
  /** Its project is left alone, or the session was paused or forgotten: nothing will be sent. */
  | "left_alone";

/** A session in the list. A line with a known `key` replaces the earlier one. */
export interface SessionRow {
  /** What other requests name it by. Opaque. */
  key: string;
  agent: string;
  id: string;
  title: string | null;
  project: string | null;
  /** Linked work tree, if it is not the main one. */
  worktree: string | null;
  branch: string | null;
  /** Models, the one with most output first. */
  models: string[];
  started_at: string;
  ended_at: string;
  /** Size of its transcripts. */
  bytes: number;
  running: boolean;
  /** The agent waits for a person: an unanswered question or permission. */
  waiting: boolean;
  delivery: DeliveryState;
  /** `null` until the whole session was read; the row comes again then. */
  facts: SessionFacts | null;
}

/** Sums over a session. */
export interface SessionFacts {
  /** Time worked: the sum of the turns, without waiting for the next prompt. */
  worked: number;
  /** Time that tools waited for a person. */
  waited: number;
  turns: number;
  calls: number;
  tools: number;
  /** Failed model calls. */
  failed_calls: number;
  failed_tools: number;
  tokens: Tokens;
  cost: Cost;
  lines_added: number;
  lines_removed: number;
  commits: number;
  pull_requests: string[];
  compactions: number;
  /** Secrets replaced; `null` until the session was opened. */
  secrets: number | null;
}

/** A session, when it is opened. */
export interface Session extends SessionRow {
  /** Folder in which it was started; the user's home as `~`. */
  folder: string | null;
  agent_version: string | null;
  /** Of its events. */
  receipt: { acknowledged: number; waiting: number; refused: number; dropped: number; withdrawn: number };
  /** Why nothing (more) of it is sent, or why some of it is not; one sentence each. */
  notes: string[];
  /** Address of a trace's page in PostHog, with `{trace}` where its id stands and `{event}` where a span's id stands, both encoded. `null` without a key. */
  posthog: { trace: string; span: string } | null;
  /** What the transcript did not allow to read. */
  unreadable: { path: string; reason: string }[];
}

/** An event as PostHog gets it. */
export interface Event {
  event: "$ai_generation" | "$ai_span" | "$ai_trace" | "$ai_embedding";
  uuid: string;
  distinct_id: string;
  timestamp: string;
  properties: Record<string, unknown>;
}

/** Properties of the events in an outline: all that tree, lanes and charts are made of. */
export const OUTLINE = [
  "$ai_trace_id",
  "$ai_span_id",
  "$ai_parent_id",
  "$ai_span_name",
  "$ai_span_type",
  "$ai_model",
  "$ai_stop_reason",
  "$ai_is_error",
  "$ai_error",
  "unfinished",
  "$ai_input_tokens",
  "$ai_output_tokens",
  "$ai_cache_read_input_tokens",
  "$ai_cache_creation_input_tokens",
  "$ai_reasoning_tokens",
  "$ai_latency",
  "$ai_time_to_first_token",
  "elapsed_seconds",
  "permission_wait_seconds",
  "subagent_id",
  "subagent_type",
  "lines_added",
  "lines_removed",
  "compaction_count",
  "retried_tool_count",
  "retried_tool_tokens",
  "repeated_read_count",
  "repeated_read_tokens",
  "lost_cache_count",
  "lost_cache_tokens",
  "failed_turn_count",
  "failed_turn_tokens",
  "grown_context_count",
  "grown_context_tokens",
  "unused_tool_count",
  "unused_tool_tokens",
] as const;

/** An event with the properties in {@link OUTLINE} alone. */
export interface Outline extends Omit<Event, "properties"> {
  properties: { [name in (typeof OUTLINE)[number]]?: unknown };
}

/** An event of a session. A line with a known `uuid` replaces the earlier one. */
export interface EventLine<E extends Outline = Event> {
  /** Position in the session, from 0, without gaps, in the order of sending. */
  n: number;
  /** `view=outline`: an {@link Outline}. `view=full`: exactly as PostHog gets it. */
  event: E;
  /** What distinguishes this from others, on one line, at most 200 characters: of a tool the telling input (as `show` prints it), of a call the first words of its answer. */
  detail?: string;
  /** Size of the whole event as JSON. */
  bytes: number;
  /** Of a call, in US dollars; left out if unknown. */
  cost?: number;
  cost_source?: "list" | "agent";
  /** Left out if the session's own state holds. */
  delivery?: DeliveryState;
}

/** Which events `kind` selects. */
export type EventKind =
  /** Turns and calls: what the conversation shows. */
  | "conversation"
  /** Tools that change files: those whose span has `lines_added` or `lines_removed`, and agents' edit and write tools. */
  | "changes";

export interface SearchHit {
  key: string;
  /** `$ai_span_id` of the turn or call. */
  span: string;
  /** The text around, one line, at most 200 characters. */
  text: string;
}

/** Numbers of a group of sessions: the same that `posthog-llma report` prints. */
export interface Numbers {
  sessions: number;
  worked: number;
  waited: number;
  calls: number;
  failed_calls: number;
  tools: number;
  failed_tools: number;
  tokens: Tokens;
  cost: Cost;
  lines_added: number;
  lines_removed: number;
  commits: number;
  pull_requests: number;
}

export type UsageBy = "model" | "project" | "branch" | "pr" | "agent" | "tool";

export interface Usage {
  by: UsageBy;
  /** Length of a bucket. The program chooses it by the period. */
  unit: "day" | "week" | "month";
  /** First day of each bucket, local, without gaps: `2026-11-28`. */
  buckets: string[];
  total: Numbers;
  /** The largest first, by cost; at most 12 and one named `other`. `name: null` is an explicit "none". */
  groups: { name: string | null; total: Numbers; buckets: { tokens: Tokens; cost: number; calls: number; worked: number }[] }[];
  /** By weekday (Monday first) and local hour. */
  hours: { calls: number; tokens: number; cost: number; worked: number }[][];
  /** Most calls first. `p50` and `p95` are of the tools' own time, `null` where no time is known. */
  tools: { name: string; calls: number; failed: number; p50: number | null; p95: number | null; waited: number }[];
  branches: { project: string | null; branch: string | null; pull_requests: string[]; numbers: Numbers }[];
  findings: Finding[];
  /** Models without a price. */
  unpriced: { model: string; calls: number }[];
  /** Sessions are still being read: ask again. */
  running: boolean;
}

/** A kind of waste, found by rule. */
export interface Finding {
  /** The rule, as `report --findings` names it. */
  kind: string;
  /** One sentence: what it is. */
  title: string;
  count: number;
  tokens: number;
  /** The costliest places. */
  examples: { key: string; span: string; text: string; tokens: number }[];
}

/** What waits, what arrived, what would leave. Names as in `status --json`. */
export interface Delivery {
  enabled: boolean;
  enabled_by: string | null;
  enabled_since: string | null;
  /** One sentence: whether anything is sent from here, and why. */
  verdict: string;
  /** The next step; `null` if all is well. */
  fix: string | null;
  api_key: string | null;
  host: string | null;
  records_inputs: boolean;
  records_outputs: boolean;
  destinations: {
    host: string;
    waiting: number;
    waiting_bytes: number;
    oldest: string | null;
    last_sent_at: string | null;
    last_error: string | null;
    last_error_at: string | null;
    not_before: string | null;
    refused: number;
  }[];
  refused: { uuid: string; event: string; session: string; bytes: number; reason: string }[];
  refused_total: number;
  dropped: { by_age: number; by_size: number };
  excluded: { agent: string; session: string; key: string | null; cause: "paused" | "forgotten"; since: string }[];
  /** Projects that are left alone, with the reason. */
  left_alone: { project: string; reason: string; sessions: number }[];
  /** Newest first. */
  runs: { at: string; verb: string; session: string | null; duration_ms: number; sent: number; error: string | null; warnings: string[] }[];
  /** Number of secrets replaced, by rule: in what was stored, or would be. */
  redactions: Record<string, number>;
  /** What the next `ingest --all` would send. `bytes` are those of transcripts. */
  would_leave: { sessions: number; events: number; bytes: number; without_content: number; running: boolean };
  problems: { found: string; fix: string }[];
}

/** The first line of the data in a single file (`view --html`); the lines after it are {@link EventLine}s with whole events. */
export interface Embedded {
  machine: Machine;
  session: Session;
}

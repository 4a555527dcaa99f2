// Sessions made up for development and tests: the same at every run, and with everything a view has to cope with.
import { createHash } from "node:crypto";

/** Numbers that look random and are the same every time (mulberry32). */
export function dice(seed) {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let value = Math.imul(state ^ (state >>> 15), state | 1);
    value ^= value + Math.imul(value ^ (value >>> 7), value | 61);
    return ((value ^ (value >>> 14)) >>> 0) / 4294967296;
  };
}

const uuidOf = (text) => {
  const hex = createHash("sha1").update(text).digest("hex");
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-5${hex.slice(13, 16)}-a${hex.slice(17, 20)}-${hex.slice(20, 32)}`;
};

const MODEL = "claude-opus-4-6";

/** Collects events of one session. */
class Session {
  constructor(id, start, { project = "harbour", branch = "main", title }) {
    this.id = id;
    this.now = Date.parse(start);
    this.start = this.now;
    this.events = [];
    this.count = 0;
    this.context = 14_000;
    this.title = title;
    this.common = { $ai_trace_id: id, $ai_session_id: id, $ai_project_name: project, $ai_agent_name: project, $ai_git_branch: branch, $ai_git_repo: "example/harbour", $ai_framework: "claude-code", claude_code_version: "2.1.329", $ai_lib: "posthog-llma", $lib: "posthog-llma", $ai_lib_version: "0.1.0", $lib_version: "0.1.0", $geoip_disable: true };
    this.sums = { input: 0, output: 0, read: 0, write: 0, calls: 0, tools: 0, errors: 0, toolErrors: 0, turns: 0 };
  }

  push(event, name, end, properties) {
    const uuid = uuidOf(`${this.id} ${name}`);
    const all = { ...this.common, $ai_span_id: event === "$ai_trace" ? this.id : uuid, ...properties };
    this.events.push({ event, uuid, distinct_id: "ada@example.com", timestamp: new Date(end).toISOString(), properties: all });
    return uuid;
  }

  /** Begins a turn: events of it come before the turn's own, as they are sent. */
  turn(prompt, work) {
    const name = `turn ${this.sums.turns++}`;
    const uuid = uuidOf(`${this.id} ${name}`);
    const start = this.now;
    this.parent = uuid;
    this.prompt = prompt;
    work();
    this.push("$ai_span", name, this.now, { $ai_parent_id: this.id, $ai_latency: (this.now - start) / 1000, $ai_span_name: prompt.split("\n")[0].slice(0, 100), $ai_span_type: "turn", $ai_input_state: prompt, $ai_output_state: this.answer, $ai_is_error: false, ...this.turnMore });
    this.turnMore = {};
  }

  /** One model call, and the tools it calls: `[name, input, output, seconds, more]`. */
  call({ text, thinking, tools = [], seconds = 6, input = 12, output, lost = false, shrink, agent, parent = this.parent, at = this.now, context, error, model = MODEL }) {
    const callName = `call ${this.count++}`;
    const end = at + seconds * 1000;
    const own = context ?? this;
    if (shrink) own.context = shrink;
    const grown = 900 + tools.length * 700;
    const read = lost ? 0 : own.context;
    const write = lost ? own.context + grown : grown;
    const tokens = output ?? 120 + (text?.length ?? 0);
    own.context += grown;
    const content = [...(text ? [{ type: "text", text }] : []), ...tools.map(([tool, argument], index) => ({ type: "function", id: `toolu_${this.count}_${index}`, function: { name: tool, arguments: argument } }))];
    const choices = [...(thinking ? [{ role: "assistant", content: [{ type: "thinking", thinking }] }] : []), ...(content.length ? [{ role: "assistant", content }] : [])];
    const who = agent ? { subagent_id: agent.id, subagent_type: agent.type, $ai_agent_name: `harbour/${agent.type}` } : {};
    const uuid = this.push("$ai_generation", callName, end, {
      $ai_parent_id: parent,
      $ai_latency: seconds,
      $ai_time_to_first_token: 0.8,
      ...(error ? { $ai_is_error: true, $ai_error: error, $ai_http_status: 529 } : { $ai_is_error: false, $ai_stop_reason: tools.length ? "tool_calls" : "stop", $ai_input_tokens: input, $ai_output_tokens: tokens, $ai_total_tokens: input + tokens, $ai_cache_read_input_tokens: read, $ai_cache_creation_input_tokens: write, $ai_cache_creation_5m_input_tokens: write, $ai_cache_creation_1h_input_tokens: 0, $ai_cache_reporting_exclusive: true }),
      $ai_model: model,
      $ai_provider: "anthropic",
      $ai_model_parameters: { max_tokens: 32000, effort: "high" },
      $ai_input: this.pending ?? [{ role: "user", content: this.prompt }],
      $ai_output_choices: choices,
      $ai_user_prompt: this.prompt,
      ...(tools.length && { $ai_tools_called: tools.map(([tool]) => tool), $ai_tool_call_count: tools.length }),
      ...who,
    });
    this.sums.calls++;
    if (error) this.sums.errors++;
    else {
      this.sums.input += input;
      this.sums.output += tokens;
      this.sums.read += read;
      this.sums.write += write;
    }
    if (text) this.answer = text;
    let last = end;
    this.pending = [];
    tools.forEach(([tool, argument, result, took = 1, more = {}], index) => {
      const { wait = 0, error: failed, inside, unknown, ...rest } = more;
      const toolEnd = end + (wait + took) * 1000;
      const name = `tool ${this.sums.tools++}`;
      const id = uuidOf(`${this.id} ${name}`);
      if (inside) inside(id, end + 200);
      if (failed) this.sums.toolErrors++;
      this.push("$ai_span", name, toolEnd, { $ai_parent_id: uuid, ...(unknown ? { elapsed_seconds: took } : { $ai_latency: took }), ...(wait && { permission_wait_seconds: wait }), $ai_span_name: tool, $ai_span_type: "tool", $ai_tool_call_id: `toolu_${this.count}_${index}`, $ai_input_state: argument, $ai_output_state: result, $ai_is_error: Boolean(failed), ...(failed && { $ai_error: failed }), ...rest, ...who });
      this.pending.push({ role: "tool", tool_call_id: `toolu_${this.count}_${index}`, content: typeof result === "string" ? (failed ? `[failed] ${result}` : result) : JSON.stringify(result) });
      last = Math.max(last, toolEnd);
    });
    if (!agent) this.now = last + 300;
    return { uuid, end: last + 200 };
  }

  idle(minutes) {
    this.now += minutes * 60_000;
  }

  end() {
    const { sums } = this;
    this.push("$ai_trace", "trace", this.start, { elapsed_seconds: (this.now - this.start) / 1000, $ai_trace_name: this.title, $ai_span_name: this.title, $ai_input_state: this.title, $ai_output_state: this.answer, $ai_is_error: false, $ai_total_input_tokens: sums.input, $ai_total_output_tokens: sums.output, $ai_total_cache_read_input_tokens: sums.read, $ai_total_cache_creation_input_tokens: sums.write, generation_count: sums.calls, tool_call_count: sums.tools, turn_count: sums.turns, error_count: sums.errors, tool_error_count: sums.toolErrors, compaction_count: 1, lost_cache_count: 1, lost_cache_tokens: 48_000, lines_added: 14, lines_removed: 6 });
    return this.events;
  }
}

const TIDES = "src/tides.rs";
const ANSI = "\u001b[1m\u001b[32m   Compiling\u001b[0m harbour v0.4.0\n\u001b[1m\u001b[33mwarning\u001b[0m\u001b[1m: unused variable: `depth`\u001b[0m\n  \u001b[34m-->\u001b[0m src/tides.rs:41:9\n\u001b[31mFAILED\u001b[0m tides::spring_tide_is_higher\u001b[2K\rbell:\u0007 zero:\u0000 right-to-left:\u202egnp.exe\u202c\n";

/** A session with parallel subagents, waits, failures, a lost cache, a compaction, escapes, scripts and secrets. */
export function rich() {
  const prompt = "The tide table is wrong at spring tide.\n\nFind out why, mend it, and add a test. <script>alert('prompt')</script> <img src=x onerror=alert(1)>";
  const session = new Session("5f0c2a71-3b6e-4d19-9c55-000000000001", "2026-11-27T09:12:00Z", { branch: "fix/spring-tide", title: prompt.split("\n")[0] });
  const read = (path, text = `// ${path}\npub fn depth(hour: u32) -> f64 {\n    // metres\n    (f64::from(hour) / 12.42 * TAU).cos() * 2.1\n}\n`) => ["Read", { file_path: path }, text, 0.04];
  session.turn(prompt, () => {
    session.call({ thinking: "The phase of the moon must be in the sum. Let me look at how depth() is computed before I guess.", text: "I'll look at the code first, and let two agents search in parallel.", tools: [read(TIDES), read("src/moon.rs"), ["Grep", { pattern: "spring_tide", path: "." }, "src/tides.rs:41\ntests/tides.rs:12", 0.2]] });
    const explore = (type, id, model, steps) => (span, start) => {
      const own = { context: 4000 };
      let at = start;
      for (let step = 0; step < steps; step++) at = session.call({ agent: { id, type }, parent: span, at, seconds: 2.5 + (step % 3), context: own, model, text: step === steps - 1 ? "**Found it.** The amplitude is constant:\n\n1. `depth` ignores the moon\n2. `moon::phase` is never called" : undefined, tools: [["Grep", { pattern: step % 2 ? "phase" : "amplitude" }, "No files found", 0.3], read(`src/part_${step}.rs`)] }).end;
    };
    session.call({
      seconds: 4,
      tools: [
        ["Agent", { description: "Search for the phase", prompt: "Find where the phase of the moon is computed", subagent_type: "Explore" }, "The amplitude is constant.", 40, { inside: explore("Explore", "agent-a", "claude-haiku-4-5-20251001", 7) }],
        ["Agent", { description: "Read the tests", prompt: "Read all tests of tides", subagent_type: "general-purpose" }, "Tests cover neap tide only.", 31, { inside: explore("general-purpose", "agent-b", MODEL, 5) }],
      ],
    });
    session.call({ text: "The amplitude is constant. It has to follow the phase of the moon.", tools: [["Edit", { file_path: TIDES, old_string: "    (f64::from(hour) / 12.42 * TAU).cos() * 2.1\n", new_string: "    let amplitude = 2.1 + 0.9 * moon::phase(hour).cos();\n    (f64::from(hour) / 12.42 * TAU).cos() * amplitude\n", replace_all: false }, "The file has been updated.", 0.03, { wait: 21, lines_added: 2, lines_removed: 1 }]] });
    session.call({ tools: [["Bash", { command: "cargo test --quiet tides", description: "Run the tests" }, ANSI, 14.5, { error: "exit code 101" }]] });
    session.call({ error: "529 overloaded_error: the server is overloaded", seconds: 2 });
    session.call({ tools: [["Edit", { file_path: TIDES, old_string: "2.1 + 0.9 * moon::phase(hour).cos()", new_string: "2.1 + 0.9 * moon::phase(hour).cos().abs()", replace_all: false }, "The file has been updated.", 0.02, { lines_added: 1, lines_removed: 1 }], ["Bash", { command: "cargo test --quiet tides" }, "\u001b[32mok\u001b[0m. 12 passed; 0 failed", 11, {}]] });
    session.call({ text: "Mended. **Spring tide is higher now**, with a test:\n\n```rust\nassert!(depth(SPRING) > depth(NEAP));\n```\n\n| tide | before | after |\n|---|---|---|\n| spring | 2.1 m | 3.0 m |\n| neap | 2.1 m | 2.1 m |" });
  });
  session.idle(94);
  session.turn("deploy it to the staging harbour", () => {
    session.call({ lost: true, text: "I need the token for that.", tools: [["Bash", { command: "cat .env && ./deploy --host staging" }, "HARBOUR_TOKEN=[redacted:token:3f2a]\nDB=postgres://app:[redacted:url-password:9b10]@db.example/harbour\nAuthorization: Bearer [redacted:authorization:3f2a]\nuploading … [truncated 48211 chars]", 9, { wait: 64 }]] });
    session.call({ tools: [["AskUserQuestion", { questions: [{ question: "Really deploy?", header: "Deploy", options: [{ label: "Yes" }, { label: "No" }] }] }, "Yes", 0, { wait: 140 }]] });
    session.call({ tools: [["Bash", { command: "./deploy --host staging --yes", timeout: 600000 }, "deployed", 130, { unknown: true }], ["Write", { file_path: "docs/deploy.md", content: "# Deploy\n\nRun `./deploy --host staging`.\n" }, "File created", 0.02, { lines_added: 3, lines_removed: 0 }]] });
    session.call({ text: "Deployed. The screenshot: [image image/png, 453131 bytes]" });
  });
  session.idle(11);
  session.turn("now do the same for all other harbours", () => {
    session.turnMore = { compaction_count: 1 };
    for (let index = 0; index < 24; index++) {
      session.call({ ...(index === 12 && { shrink: 9000 }), tools: [read(`harbours/${index}.rs`), ["Edit", { file_path: `harbours/${index}.rs`, old_string: "2.1", new_string: "amplitude" }, "ok", 0.05, { lines_added: 1, lines_removed: 1 }]], seconds: 3 + (index % 5) });
    }
    session.call({ text: "All 24 harbours are done." });
  });
  return session.end();
}

/** A session that grows: what is handed out is the first `count` events. */
export function growing() {
  const session = new Session("5f0c2a71-3b6e-4d19-9c55-000000000002", "2026-11-28T09:00:00Z", { project: "lighthouse", title: "Keep the light on" });
  session.turn("Keep the light on", () => {
    for (let index = 0; index < 400; index++) session.call({ seconds: 2, text: index % 5 ? undefined : `Night ${index}: the light is on.`, tools: [["Bash", { command: `check lamp ${index}` }, "on", 1.5]] });
  });
  return session.end();
}

/** A session without content: privacy mode. */
export function bare() {
  const session = new Session("5f0c2a71-3b6e-4d19-9c55-000000000003", "2026-11-26T15:00:00Z", { project: "vault", title: "" });
  session.turn("x", () => session.call({ text: "y", tools: [["Read", { file_path: "secret.txt" }, "z", 0.1]] }));
  for (const event of session.end()) {
    const p = event.properties;
    for (const name of ["$ai_input", "$ai_output_choices", "$ai_input_state", "$ai_output_state"]) if (name in p) p[name] = null;
    for (const name of ["$ai_user_prompt", "$ai_trace_name"]) delete p[name];
    if (p.$ai_span_type !== "tool") delete p.$ai_span_name;
  }
  return session.events;
}

/** A session of a size: for measurements. */
export function long(calls, id = "5f0c2a71-3b6e-4d19-9c55-000000000004") {
  const session = new Session(id, "2026-11-25T08:00:00Z", { project: "archive", title: `${calls} calls` });
  const random = dice(calls);
  const text = "The quick brown fox jumps over the lazy dog. ".repeat(40);
  for (let turn = 0, made = 0; made < calls; turn++) {
    session.turn(`Step ${turn}`, () => {
      for (let index = 0; index < 20 && made < calls; index++, made++) {
        session.call({ seconds: 1 + random() * 9, text: random() < 0.3 ? text.slice(0, 400) : undefined, tools: Array.from({ length: 1 + Math.floor(random() * 2) }, () => [random() < 0.5 ? "Read" : "Bash", { command: `step ${made}` }, text.slice(0, 200 + random() * 1200), random() * 3, random() < 0.04 ? { error: "exit code 1" } : {}]) });
      }
    });
    session.idle(random() * 30);
  }
  return session.end();
}

const WORDS = "mend the tide table|add a test for spring tide|why is the build slow|refactor the outbox|write the release notes|upgrade the compiler|review the pull request|find the flaky test|explain this stack trace|rename the module|measure the parser|draw the architecture".split("|");
const PROJECTS = ["harbour", "lighthouse", "archive", "vault", "semaphore", "quay", "ferry"];
const MODELS = [["claude-opus-4-6", 15], ["claude-sonnet-4-6", 8], ["claude-haiku-4-5-20251001", 2], ["gpt-5.2-codex", 6]];
const STATES = ["acknowledged", "acknowledged", "acknowledged", "acknowledged", "acknowledged", "waiting", "never", "never", "refused", "left_alone"];

/** Rows of a list of any length, the newest first. */
export function rows(count, now) {
  const random = dice(7);
  const all = [];
  let at = now;
  for (let index = 0; index < count; index++) {
    const date = new Date(at);
    at -= random() ** 2 * 3_600_000 * 2;
    if (date.getHours() < 7) at -= 8 * 3_600_000;
    const worked = 30 + random() ** 3 * 9000;
    const [name, rate] = MODELS[Math.floor(random() ** 2 * MODELS.length)];
    const tokens = { input: Math.round(random() * 9000), output: Math.round(worked * 40), cache_read: Math.round(worked * 4200), cache_write: Math.round(worked * 300) };
    const agent = random() < 0.8 ? "claude-code" : random() < 0.5 ? "pi" : "opencode";
    const failed = random() < 0.35 ? Math.floor(random() * 9) : 0;
    const project = PROJECTS[Math.floor(random() ** 2 * PROJECTS.length)];
    const id = uuidOf(`row ${index}`);
    all.push({
      key: `${agent}/${id}`,
      agent,
      id,
      title: `${WORDS[Math.floor(random() * WORDS.length)]} in ${project}, part ${index}`,
      project,
      worktree: null,
      branch: random() < 0.5 ? "main" : `fix/${Math.floor(random() * 400)}`,
      models: random() < 0.2 ? [name, "claude-haiku-4-5-20251001"] : [name],
      started_at: new Date(at - worked * 1500).toISOString(),
      ended_at: new Date(at).toISOString(),
      bytes: Math.round(worked * 900),
      running: false,
      waiting: false,
      delivery: STATES[Math.floor(random() * STATES.length)],
      facts: { worked, waited: random() * 200, turns: 1 + Math.floor(random() * 12), calls: Math.round(worked / 9), tools: Math.round(worked / 7), failed_calls: 0, failed_tools: failed, tokens, cost: { usd: name.startsWith("gpt") ? null : (tokens.cache_read * rate * 0.03 + tokens.output * rate) / 1e6, source: "list", unknown_calls: name.startsWith("gpt") ? Math.round(worked / 9) : 0 }, lines_added: Math.round(random() * 300), lines_removed: Math.round(random() * 120), commits: 0, pull_requests: [], compactions: 0, secrets: 0 },
    });
  }
  return all;
}

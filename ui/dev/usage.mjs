// The numbers of a report, from stored sessions.
import { add, emptyTokens, sumOf } from "./data.mjs";

const numbers = () => ({ sessions: 0, worked: 0, waited: 0, calls: 0, failed_calls: 0, tools: 0, failed_tools: 0, tokens: emptyTokens(), cost: { usd: 0, source: "list", unknown_calls: 0 }, lines_added: 0, lines_removed: 0, commits: 0, pull_requests: 0 });
const day = (time) => {
  const date = new Date(time);
  return `${date.getFullYear()}-${String(date.getMonth() + 1).padStart(2, "0")}-${String(date.getDate()).padStart(2, "0")}`;
};

export function usage(sessions, by, since, now) {
  const days = { "24h": 1, "7d": 7, "30d": 30, "90d": 90, "365d": 365 }[since];
  const all = sessions.flatMap(({ calls }) => calls.map(({ at }) => at));
  const first = days ? now - days * 864e5 : all.reduce((one, other) => Math.min(one, other), now);
  const span = (now - first) / 864e5;
  const unit = span > 400 ? "month" : span > 100 ? "week" : "day";
  const bucketOf = (time) => {
    const date = new Date(time);
    date.setHours(0, 0, 0, 0);
    if (unit === "month") date.setDate(1);
    if (unit === "week") date.setDate(date.getDate() - ((date.getDay() + 6) % 7));
    return day(date);
  };
  const buckets = [];
  for (let time = first; time <= now + 864e5; time += 864e5) if (buckets.at(-1) !== bucketOf(time) && bucketOf(time) <= day(now)) buckets.push(bucketOf(time));
  const index = new Map(buckets.map((it, position) => [it, position]));
  const total = numbers();
  const groups = new Map();
  const hours = Array.from({ length: 7 }, () => Array.from({ length: 24 }, () => ({ calls: 0, tokens: 0, cost: 0, worked: 0 })));
  const tools = new Map();
  const branches = new Map();
  const unpriced = new Map();
  for (const { row, calls, tools: ran } of sessions) {
    const seen = new Set();
    const inside = calls.filter(({ at }) => at >= first);
    if (!inside.length) continue;
    total.sessions++;
    for (const name of ["waited", "lines_added", "lines_removed", "commits"]) total[name] += row.facts[name];
    total.pull_requests += row.facts.pull_requests.length;
    total.worked += row.facts.worked;
    for (const call of inside) {
      const name = by === "model" ? call.model : by === "project" ? row.project : by === "branch" ? call.branch : by === "pr" ? (row.facts.pull_requests[0] ?? null) : row.agent;
      let group = groups.get(name);
      if (!group) groups.set(name, (group = { name, total: numbers(), buckets: buckets.map(() => ({ tokens: emptyTokens(), cost: 0, calls: 0, worked: 0 })) }));
      const date = new Date(call.at);
      const cell = hours[(date.getDay() + 6) % 7][date.getHours()];
      const bucket = group.buckets[index.get(bucketOf(call.at))];
      for (const sum of [total, group.total]) {
        sum.calls++;
        if (call.error) sum.failed_calls++;
        add(sum.tokens, call.tokens);
        if (call.cost === undefined) sum.cost.unknown_calls++;
        else sum.cost.usd += call.cost;
      }
      if (!seen.has(name)) group.total.sessions++;
      seen.add(name);
      group.total.worked += call.worked;
      for (const part of [bucket, cell].filter(Boolean)) {
        part.calls++;
        part.cost += call.cost ?? 0;
        part.worked += call.worked;
        if (part === cell) part.tokens += sumOf(call.tokens);
        else add(part.tokens, call.tokens);
      }
      if (call.cost === undefined) unpriced.set(call.model, (unpriced.get(call.model) ?? 0) + 1);
      const key = `${row.project} ${call.branch}`;
      let branch = branches.get(key);
      if (!branch) branches.set(key, (branch = { project: row.project, branch: call.branch, pull_requests: [], numbers: numbers(), seen: new Set() }));
      if (!branch.seen.has(row.key)) {
        branch.seen.add(row.key);
        branch.numbers.sessions++;
        branch.numbers.lines_added += row.facts.lines_added;
        branch.numbers.lines_removed += row.facts.lines_removed;
        for (const address of row.facts.pull_requests) if (!branch.pull_requests.includes(address)) branch.pull_requests.push(address);
      }
      branch.numbers.calls++;
      branch.numbers.cost.usd += call.cost ?? 0;
    }
    for (const tool of ran.filter(({ at }) => at >= first)) {
      total.tools++;
      if (tool.failed) total.failed_tools++;
      let it = tools.get(tool.name);
      if (!it) tools.set(tool.name, (it = { name: tool.name, calls: 0, failed: 0, times: [], waited: 0 }));
      it.calls++;
      if (tool.failed) it.failed++;
      if (tool.latency !== null) it.times.push(tool.latency);
      it.waited += tool.waited;
    }
  }
  const byCost = (one, other) => other.total.cost.usd - one.total.cost.usd || other.total.calls - one.total.calls;
  const quantile = (times, part) => (times.length ? times[Math.min(times.length - 1, Math.floor(times.length * part))] : null);
  const sorted = [...groups.values()].sort(byCost);
  const rest = sorted.splice(12);
  if (rest.length) {
    const other = { name: "other", total: numbers(), buckets: buckets.map(() => ({ tokens: emptyTokens(), cost: 0, calls: 0, worked: 0 })) };
    for (const group of rest) {
      for (const name of ["sessions", "worked", "calls", "failed_calls"]) other.total[name] += group.total[name];
      add(other.total.tokens, group.total.tokens);
      other.total.cost.usd += group.total.cost.usd;
      group.buckets.forEach((it, position) => {
        const into = other.buckets[position];
        add(into.tokens, it.tokens);
        into.cost += it.cost;
        into.calls += it.calls;
        into.worked += it.worked;
      });
    }
    sorted.push(other);
  }
  return {
    by,
    unit,
    buckets,
    total,
    groups: sorted,
    hours,
    tools: [...tools.values()].sort((one, other) => other.calls - one.calls).map(({ times, ...it }) => (times.sort((one, other) => one - other), { ...it, p50: quantile(times, 0.5), p95: quantile(times, 0.95) })),
    branches: [...branches.values()].sort((one, other) => other.numbers.cost.usd - one.numbers.cost.usd).map(({ seen: _, ...it }) => it),
    findings: findings(sessions),
    unpriced: [...unpriced].map(([model, calls]) => ({ model: String(model), calls })),
    running: false,
  };
}

/** One rule, to have something to show: a file read again with the same input. */
function findings(sessions) {
  const examples = [];
  let count = 0;
  for (const stored of sessions.slice(0, 40)) {
    const seen = new Map();
    stored.lines.forEach(({ line, kind, span }) => {
      if (kind !== "tool" || !line.includes('"$ai_span_name":"Read"')) return;
      const input = JSON.stringify(JSON.parse(line).properties.$ai_input_state);
      if (seen.has(input)) {
        count++;
        const tokens = Math.round(line.length / 4);
        examples.push({ key: stored.key, span, text: input.slice(0, 120), tokens });
      }
      seen.set(input, true);
    });
  }
  examples.sort((one, other) => other.tokens - one.tokens);
  return count ? [{ kind: "read_again", title: "times a file was read again with the same input", count, tokens: examples.reduce((sum, { tokens }) => sum + tokens, 0), examples: examples.slice(0, 8) }] : [];
}

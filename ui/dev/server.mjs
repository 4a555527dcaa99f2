// A server for development and tests: the program's contract over events in a file, or over made-up sessions.
// node dev/server.mjs [--events FILE] [--rows 10000] [--port 8177] [--grow] [--zone]
import { readFile } from "node:fs/promises";
import { createServer } from "node:http";
import { pathToFileURL } from "node:url";
import { fromEvents, fromFile } from "./data.mjs";
import * as madeUp from "./made-up.mjs";
import { usage } from "./usage.mjs";

const POLICY = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types 'none'";
const TYPES = { "index.html": "text/html; charset=utf-8", "page.js": "text/javascript; charset=utf-8", "page.css": "text/css; charset=utf-8", "icon.svg": "image/svg+xml" };

/** Events that a growing session has at its start. */
const GROWN = 60;

export async function load({ events, rows = 0, calls = 0 } = {}) {
  const sessions = events ? await fromFile(events) : new Map();
  if (!events) for (const session of [madeUp.rich(), madeUp.bare(), ...(calls ? [madeUp.long(calls)] : [])].map(fromEvents)) sessions.set(session.key, session);
  const growing = fromEvents(madeUp.growing());
  growing.row.running = true;
  sessions.set(growing.key, growing);
  const newest = [...sessions.values()].map(({ row }) => Date.parse(row.ended_at)).reduce((one, other) => Math.max(one, other));
  const now = newest + 120_000;
  const states = ["acknowledged", "acknowledged", "waiting", "never", "refused", "left_alone"];
  [...sessions.values()].forEach(({ row }, index) => (row.delivery = row.running ? "waiting" : states[index % states.length]));
  return { sessions, growing, now, more: rows ? madeUp.rows(rows, now - 3_600_000) : [] };
}

/** The head of an opened session. */
export function head(stored) {
  const { row } = stored;
  const notes = row.delivery === "left_alone" ? ["This project is left alone: nothing of it is or was sent. Only you see it here."] : row.running ? ["It is still running: some of it is sent when it ends."] : [];
  return { ...row, folder: stored.folder ?? `~/projects/${row.project}`, agent_version: stored.version ?? null, receipt: { acknowledged: stored.lines.length, waiting: 0, refused: 0, dropped: 0, withdrawn: 0 }, notes, posthog: row.delivery === "acknowledged" ? { trace: "https://us.posthog.com/ai-observability/traces/{trace}", span: "https://us.posthog.com/ai-observability/traces/{trace}?event={event}" } : null, unreadable: [] };
}

export const machine = ({ sessions, now, more }) => ({
  version: "0.1.0",
  now: new Date(now).toISOString(),
  agents: ["claude-code", "pi", "opencode"],
  projects: [...new Set([...[...sessions.values()].map(({ row }) => row), ...more].map(({ project }) => project).filter(Boolean))].sort(),
  prices: { date: "2026-11-01", source: "public price pages" },
  folder: null,
  session: null,
});

/** The template with its data: what `view --html` writes. */
export async function singleFile(data, key, folder = new URL("../dist/", import.meta.url)) {
  const stored = data.sessions.get(key);
  const lines = [JSON.stringify({ machine: { ...machine(data), session: key, projects: [] }, session: head(stored) }), ...stored.lines.map((_, n) => JSON.stringify(stored.line(n, "full")))];
  const [template, style, script] = await Promise.all(["single.html", "page.css", "page.js"].map((name) => readFile(new URL(name, folder), "utf8")));
  // In JSON, `<` only stands in strings: escaped, no text can end the element.
  const text = lines.join("\n").replaceAll("<", "\\u003c");
  return template.replace("/*posthog-llma:style*/", () => style).replace("<!--posthog-llma:data-->", () => text).replace("/*posthog-llma:script*/", () => script);
}

function delivery({ sessions, now }) {
  const at = (minutes) => new Date(now - minutes * 60_000).toISOString();
  const all = [...sessions.values()];
  const secrets = {};
  for (const { lines } of all) for (const { line } of lines) for (const [, rule] of line.matchAll(/\[redacted:([a-z-]+)/g)) secrets[rule] = (secrets[rule] ?? 0) + 1;
  const never = all.filter(({ row }) => row.delivery === "never");
  return {
    enabled: true, enabled_by: "~/.claude/settings.json", enabled_since: at(60_000), verdict: "Sessions of Claude Code are sent when they end; 214 events wait", fix: "PostHog cannot be reached: nothing is lost, the next hook tries again. Now: posthog-llma flush", api_key: "phc_…a1f2", host: "https://us.i.posthog.com", records_inputs: true, records_outputs: true,
    destinations: [{ host: "us.i.posthog.com", waiting: 214, waiting_bytes: 1_400_000, oldest: at(43), last_sent_at: at(55), last_error: "503 Service Unavailable", last_error_at: at(2), not_before: at(-8), refused: 2 }],
    refused: all.slice(0, 2).map(({ row, lines }) => ({ uuid: lines[0].uuid, event: "$ai_generation", session: row.id, bytes: 9_100_000, reason: "413: larger than 8 MiB" })),
    refused_total: 2, dropped: { by_age: 0, by_size: 0 },
    excluded: all.slice(0, 1).map(({ row, key }) => ({ agent: row.agent, session: row.id, key, cause: "paused", since: at(300) })),
    left_alone: [{ project: "vault", reason: "~/projects/vault/.posthog-llma says: off", sessions: 1 }],
    runs: Array.from({ length: 12 }, (_, index) => ({ at: at(index * 47 + 2), verb: index % 3 ? "hook SessionEnd" : "hook SessionStart", session: all[index % all.length].row.id, duration_ms: 40 + index * 13, sent: index ? index * 31 : 0, error: index === 0 ? "503 Service Unavailable" : null, warnings: [] })),
    redactions: secrets,
    would_leave: { sessions: never.length, events: never.reduce((sum, { lines }) => sum + lines.length, 0), bytes: never.reduce((sum, { row }) => sum + row.bytes, 0), without_content: 0, running: false },
    problems: [],
  };
}

export function serve(data, { port = 0, grow = true } = {}) {
  const { sessions, growing, more } = data;
  const epoch = String(process.pid);
  let shown = GROWN;
  const rowsOf = (query) => {
    const days = { "24h": 1, "7d": 7, "30d": 30, "90d": 90 }[query.get("since")];
    const all = [...[...sessions.values()].map(({ row }) => row), ...more];
    return all.filter((row) => (!days || Date.parse(row.ended_at) > data.now - days * 864e5) && (!query.get("project") || row.project === query.get("project")) && (!query.get("agent") || row.agent === query.get("agent"))).sort((one, other) => (one.ended_at < other.ended_at ? 1 : -1));
  };
  const end = (more) => `${JSON.stringify({ end: { cursor: "", reset: false, total: 0, running: false, unreadable: [], ...more } })}\n`;

  const answers = {
    "/api/machine": () => machine(data),
    "/api/delivery": () => (data.delivery ??= delivery(data)),
    "/api/session": (query) => head(found(query)),
    "/api/usage": (query) => {
      const wanted = new Set(rowsOf(new URLSearchParams({ project: query.get("project") ?? "", agent: query.get("agent") ?? "" })).map(({ key }) => key));
      return usage([...sessions.values()].filter(({ key }) => wanted.has(key)), query.get("by") ?? "model", query.get("since"), data.now);
    },
    "/api/event": (query) => {
      const stored = found(query);
      const it = stored.lines.find(({ uuid }) => uuid === query.get("uuid"));
      if (!it) throw Object.assign(new Error("no such event"), { status: 404 });
      return it.line;
    },
    "/api/sessions": function* (query) {
      if (query.get("after")?.startsWith(epoch)) return yield end({ cursor: query.get("after"), total: rowsOf(query).length });
      const rows = rowsOf(query);
      // As the program does: first what a glance tells, then what reading tells.
      for (let at = 0; at < rows.length; at += 500) yield rows.slice(at, at + 500).map((row) => `${JSON.stringify(at === 0 ? { ...row, facts: null } : row)}\n`).join("");
      yield rows.slice(0, 500).map((row) => `${JSON.stringify(row)}\n`).join("");
      yield end({ cursor: `${epoch}.1`, reset: query.has("after"), total: rows.length });
    },
    "/api/search": function* (query) {
      const words = query.get("text").toLowerCase();
      for (const { key } of rowsOf(query)) {
        const stored = sessions.get(key);
        for (const [n, text] of stored?.searchable ?? []) {
          const at = text.toLowerCase().indexOf(words);
          if (at < 0) continue;
          yield `${JSON.stringify({ key, span: stored.lines[n].span, text: text.slice(Math.max(0, at - 40), at + 120).replace(/\s+/g, " ") })}\n`;
          break;
        }
      }
      yield end({});
    },
    "/api/events": function* (query) {
      const stored = found(query);
      const view = query.get("view");
      const kind = query.get("kind");
      const isGrowing = stored === growing && grow;
      const [known, position] = (query.get("after") ?? "").split(".");
      const isKnown = known === epoch;
      if (isGrowing && isKnown) shown = Math.min(stored.lines.length, shown + 2);
      const count = isGrowing ? shown : stored.lines.length;
      const from = Math.max(Number(query.get("from") ?? 0), isKnown ? Number(position) : 0);
      const to = Math.min(count - 1, Number(query.get("to") ?? Infinity));
      let piece = "";
      for (let n = from; n <= to; n++) {
        const it = stored.lines[n];
        if (kind === "changes" && !it.changes) continue;
        if (kind === "conversation" && it.kind !== "turn" && it.kind !== "call") continue;
        piece += `${JSON.stringify(stored.line(n, view))}\n`;
        if (piece.length > 65_536) {
          yield piece;
          piece = "";
        }
      }
      yield piece + end({ cursor: `${epoch}.${count}`, reset: query.has("after") && !isKnown, total: count, running: isGrowing && count < stored.lines.length });
    },
  };
  const found = (query) => {
    const stored = sessions.get(query.get("session"));
    if (!stored) throw Object.assign(new Error("this session is not on this machine"), { status: 404, fix: "the list has those that are: posthog-llma view" });
    return stored;
  };

  const server = createServer(async (request, response) => {
    const { pathname, searchParams } = new URL(request.url, "http://localhost");
    response.setHeader("Content-Security-Policy", POLICY);
    response.setHeader("X-Content-Type-Options", "nosniff");
    response.setHeader("Referrer-Policy", "no-referrer");
    response.setHeader("Cache-Control", "no-store");
    if (request.method !== "GET") return response.writeHead(405).end();
    try {
      const answer = answers[pathname];
      if (answer) {
        const value = answer(searchParams);
        if (value && typeof value === "object" && Symbol.iterator in value) {
          response.setHeader("Content-Type", "application/x-ndjson");
          for (const piece of value) {
            if (!response.write(piece)) await new Promise((resolve) => response.once("drain", resolve));
            else await new Promise(setImmediate);
          }
          return response.end();
        }
        return response.setHeader("Content-Type", "application/json").end(typeof value === "string" ? value : JSON.stringify(value));
      }
      const name = pathname === "/" ? "index.html" : pathname.slice(1);
      if (!TYPES[name]) throw Object.assign(new Error("nothing here"), { status: 404 });
      response.setHeader("Content-Type", TYPES[name]).end(await readFile(new URL(`../dist/${name}`, import.meta.url)));
    } catch (error) {
      if (response.headersSent) return response.destroy();
      response.writeHead(error.status ?? 500, { "Content-Type": "application/json" }).end(JSON.stringify({ error: error.message, fix: error.fix ?? null }));
    }
  });
  return new Promise((resolve) => server.listen(port, "127.0.0.1", () => resolve({ server, address: `http://127.0.0.1:${server.address().port}`, reset: () => (shown = GROWN) })));
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? "").href) {
  const option = (name) => {
    const at = process.argv.indexOf(`--${name}`);
    return at < 0 ? undefined : process.argv[at + 1];
  };
  const data = await load({ events: option("events"), rows: Number(option("rows") ?? 0), calls: Number(option("calls") ?? 0) });
  const { address } = await serve(data, { port: Number(option("port") ?? 8177) });
  console.log(address);
}

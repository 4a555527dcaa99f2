// The plugin posthog-llma-opencode: tells posthog-llma that a session rests or ends. It reads
// OpenCode's database in a process of its own; nothing here waits for it, and nothing happens when
// it is not installed. Versions 1 and 2 of OpenCode load it, each in its own way.

import { spawn } from "node:child_process";
import { createRequire } from "node:module";
import { homedir } from "node:os";
import { delimiter, join } from "node:path";

const OFF = ["false", "0", "no"];

// The key of the PostHog project, a file with it, or a command that prints it.
const KEYS = ["POSTHOG_API_KEY", "POSTHOG_API_KEY_FILE", "POSTHOG_API_KEY_COMMAND"];

// Signals that end OpenCode without a word to its plugins.
const ENDING = ["SIGTERM", "SIGHUP"];

// Where cargo installs programs, in case PATH does not say so.
const cargo = join(process.env.CARGO_HOME || join(homedir(), ".cargo"), "bin");

// The program of the package posthog-llma, which npm installs with this one; from a checkout, the
// name to look for on PATH.
function program() {
  try {
    return createRequire(import.meta.url)("posthog-llma").program() ?? "posthog-llma";
  } catch {
    return "posthog-llma";
  }
}

function isOn() {
  const enabled = (process.env.POSTHOG_ENABLED ?? "").trim().toLowerCase();
  return KEYS.some((name) => process.env[name]) && !OFF.includes(enabled);
}

function tell(session, cwd, goesOn) {
  try {
    const words = ["hook", "--agent", "opencode", "--session", session];
    const hook = spawn(program(), goesOn ? [...words, "--running"] : words, {
      cwd,
      detached: true,
      env: { ...process.env, PATH: [process.env.PATH, cargo].filter(Boolean).join(delimiter) },
      stdio: "ignore",
      windowsHide: true,
    });
    hook.on("error", () => {});
    hook.unref();
  } catch {
    // The session is worth more than what is known about it.
  }
}

// The sessions that were at work, with the folders they are in.
function watch() {
  const sessions = new Map();
  // A subagent is read with the session that started it.
  const subagents = new Set();
  const end = () => {
    for (const [session, cwd] of sessions) tell(session, cwd, false);
    sessions.clear();
  };
  const onSignal = (signal) => {
    end();
    // Whoever listens as well decides; without anybody, the signal does what it always does.
    if (process.listenerCount(signal) === 0) process.kill(process.pid, signal);
  };
  for (const signal of ENDING) process.once(signal, onSignal);
  return {
    isSubagent: (session) => subagents.add(session),
    works: (session, cwd) => {
      if (session && !subagents.has(session)) sessions.set(session, cwd);
    },
    rests: (session, cwd) => {
      if (!session || subagents.has(session)) return;
      sessions.set(session, cwd);
      tell(session, cwd, true);
    },
    forget: (session) => sessions.delete(session),
    dispose: () => {
      for (const signal of ENDING) process.off(signal, onSignal);
      end();
    },
  };
}

// Version 1.
export const PostHogLlma = async ({ directory }) => {
  if (!isOn()) return {};
  const watched = watch();
  // Versions say that a session rests in one way, in the other, or in both.
  let heard;
  const rests = (way, session) => {
    heard ??= way;
    if (way === heard) watched.rests(session, directory);
  };
  return {
    event: async ({ event }) => {
      const { type, properties } = event;
      const info = properties?.info;
      const session = properties?.sessionID ?? info?.sessionID;
      if (type === "session.created" && info?.parentID) watched.isSubagent(info.id);
      if (type === "message.updated") watched.works(session, directory);
      if (type === "session.idle") rests(type, session);
      if (type === "session.status" && properties.status?.type === "idle") rests(type, session);
      // The second interface of 1.18 says neither.
      if (type.startsWith("session.next.step.ended") && properties?.finish !== "tool-calls") {
        watched.rests(session, directory);
      } else if (type.startsWith("session.next.step.")) watched.works(session, directory);
      if (type === "session.deleted") watched.forget(info?.id ?? session);
    },
    dispose: async () => watched.dispose(),
  };
};

// Version 2. Its server may work in many folders: an event says in which.
async function setup(context) {
  if (!isOn()) return;
  const watched = watch();
  let isOver = false;
  const hear = ({ type, data, location }) => {
    const session = data?.sessionID ?? data?.info?.id;
    const cwd = location?.directory ?? data?.location?.directory ?? process.cwd();
    if (type === "session.created" && data?.parentID) watched.isSubagent(session);
    if (type === "session.execution.started") watched.works(session, cwd);
    else if (type.startsWith("session.execution.")) watched.rests(session, cwd);
    if (type === "session.deleted") watched.forget(session);
  };
  const listen = async () => {
    try {
      for await (const event of context.event.subscribe()) {
        if (isOver) return;
        if (event?.type) hear(event);
      }
    } catch {
      // What was not heard is made up for when the next session ends.
    }
  };
  listen();
  return () => {
    isOver = true;
    watched.dispose();
  };
}

export default { id: "posthog-llma-opencode", server: PostHogLlma, setup };

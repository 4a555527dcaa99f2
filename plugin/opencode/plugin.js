// Tells posthog-llma that a session rests or ends. It reads OpenCode's database in a process of its
// own; nothing here waits for it, and nothing happens when it is not installed.

import { spawn } from "node:child_process";
import { homedir } from "node:os";
import { delimiter, join } from "node:path";

const OFF = ["false", "0", "no"];

// Where cargo installs programs, in case PATH does not say so.
const cargo = join(process.env.CARGO_HOME || join(homedir(), ".cargo"), "bin");

function tell(session, cwd, goesOn) {
  try {
    const words = ["hook", "--agent", "opencode", "--session", session];
    const hook = spawn("posthog-llma", goesOn ? [...words, "--running"] : words, {
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

export const PostHogLlma = async ({ directory }) => {
  const enabled = (process.env.POSTHOG_ENABLED ?? "").trim().toLowerCase();
  if (!process.env.POSTHOG_API_KEY || OFF.includes(enabled)) return {};
  // A subagent is read with the session that started it.
  const subagents = new Set();
  const sessions = new Set();
  // Versions say that a session rests in one way, in the other, or in both.
  let heard;
  const rests = (way, session) => {
    heard ??= way;
    if (way !== heard || !session || subagents.has(session)) return;
    sessions.add(session);
    tell(session, directory, true);
  };
  return {
    event: async ({ event }) => {
      const { type, properties } = event;
      const info = properties?.info;
      if (type === "session.created" && info?.parentID) subagents.add(info.id);
      if (type === "session.idle") rests(type, properties.sessionID);
      if (type === "session.status" && properties.status?.type === "idle") {
        rests(type, properties.sessionID);
      }
      if (type === "session.deleted") sessions.delete(info?.id ?? properties?.sessionID);
    },
    dispose: async () => {
      for (const session of sessions) tell(session, directory, false);
      sessions.clear();
    },
  };
};

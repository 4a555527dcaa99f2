// Tells posthog-llma that a session rests or ends. It reads the session's file in a process of its
// own; nothing here waits for it, and nothing happens when it is not installed.

import { spawn } from "node:child_process";
import { createRequire } from "node:module";
import { homedir } from "node:os";
import { delimiter, join } from "node:path";

// Milliseconds to wait for Pi's word that it has settled, after an answer ended.
const SETTLING = 1000;

const OFF = ["false", "0", "no"];

// The key of the PostHog project, a file with it, or a command that prints it.
const KEYS = ["POSTHOG_API_KEY", "POSTHOG_API_KEY_FILE", "POSTHOG_API_KEY_COMMAND"];

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

function tell(context, goesOn) {
  try {
    const session = context.sessionManager.getSessionFile();
    // A session that is kept in memory alone is nobody else's business.
    if (!session) return;
    const words = ["hook", "--agent", "pi", "--session", session];
    const hook = spawn(program(), goesOn ? [...words, "--running"] : words, {
      cwd: context.cwd,
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

export default function (pi) {
  const enabled = (process.env.POSTHOG_ENABLED ?? "").trim().toLowerCase();
  if (!KEYS.some((name) => process.env[name]) || OFF.includes(enabled)) return;
  // Older versions say that an answer ended and never that all is settled. Newer ones say both, and
  // may go on after an answer: with them the second alone counts.
  let settles = false;
  let ended;
  pi.on("agent_end", (event, context) => {
    // After an answer that failed Pi tries again by itself.
    const failed = event.messages?.at(-1)?.stopReason === "error";
    clearTimeout(ended);
    if (settles || failed) return;
    ended = setTimeout(() => tell(context, true), SETTLING);
    ended.unref?.();
  });
  pi.on("agent_settled", (_event, context) => {
    settles = true;
    clearTimeout(ended);
    tell(context, true);
  });
  pi.on("session_shutdown", (event, context) => {
    clearTimeout(ended);
    tell(context, event.reason === "reload");
  });
}

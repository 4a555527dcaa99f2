/** The local page of posthog-llma: the frame around its views. */

import { signal } from "@preact/signals";
import { render } from "preact";
import { useEffect } from "preact/hooks";
import "./style.css";
import type { Machine } from "../api";
import { Dialog, Empty, Trouble } from "./parts";
import { go, link, onlyKey, route, sessionLink } from "./route";
import { keepOpen, openSession } from "./session/state";
import { asProblem, File, Program, type Problem, type Source } from "./source";
import { DeliveryView } from "./views/delivery";
import { Sessions } from "./views/sessions";
import { SessionView } from "./views/session";
import { UsageView } from "./views/usage";

const machine = signal<Machine | null>(null);
const problem = signal<Problem | null>(null);
const isHelpOpen = signal(false);

const KEYS = [
  ["Everywhere", [["?", "this help"], ["/", "search or filter"], ["Ctrl K", "search all sessions"], ["[  ]", "view before, next view"]]],
  ["List and tree", [["↓ ↑  j k", "move"], ["Enter", "open; from the tree to the detail"], ["→ ←  l h", "open and close a node"], ["e  E", "next, previous failed event"], ["x", "sums of the selected time"], ["Home End  Page", "far"]]],
  ["Timeline", [["w s", "zoom"], ["a d", "move"], ["→ ←", "event after, before"], ["Enter", "zoom to the selected event"], ["f", "fit all"], ["x", "sums of the selected event"], ["drag", "sums"], ["Shift drag", "move"], ["Ctrl wheel", "zoom"], ["Esc", "clear the selection"]]],
] as const;

function Help() {
  return (
    <Dialog title="Keys" close={() => (isHelpOpen.value = false)}>
      <div class="keys">
        {KEYS.map(([name, keys]) => (
          <section key={name}>
            <h3>{name}</h3>
            <dl>{keys.map(([key, does]) => <div key={key}><dt>{key.split("  ").map((it) => <kbd key={it}>{it}</kbd>)}</dt><dd>{does}</dd></div>)}</dl>
          </section>
        ))}
      </div>
    </Dialog>
  );
}

function Page({ source }: { source: Source }) {
  const { view } = route.value;
  const session = openSession.value;
  const title = view === "session" ? session?.head.value?.title : view[0]!.toUpperCase() + view.slice(1);
  useEffect(() => {
    document.title = title ? `${title.slice(0, 80)} · posthog-llma` : "posthog-llma";
  }, [title]);
  const tab = (name: "sessions" | "usage" | "delivery", label: string) => <a href={link(name)} aria-current={view === name ? "page" : view === "session" && name === "sessions" ? "true" : undefined}>{label}</a>;
  return (
    <>
      <header class="top">
        <a class="brand" href={source.isFile ? "#/" : link("sessions")}><svg viewBox="0 0 16 16" width="16" height="16" aria-hidden="true"><path d="M2 4.5h8M4 8h10M2 11.5h6" /></svg>posthog-llma</a>
        {source.isFile ? <span class="faint">one session, secrets replaced</span> : <nav aria-label="Main">{tab("sessions", "Sessions")}{tab("usage", "Usage")}{tab("delivery", "Delivery")}</nav>}
        <span class="space" />
        {machine.value && <span class="faint wide-only">{machine.value.version}</span>}
        <button type="button" class="small" aria-label="Keys" onClick={() => (isHelpOpen.value = true)}>?</button>
      </header>
      {problem.value ? <main><Trouble problem={problem.value} again={() => location.reload()} /></main> : !machine.value ? <main><Empty title="…" /></main> : view === "session" ? session && <SessionView key={session.key} session={session} /> : view === "usage" ? <UsageView source={source} machine={machine.value} /> : view === "delivery" ? <DeliveryView source={source} machine={machine.value} /> : <Sessions source={source} machine={machine.value} />}
      {isHelpOpen.value && <Help />}
    </>
  );
}

function keys(event: KeyboardEvent): void {
  const isTyping = /^(INPUT|TEXTAREA|SELECT)$/.test((event.target as Element).tagName);
  if ((event.ctrlKey || event.metaKey) && event.key === "k" && !onlyKey.value) {
    event.preventDefault();
    if (route.value.view !== "sessions") go(link("sessions"));
    requestAnimationFrame(() => setTimeout(() => document.querySelector<HTMLInputElement>(".search")?.focus(), 30));
    return;
  }
  if (isTyping || event.ctrlKey || event.metaKey || event.altKey) return;
  if (event.key === "?") {
    isHelpOpen.value = true;
  } else if (event.key === "[" || event.key === "]") {
    const { view, key, tab, query } = route.value;
    const by = event.key === "]" ? 1 : -1;
    const next = <T,>(all: readonly T[], now: T) => all[(all.indexOf(now) + by + all.length) % all.length]!;
    if (view === "session") go(sessionLink(key, next(["trace", "context", "conversation", "changes"] as const, tab), { at: query.get("at") }));
    else go(link(next(["sessions", "usage", "delivery"] as const, view)));
  } else return;
  event.preventDefault();
}

function start(): void {
  const data = document.getElementById("data");
  const source = data ? new File(data.textContent ?? "") : new Program();
  source.machine().then(
    (it) => {
      if (source.isFile || it.session) onlyKey.value = source.isFile ? it.session : null;
      if (it.session && !source.isFile && !location.hash) location.replace(sessionLink(it.session));
      machine.value = it;
      keepOpen(source);
    },
    (error: unknown) => (problem.value = asProblem(error)),
  );
  addEventListener("keydown", keys);
  render(<Page source={source} />, document.getElementById("page")!);
}

start();

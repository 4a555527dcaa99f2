/** A session to read: prompts and answers, thinking and tools folded. */

import { useEffect, useMemo, useRef, useState } from "preact/hooks";
import type { Event } from "../../api";
import { clock, count, duration } from "../format";
import { Empty, Icon, Trouble } from "../parts";
import { refine, sessionLink } from "../route";
import { Thinking, ToolInput, Value } from "../session/content";
import { Markdown } from "../session/markdown";
import { nameOf, type Node } from "../session/model";
import type { OpenSession } from "../session/state";
import { asProblem, type Problem } from "../source";
import { Block, line } from "../text";

/** The readable content of a call. */
type Said = { kind: "text" | "thinking"; text: string | null };
type Entry = { kind: "said"; call: Node; said: Said[] } | { kind: "tools"; tools: Node[] } | { kind: "failed"; call: Node };

export function Conversation({ session }: { session: OpenSession }) {
  const version = session.version.value;
  const turns = useMemo(() => {
    const found = session.model.turns.filter((turn) => !turn.above || turn.above.kind === "trace");
    return found.length ? found : session.model.traces;
  }, [version]);
  const at = session.selected.value;
  const current = at && turns.find((turn) => isBelow(at, turn));
  useEffect(() => {
    // A link to an event opens the conversation at its turn.
    if (current && current !== turns[0]) document.getElementById(`turn-${current.id}`)?.scrollIntoView();
  }, [turns.length > 0]);
  if (!turns.length) return <Empty title={session.isComplete.value ? "Nothing was said in this session" : "Reading…"} />;
  return (
    <div class="talk">
      <nav class="talk-turns" aria-label="Turns">
        <ol>
          {turns.map((turn, index) => (
            <li key={turn.id}>
              <a href={sessionLink(session.key, "conversation", { at: turn.id })} aria-current={turn === current ? "true" : undefined} onClick={(event) => {
                event.preventDefault();
                refine({ at: turn.id });
                document.getElementById(`turn-${turn.id}`)?.scrollIntoView();
              }}>
                <span class="figure">{index + 1}</span><span class="turn-name">{line(turn.name.slice(0, 120) || "turn")}</span>
              </a>
            </li>
          ))}
        </ol>
      </nav>
      <div class="talk-text" tabIndex={0} role="region" aria-label="Conversation">
        {turns.map((turn, index) => <Turn key={turn.id} turn={turn} index={index} session={session} version={version} />)}
        {session.isRunning.value && <p class="none pad"><i class="pulse" aria-hidden="true" /> {session.head.value?.waiting ? "It waits for you." : "It is still running; new answers appear here."}</p>}
      </div>
    </div>
  );
}

function isBelow(node: Node, turn: Node): boolean {
  for (let it: Node | null = node; it; it = it.above) if (it === turn) return true;
  return false;
}

/** Calls of the turn itself, not of its subagents, with their tools. */
const callsOf = (turn: Node): Node[] => turn.children.flatMap((child) => (child.kind === "call" ? [child] : child.kind === "turn" ? [] : []));

function Turn({ turn, index, session, version }: { turn: Node; index: number; session: OpenSession; version: number }) {
  const box = useRef<HTMLElement>(null);
  const [isNear, near] = useState(index === 0);
  const [events, setEvents] = useState<Map<string, Event> | null>(null);
  const [problem, setProblem] = useState<Problem | null>(null);
  const calls = useMemo(() => callsOf(turn), [turn, version]);

  useEffect(() => {
    const observer = new IntersectionObserver(([entry]) => entry!.isIntersecting && (near(true), observer.disconnect()), { rootMargin: "600px" });
    observer.observe(box.current!);
    return () => observer.disconnect();
  }, []);

  useEffect(() => {
    if (!isNear) return;
    const wanted = [turn, ...calls].filter((node) => node.uuid && !events?.has(node.uuid));
    if (!wanted.length) return;
    const abort = new AbortController();
    const positions = wanted.map(({ n }) => n);
    const uuids = new Set(wanted.map(({ uuid }) => uuid));
    const found = new Map(events ?? []);
    session.source
      .events(session.key, { kind: "conversation", from: Math.min(...positions), to: Math.max(...positions) }, (lines) => {
        for (const { event } of lines) if (uuids.has(event.uuid)) found.set(event.uuid, { ...event, properties: { $ai_output_choices: event.properties.$ai_output_choices, $ai_input_state: event.properties.$ai_input_state } });
      }, abort.signal)
      .then(() => setEvents(found), (error: unknown) => abort.signal.aborted || setProblem(asProblem(error)));
    return () => abort.abort();
  }, [isNear, calls.length, turn.n]);

  const entries = useMemo(() => (events ? entriesOf(calls, events) : []), [events, calls, version]);
  const prompt = turn.uuid ? events?.get(turn.uuid)?.properties.$ai_input_state : undefined;
  return (
    <article ref={box} class="turn" id={`turn-${turn.id}`} aria-label={`Turn ${index + 1}`} style={{ minHeight: isNear && events ? undefined : `${Math.min(2000, 120 + calls.length * 40)}px` }}>
      <header class="prompt">
        <p class="role">you <time>{clock(turn.start)}</time></p>
        {typeof prompt === "string" ? <Block text={prompt} lines={30} /> : prompt === null ? <p class="none">The prompt is left out by your settings.</p> : prompt === undefined ? <pre>{line(turn.name)}</pre> : <Value value={prompt} />}
      </header>
      {problem && <Trouble problem={problem} />}
      {!events && !problem && isNear && <p class="none" aria-busy="true">Opening {count(calls.length, "answer")}…</p>}
      {entries.map((entry, position) => <EntryView key={position} entry={entry} session={session} />)}
    </article>
  );
}

function entriesOf(calls: Node[], events: Map<string, Event>): Entry[] {
  const entries: Entry[] = [];
  for (const call of calls) {
    if (call.isError) entries.push({ kind: "failed", call });
    const said = saidIn(call.uuid ? events.get(call.uuid)?.properties.$ai_output_choices : undefined);
    if (said.some(({ kind, text }) => kind === "text" || text)) entries.push({ kind: "said", call, said });
    if (!call.children.length) continue;
    const last = entries.at(-1);
    // Tools of answers without text share one line.
    if (last?.kind === "tools") last.tools.push(...call.children);
    else entries.push({ kind: "tools", tools: [...call.children] });
  }
  return entries;
}

function saidIn(choices: unknown): Said[] {
  if (!Array.isArray(choices)) return [];
  const said: Said[] = [];
  for (const { content } of choices as { content?: unknown }[]) {
    if (typeof content === "string" && content.trim()) said.push({ kind: "text", text: content });
    if (!Array.isArray(content)) continue;
    for (const part of content as Record<string, unknown>[]) {
      if (part.type === "text" && typeof part.text === "string" && part.text.trim()) said.push({ kind: "text", text: part.text });
      else if (part.type === "thinking" && part.thinking) said.push({ kind: "thinking", text: typeof part.thinking === "string" ? part.thinking : null });
    }
  }
  return said;
}

function EntryView({ entry, session }: { entry: Entry; session: OpenSession }) {
  if (entry.kind === "failed") return <p class="error-text">The call failed: {line(entry.call.error ?? "no reason is recorded")} <a href={sessionLink(session.key, "trace", { at: entry.call.id })}>open</a></p>;
  if (entry.kind === "tools") return <Tools tools={entry.tools} session={session} />;
  return (
    <section class="answer">
      <p class="role">{line(nameOf(entry.call))} <a href={sessionLink(session.key, "trace", { at: entry.call.id })} title="Open in the trace"><time>{clock(entry.call.end)}</time></a></p>
      {entry.said.map(({ kind, text }, index) => (kind === "thinking" ? <Thinking key={index} text={text} /> : <Markdown key={index} text={text ?? ""} />))}
    </section>
  );
}

function Tools({ tools, session }: { tools: Node[]; session: OpenSession }) {
  const [isOpen, open] = useState(false);
  const failed = tools.filter(({ isError }) => isError).length;
  if (tools.length <= 3) return <div class="tools">{tools.map((tool) => <Tool key={tool.id} tool={tool} session={session} />)}</div>;
  const names = new Map<string, number>();
  for (const tool of tools) names.set(nameOf(tool), (names.get(nameOf(tool)) ?? 0) + 1);
  return (
    <details class="tools group" onToggle={(event) => open(event.currentTarget.open)}>
      <summary>{tools.length} tools: {line([...names].map(([name, times]) => (times > 1 ? `${name} ×${times}` : name)).join(", "))}{failed > 0 && <b class="bad"> {failed} failed</b>}</summary>
      {isOpen && tools.map((tool) => <Tool key={tool.id} tool={tool} session={session} />)}
    </details>
  );
}

function Tool({ tool, session }: { tool: Node; session: OpenSession }) {
  const [event, setEvent] = useState<Event | null>(null);
  const [problem, setProblem] = useState<Problem | null>(null);
  const open = () => {
    if (!event) session.event(tool).then(setEvent, (error: unknown) => setProblem(asProblem(error)));
  };
  return (
    <details class="tool" onToggle={(it) => it.currentTarget.open && open()}>
      <summary>
        <Icon kind={tool.kind} isError={tool.isError} />
        <b>{line(nameOf(tool))}</b>
        <span class="mono faint">{line(tool.detail)}</span>
        <span class="figure">{tool.latency === null ? "" : duration(tool.latency)}</span>
      </summary>
      {problem && <Trouble problem={problem} />}
      {event && (
        <div class="tool-body">
          <ToolInput input={event.properties.$ai_input_state} />
          <p class="role">{tool.isError ? "failed" : "result"}</p>
          <Value value={event.properties.$ai_output_state} />
          <p><a href={sessionLink(session.key, "trace", { at: tool.id })}>Open in the trace{tool.children.length > 0 && `: ${count(tool.children.length, "call")} of this agent`}</a></p>
        </div>
      )}
    </details>
  );
}


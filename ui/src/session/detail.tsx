/** The selected event: its figures, its content, and the event exactly as PostHog gets it. */

import { useEffect, useState } from "preact/hooks";
import type { Event } from "../../api";
import { bytes, clockSeconds, count, day, dollars, duration, number, percent, short } from "../format";
import { changed, refine, route } from "../route";
import { asProblem, type Problem } from "../source";
import { Block, line, marked } from "../text";
import { Messages, Section, ToolInput, Value } from "./content";
import { coloured } from "./json";
import { contextOf, nameOf, type Node } from "./model";
import type { OpenSession } from "./state";
import { deliveryName, Icon, Lines, Trouble } from "../parts";

export function Detail({ session }: { session: OpenSession }) {
  const node = session.selected.value;
  session.version.value;
  if (!node) {
    const isLost = session.isComplete.value && route.value.query.has("at");
    return <aside class="detail"><p class="none pad">{isLost ? "The event in this link is not in the session. It may have been removed from the transcript." : session.isComplete.value ? "Select an event." : "Reading…"}</p></aside>;
  }
  const tab = route.value.query.get("show") === "event" ? "event" : "content";
  return (
    <aside class="detail" aria-label="Selected event" id="detail" tabIndex={-1}>
      <Head node={node} session={session} />
      <nav class="tabs" aria-label="Views of the event">
        <a href={changed({ show: null })} aria-current={tab === "content" ? "true" : undefined} onClick={(event) => (event.preventDefault(), refine({ show: null }))}>Content</a>
        <a href={changed({ show: "event" })} aria-current={tab === "event" ? "true" : undefined} onClick={(event) => (event.preventDefault(), refine({ show: "event" }))}>Event as PostHog gets it</a>
      </nav>
      <Opened key={`${node.id} ${node.n}`} node={node} session={session} tab={tab} />
    </aside>
  );
}

function Head({ node, session }: { node: Node; session: OpenSession }) {
  const { posthog } = session.head.value ?? {};
  const address = posthog && (node.kind === "trace" ? posthog.trace : posthog.span).replace("{trace}", encodeURIComponent(encodeURIComponent(node.trace))).replace("{event}", encodeURIComponent(node.id));
  const state = node.delivery ?? session.head.value?.delivery;
  return (
    <header class="detail-head">
      <div class="detail-title">
        <Icon kind={node.kind} isError={node.isError} />
        <h2 title={node.name}>{line(nameOf(node))}</h2>
        <span class="chip">{node.kind === "call" ? "model call" : node.kind}</span>
        {node.isError && <span class="chip bad">failed</span>}
        {node.isUnfinished && <span class="chip bad">unfinished</span>}
        <button type="button" class="small narrow-only" onClick={() => document.querySelector(".tree")?.scrollIntoView()}>Events ↑</button>
      </div>
      <dl class="facts">
        <div><dt>began</dt><dd title={day(node.start)}>{clockSeconds(node.start, 1)}</dd></div>
        {node.latency !== null && <div><dt>{node.kind === "trace" ? "elapsed" : "took"}</dt><dd>{duration(node.latency)}</dd></div>}
        {node.unknown > 0 && <div><dt>work or waiting</dt><dd>{duration(node.unknown)}</dd></div>}
        {node.latency === null && !node.unknown && <div><dt>took</dt><dd class="faint">not measured</dd></div>}
        {node.wait > 0 && <div><dt>waited for you</dt><dd>{duration(node.wait)}</dd></div>}
        {node.firstToken !== null && <div><dt>first token</dt><dd>{duration(node.firstToken)}</dd></div>}
        {node.stop && <div><dt>stopped by</dt><dd>{line(node.stop)}</dd></div>}
        {(node.linesAdded > 0 || node.linesRemoved > 0) && <div><dt>lines</dt><dd><Lines added={node.linesAdded} removed={node.linesRemoved} show={number} /></dd></div>}
        {node.compactions > 0 && <div><dt>compacted</dt><dd>{count(node.compactions, "time")}</dd></div>}
        {node.findings.map((it) => <div key={it.label}><dt>{it.label}</dt><dd>{count(it.count, "time")} <span class="faint">{short(it.tokens)} tokens</span></dd></div>)}
        {node.uuid && <div><dt>size</dt><dd>{bytes(node.bytes)}</dd></div>}
        {state && <div><dt>delivery</dt><dd>{deliveryName(state)}</dd></div>}
        {address && <div><dt>PostHog</dt><dd><a href={address} target="_blank" rel="noreferrer noopener">open ↗</a></dd></div>}
      </dl>
      <TokenParts node={node} />
      {node.isError && node.error && <p class="error-text">{marked(node.error.slice(0, 1000))}</p>}
    </header>
  );
}

/** Tokens in parts, with a bar and the cost. */
function TokenParts({ node }: { node: Node }) {
  const { tokens } = node;
  const all = contextOf(node) + tokens.output;
  if (!all) return null;
  const parts = [
    ["cache-read", "cache read", tokens.cache_read],
    ["cache-write", "cache written", tokens.cache_write],
    ["input", "new input", tokens.input],
    ["output", "output", tokens.output],
  ] as const;
  return (
    <div class="tokens">
      <div class="bar" aria-hidden="true">{parts.map(([name, , value]) => value > 0 && <i key={name} class={`t-${name}`} style={{ flexGrow: `${value}` }} />)}</div>
      <dl>
        {parts.map(([name, label, value]) => (
          <div key={name}><dt><i class={`key t-${name}`} />{label}</dt><dd>{number(value)} <span class="faint">{percent(value, all)}</span></dd></div>
        ))}
        {node.reasoning > 0 && <div><dt>of it reasoning</dt><dd>{number(node.reasoning)}</dd></div>}
        <div><dt>{node.kind === "call" ? (node.costSource === "agent" ? "cost, by the agent" : "list price, estimated") : "list price, all below"}</dt><dd>{node.cost === null ? <span class="faint">unknown</span> : dollars(node.cost)}</dd></div>
      </dl>
    </div>
  );
}

function Opened({ node, session, tab }: { node: Node; session: OpenSession; tab: "content" | "event" }) {
  const [event, setEvent] = useState<Event | null>(null);
  const [problem, setProblem] = useState<Problem | null>(null);
  useEffect(() => {
    if (!node.uuid) return;
    let isGone = false;
    const timer = setTimeout(() => {
      session.event(node).then((it) => isGone || setEvent(it), (error: unknown) => isGone || setProblem(asProblem(error)));
    }, 40);
    return () => {
      isGone = true;
      clearTimeout(timer);
    };
  }, [node.uuid, node.n]);
  if (!node.uuid) return <p class="none pad">There is no event of this trace yet: it is sent when the session ends.</p>;
  if (problem) return <Trouble problem={problem} />;
  if (!event) return <p class="none pad" aria-busy="true">Opening {bytes(node.bytes)}…</p>;
  return <div class="opened">{tab === "event" ? <Raw event={event} /> : <Content node={node} event={event} session={session} />}</div>;
}

/** Copies a text. Where the browser does not allow it (some do not in files), it is selected instead. */
async function copy(text: string, shown: HTMLElement): Promise<boolean> {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    getSelection()?.selectAllChildren(shown);
    return false;
  }
}

function Raw({ event }: { event: Event }) {
  const [isCopied, copied] = useState(false);
  const text = JSON.stringify(event, null, 2);
  const secrets = text.match(/\[redacted:/g)?.length ?? 0;
  const cuts = text.match(/… \[truncated /g)?.length ?? 0;
  return (
    <section class="part">
      <p class="raw-note">
        <span>{secrets ? <><mark class="secret">{count(secrets, "secret")} replaced</mark> </> : "No secret was found in it. "}{cuts > 0 && <mark class="note">{count(cuts, "text")} shortened</mark>}</span>
        <button type="button" class="small" onClick={(event) => copy(text, event.currentTarget.closest("section")!.querySelector("pre")!).then(copied)}>{isCopied ? "Copied" : "Copy"}</button>
      </p>
      <Block text={text} lines={200}>{coloured}</Block>
    </section>
  );
}

function Content({ node, event, session }: { node: Node; event: Event; session: OpenSession }) {
  const { properties: p } = event;
  if (node.kind === "tool" || node.kind === "agent") {
    return (
      <>
        <Section title="Input"><ToolInput input={p.$ai_input_state} /></Section>
        <Section title={node.isError ? "Failed result" : "Result"}><Value value={p.$ai_output_state} /></Section>
        {node.children.length > 0 && <Below node={node} session={session} title="Calls of this agent" />}
      </>
    );
  }
  if (node.kind === "call") {
    const tools = Array.isArray(p.$ai_tools) ? p.$ai_tools.length : 0;
    const parameters = p.$ai_model_parameters as Record<string, unknown> | undefined;
    return (
      <>
        <Section title="Answer"><Messages messages={p.$ai_output_choices} /></Section>
        {node.children.length > 0 && <Below node={node} session={session} title="Tools it called" />}
        <Section title="Input" beside="what this call added to the conversation"><Messages messages={p.$ai_input} /></Section>
        {tools > 0 && <Section title="Tools offered" beside={String(tools)}><Block text={JSON.stringify(p.$ai_tools, null, 2)} lines={12}>{coloured}</Block></Section>}
        {parameters && Object.keys(parameters).length > 0 && <Section title="Parameters"><ToolInput input={parameters} /></Section>}
      </>
    );
  }
  return (
    <>
      <Section title={node.kind === "trace" ? "First prompt" : "Prompt"}><Value value={p.$ai_input_state} /></Section>
      <Section title="Last answer">{typeof p.$ai_output_state === "string" ? <Messages messages={[{ role: "assistant", content: p.$ai_output_state }]} /> : <Value value={p.$ai_output_state} />}</Section>
      {node.children.length > 0 && <Below node={node} session={session} title={node.children[0]!.kind === "turn" ? "Turns" : "Calls"} />}
    </>
  );
}

const SHOWN = 30;

function Below({ node, session, title }: { node: Node; session: OpenSession; title: string }) {
  return (
    <Section title={title} beside={number(node.children.length)}>
      <ul class="below">
        {node.children.slice(0, SHOWN).map((child) => (
          <li key={child.id}>
            <a href={changed({ at: child.id })} onClick={(event) => (event.preventDefault(), session.select(child))}>
              <Icon kind={child.kind} isError={child.isError} />
              <b>{line(nameOf(child))}</b>
              <span class="mono faint">{line(child.detail)}</span>
              <span class="figure">{child.latency === null ? "–" : duration(child.latency)}</span>
            </a>
          </li>
        ))}
      </ul>
      {node.children.length > SHOWN && <p class="none">and {number(node.children.length - SHOWN)} more, in the tree.</p>}
    </Section>
  );
}

/** One session: its head, and the views of it. */

import { useEffect, useRef } from "preact/hooks";
import { count, duration, moment, number, short } from "../format";
import { CostText, DeliveryMark, Trouble } from "../parts";
import { route, sessionLink } from "../route";
import { Detail } from "../session/detail";
import { Lanes } from "../session/lanes";
import type { OpenSession } from "../session/state";
import { Tree } from "../session/tree";
import { line, marked } from "../text";
import { Changes } from "./changes";
import { Context } from "./context";
import { Conversation } from "./conversation";
import { useMedia } from "../media";

const TABS = [["trace", "Trace"], ["context", "Context"], ["conversation", "Conversation"], ["changes", "Changes"]] as const;

export function SessionView({ session }: { session: OpenSession }) {
  const { tab, query } = route.value;
  const head = session.head.value;
  const problem = session.problem.value;
  session.version.value;
  const facts = head?.facts;
  const at = query.get("at");
  return (
    <main class={`session tab-${tab}`}>
      <header class="session-head">
        <div class="session-title">
          <h1>{head ? (head.title ? line(head.title.slice(0, 300)) : `session ${head.id.slice(0, 8)}`) : "…"}</h1>
          {session.isRunning.value && (
            <button type="button" class="small follow" aria-pressed={session.isFollowed.value} onClick={() => ((session.isFollowed.value = !session.isFollowed.value), session.isFollowed.value && session.selectNewest())}>
              <i class="pulse" aria-hidden="true" />{head?.waiting ? "waits for you" : "running"} · {session.isFollowed.value ? "following" : "follow"}
            </button>
          )}
        </div>
        <p class="session-facts">
          {head && (
            <>
              <span title={head.folder ?? ""}>{line(head.project ?? "no project")}{head.branch && <> · {line(head.branch)}</>}</span>
              <span class="wide-only">{head.agent}{head.agent_version && ` ${head.agent_version}`}</span>
              <span>{moment(Date.parse(head.started_at))}</span>
              {facts && (
                <>
                  <span>{duration(facts.worked)} worked{facts.waited >= 1 && `, ${duration(facts.waited)} waited`}</span>
                  <span>{count(facts.calls, "call")}, {count(facts.tools, "tool")}{facts.failed_calls + facts.failed_tools > 0 && <b class="bad"> {number(facts.failed_calls + facts.failed_tools)} failed</b>}</span>
                  <span>{short(facts.tokens.input)} in, {short(facts.tokens.output)} out, {short(facts.tokens.cache_read + facts.tokens.cache_write)} cached</span>
                  <span><CostText cost={facts.cost} isNamed /></span>
                  {facts.secrets !== null && facts.secrets > 0 && <span><mark class="secret">{count(facts.secrets, "secret")} replaced</mark></span>}
                </>
              )}
              <DeliveryMark state={head.delivery} />
            </>
          )}
        </p>
        <nav class="tabs" aria-label="Views of the session">
          {TABS.map(([name, label]) => <a key={name} href={sessionLink(session.key, name, { at })} aria-current={tab === name ? "page" : undefined}>{label}</a>)}
        </nav>
      </header>
      {head && head.notes.length > 0 && <p class="notes">{head.notes.map((note) => <span key={note}>{marked(note)}</span>)}</p>}
      {problem && <Trouble problem={problem} again={() => location.reload()} />}
      {!problem || session.version.value ? <Body session={session} tab={tab} /> : null}
    </main>
  );
}

function Body({ session, tab }: { session: OpenSession; tab: string }) {
  if (tab === "context") return <Context session={session} />;
  if (tab === "conversation") return <Conversation session={session} />;
  if (tab === "changes") return <Changes session={session} />;
  return <Trace session={session} />;
}

/** Three panes that move together. On a narrow screen they are below each other. */
function Trace({ session }: { session: OpenSession }) {
  const panes = useRef<HTMLDivElement>(null);
  const isNarrow = useMedia("(max-width: 700px)");
  useEffect(() => {
    // The tree gets the keyboard focus, unless something else has it.
    if (document.activeElement === document.body) panes.current?.querySelector<HTMLElement>(".tree-rows")?.focus({ preventScroll: true });
  }, []);
  const isLinked = useRef(route.peek().query.has("at"));
  useEffect(() => {
    // On a narrow screen the detail is below the tree: a link to an event shows the event.
    if (!isNarrow || !isLinked.current || !session.isComplete.value) return;
    isLinked.current = false;
    document.getElementById("detail")?.scrollIntoView();
  }, [session.isComplete.value]);
  return (
    <div class="trace">
      <Lanes session={session} />
      <div class="panes" ref={panes}>
        <Tree session={session} />
        {!isNarrow && <Splitter />}
        <Detail session={session} />
      </div>
    </div>
  );
}

/** The border between tree and detail, which mouse and keyboard can move. */
function Splitter() {
  const bar = useRef<HTMLDivElement>(null);
  const set = (share: number) => {
    const part = Math.max(25, Math.min(75, Math.round(share)));
    bar.current!.parentElement!.style.setProperty("--tree", `${part}%`);
    bar.current!.setAttribute("aria-valuenow", String(part));
  };
  const now = () => Number(bar.current!.getAttribute("aria-valuenow"));
  return (
    <div
      ref={bar}
      class="splitter"
      role="separator"
      aria-orientation="vertical"
      aria-label="Width of the tree"
      aria-valuenow={54}
      aria-valuemin={25}
      aria-valuemax={75}
      tabIndex={0}
      onPointerDown={(event) => event.currentTarget.setPointerCapture(event.pointerId)}
      onPointerMove={(event) => {
        if (!event.currentTarget.hasPointerCapture(event.pointerId)) return;
        const bounds = event.currentTarget.parentElement!.getBoundingClientRect();
        set(((event.clientX - bounds.left) / bounds.width) * 100);
      }}
      onKeyDown={(event) => {
        if (event.key !== "ArrowLeft" && event.key !== "ArrowRight") return;
        event.preventDefault();
        set(now() + (event.key === "ArrowLeft" ? -4 : 4));
      }}
    />
  );
}

/** The tree of a session: as `posthog-llma show` prints it, by keyboard. */

import { useEffect, useRef } from "preact/hooks";
import { duration, number, short } from "../format";
import { sessionLink } from "../route";
import { line } from "../text";
import { moved, uniform, VirtualList } from "../virtual";
import { besideOf, nameOf, type Node } from "./model";
import type { OpenSession } from "./state";
import { Icon } from "../parts";

const ROW = 25;

export function Tree({ session }: { session: OpenSession }) {
  const rows = session.rows.value;
  const selected = session.selected.value;
  const collapsed = session.collapsed.value;
  const filter = useRef<HTMLInputElement>(null);
  const active = selected ? rows.indexOf(selected) : -1;
  const longest = Math.max(0.001, ...session.model.traces.map((trace) => (trace.end - trace.start) / 1000));
  const isFiltered = session.filter.value !== "" || session.onlyErrors.value;
  const errors = session.version.value ? session.model.nodes.reduce((sum, node) => sum + Number(node.isError && node.kind !== "trace" && node.kind !== "turn"), 0) : 0;

  useEffect(() => {
    const key = (event: KeyboardEvent) => {
      if (event.key !== "/" || event.ctrlKey || event.metaKey || /^(INPUT|TEXTAREA|SELECT)$/.test((event.target as Element).tagName)) return;
      event.preventDefault();
      filter.current?.focus();
    };
    addEventListener("keydown", key);
    return () => removeEventListener("keydown", key);
  }, []);

  const down = (event: KeyboardEvent) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const node = selected;
    const page = Math.max(1, Math.floor((event.currentTarget as Element).clientHeight / ROW) - 1);
    const next = moved(event.key, active, rows.length, page);
    const take = () => {
      event.preventDefault();
      event.stopPropagation();
    };
    if (next !== null) {
      take();
      if (rows[next]) session.select(rows[next]!);
      return;
    }
    if (!node) return;
    const isOpen = node.children.length > 0 && !collapsed.has(node.id);
    switch (event.key) {
      case "ArrowRight":
      case "l":
        if (isOpen) session.select(node.children[0]!);
        else if (node.children.length) session.collapse(node, false);
        break;
      case "ArrowLeft":
      case "h":
        if (isOpen && node.kind !== "trace") session.collapse(node, true);
        else if (node.above) session.select(node.above);
        break;
      case "Enter":
        document.getElementById("detail")?.focus();
        break;
      case " ":
        if (node.children.length) session.collapse(node, isOpen);
        break;
      case "e":
      case "E": {
        const all = session.model.nodes.filter((it) => it.isError && it.kind !== "trace" && it.kind !== "turn");
        const found = event.key === "e" ? (all.find((it) => it.order > node.order) ?? all[0]) : (all.findLast((it) => it.order < node.order) ?? all.at(-1));
        if (found) session.select(found);
        break;
      }
      case "x":
        session.toggleRange(node);
        break;
      case "Escape":
        session.range.value = null;
        break;
      default:
        return;
    }
    take();
  };

  return (
    <section class="tree" aria-label="Events">
      <div class="tree-tools">
        <input ref={filter} type="search" placeholder="Filter events" aria-label="Filter events" value={session.filter.value} onInput={(event) => (session.filter.value = event.currentTarget.value)} onKeyDown={(event) => event.key === "Escape" && ((session.filter.value = ""), event.currentTarget.blur())} />
        {errors > 0 && <button type="button" class="small" aria-pressed={session.onlyErrors.value} onClick={() => (session.onlyErrors.value = !session.onlyErrors.value)}>{number(errors)} failed</button>}
        <button type="button" class="small wide-only" onClick={() => session.collapseTo(1)}>Turns</button>
        <button type="button" class="small wide-only" onClick={() => (session.collapsed.value = new Set())}>All</button>
      </div>
      <div class="tree-head" aria-hidden="true"><span>event</span><span class="c-tokens">in</span><span class="c-tokens">out</span><span class="c-tokens">cached</span><span class="c-time">time</span></div>
      <VirtualList
        rows={uniform(rows.length, ROW)}
        active={active}
        reveal={selected?.id}
        class="tree-rows"
        role="tree"
        aria-label="Events as a tree"
        aria-activedescendant={active >= 0 ? `node-${selected!.order}` : undefined}
        onKeyDown={down}
        render={(index, top) => {
          const node = rows[index]!;
          return <Row key={node.id} node={node} top={top} session={session} isSelected={node === selected} isOpen={isFiltered || !collapsed.has(node.id)} longest={longest} />;
        }}
      />
      {isFiltered && !rows.length && <p class="none pad">No event matches. The filter looks at names, models, commands, paths and errors.</p>}
    </section>
  );
}

interface RowProps {
  node: Node;
  top: number;
  session: OpenSession;
  isSelected: boolean;
  isOpen: boolean;
  longest: number;
}

function Row({ node, top, session, isSelected, isOpen, longest }: RowProps) {
  const { tokens } = node;
  const hasTokens = node.kind === "call" || node.children.length > 0;
  const figure = (value: number) => (hasTokens && value ? short(value) : "");
  const seconds = node.latency ?? (node.unknown || null);
  // The square root keeps a tool of one minute visible in a session of one hour.
  const share = Math.min(1, Math.sqrt((seconds ?? 0) / longest));
  const siblings = node.above?.children;
  const beside = besideOf(node);
  return (
    <div
      class={`tree-row k-${node.kind}${isSelected ? " selected" : ""}${node.isError ? " bad" : ""}`}
      id={`node-${node.order}`}
      role="treeitem"
      aria-level={node.level + 1}
      aria-selected={isSelected}
      aria-expanded={node.children.length ? isOpen : undefined}
      aria-setsize={siblings?.length ?? session.model.traces.length}
      aria-posinset={(siblings ?? session.model.traces).indexOf(node) + 1}
      style={{ top: `${top}px`, "--level": node.level }}
      onClick={(event) => {
        if (event.ctrlKey || event.metaKey) return;
        event.preventDefault();
        if (isSelected && node.children.length && (event.target as Element).closest(".twist")) return;
        session.select(node);
        if (matchMedia("(max-width: 700px)").matches) document.getElementById("detail")?.scrollIntoView({ block: "start" });
      }}
    >
      <span class="guides" />
      <span class="twist" onClick={(event) => node.children.length && (event.stopPropagation(), session.collapse(node, isOpen))}>{node.children.length > 0 && <i class={isOpen ? "open" : ""} />}</span>
      <Icon kind={node.kind} isError={node.isError} />
      <a class="tree-name" tabIndex={-1} href={sessionLink(session.key, "trace", { at: node.id })}>
        <b>{line(nameOf(node).slice(0, 200))}</b>
        {beside && <span>{line(beside)}</span>}
        {node.isError && node.error && node.kind !== "trace" && <em>{line(node.error.slice(0, 160))}</em>}
      </a>
      <span class="c-tokens">{figure(tokens.input)}</span>
      <span class="c-tokens">{figure(tokens.output)}</span>
      <span class="c-tokens">{figure(tokens.cache_read + tokens.cache_write)}</span>
      <span class="c-time">
        {node.wait > 0 && <i class="waited" title={`waited ${duration(node.wait)} for you`} />}
        {seconds === null ? "" : node.unknown ? `≤ ${duration(seconds)}` : duration(seconds)}
        {share > 0.08 && <i class="share" style={{ transform: `scaleX(${share})` }} />}
      </span>
    </div>
  );
}

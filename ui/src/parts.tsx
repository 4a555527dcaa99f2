/** Small parts that several views show. */

import type { ComponentChildren } from "preact";
import { useEffect, useRef } from "preact/hooks";
import type { Cost, DeliveryState } from "../api";
import { dollars } from "./format";
import type { Problem } from "./source";
import type { Kind } from "./session/model";

const SHAPES: Record<Kind, string> = {
  trace: "M3 4h10M3 8h7M3 12h9",
  turn: "M3 3.5h10v7H8l-3 2.5v-2.5H3z",
  call: "M8 2.5l1.6 3.9 3.9 1.6-3.9 1.6L8 13.5l-1.6-3.9L2.5 8l3.9-1.6z",
  tool: "M3 4.5l3.5 3.5L3 11.5M8.5 12H13",
  agent: "M8 2.5v2M4 5.5h8v6.5H4zM6.3 8.4v1M9.7 8.4v1M2.5 8v2M13.5 8v2",
};

export function Icon({ kind, isError }: { kind: Kind; isError?: boolean }) {
  return (
    <svg class={`icon i-${kind}${isError ? " i-bad" : ""}`} viewBox="0 0 16 16" width="14" height="14" role="img" aria-label={`${kind}${isError ? ", failed" : ""}`}>
      <path d={SHAPES[kind]} />
    </svg>
  );
}

const DELIVERY: Record<DeliveryState, [string, string]> = {
  acknowledged: ["sent", "PostHog took all of its events"],
  waiting: ["waiting", "events wait in the outbox"],
  refused: ["refused", "PostHog refused some of its events"],
  dropped: ["dropped", "events were given up: too old, or too many"],
  never: ["not sent", "nothing of it was ever sent"],
  left_alone: ["left alone", "excluded: nothing of it will be sent"],
};

export const deliveryName = (state: DeliveryState): string => DELIVERY[state][0];

export function DeliveryMark({ state }: { state: DeliveryState }) {
  const [name, title] = DELIVERY[state];
  return <span class={`delivery d-${state}`} title={title}><i aria-hidden="true" />{name}</span>;
}

/** A cost. `isNamed` says that it is one, where no heading does. */
export function CostText({ cost, isNamed }: { cost: Cost; isNamed?: boolean }) {
  if (cost.usd === null) return <span class="faint unpriced" title="No model of it is in the price table">{isNamed && "cost "}unknown</span>;
  const note = cost.source === "agent" ? "as the agent stated" : cost.source === "mixed" ? "partly as the agent stated, partly by list price, estimated" : "by list price, estimated";
  return <span title={cost.unknown_calls ? `${note}; without ${cost.unknown_calls} calls of unknown price` : note}>{dollars(cost.usd)}{cost.unknown_calls > 0 && "+"}</span>;
}

/** An error, and the next step. */
export function Trouble({ problem, again }: { problem: Problem; again?: () => void }) {
  return (
    <div class="trouble" role="alert">
      <strong>{problem.message}</strong>
      {problem.fix && <p>{problem.fix}</p>}
      {again && <button type="button" onClick={again}>Try again</button>}
    </div>
  );
}

export function Empty({ title, children }: { title: string; children?: ComponentChildren }) {
  return <div class="empty"><strong>{title}</strong>{children}</div>;
}

export function Tile({ name, children, note }: { name: string; children: ComponentChildren; note?: ComponentChildren }) {
  return <div class="tile"><dt>{name}</dt><dd>{children}{note && <small>{note}</small>}</dd></div>;
}

/** A choice of few. Its label is shown if the values do not explain themselves. */
export function Choice({ label, value, options, change, isNamed = false }: { label: string; value: string; options: readonly (readonly [string, string])[]; change: (value: string) => void; isNamed?: boolean }) {
  return (
    <label class="choice">
      <span class={isNamed ? "" : "unseen"}>{label}</span>
      <select value={value} onChange={(event) => change(event.currentTarget.value)}>
        {options.map(([key, name]) => <option key={key} value={key}>{name}</option>)}
      </select>
    </label>
  );
}

/** A modal dialog: the browser's own, with its handling of focus and Escape. */
export function Dialog({ title, close, children }: { title: string; close: () => void; children: ComponentChildren }) {
  const dialog = useRef<HTMLDialogElement>(null);
  useEffect(() => {
    dialog.current!.showModal();
  }, []);
  return (
    <dialog ref={dialog} aria-label={title} onClose={close} onClick={(event) => event.target === dialog.current && dialog.current!.close()}>
      <div class="dialog">
        <header><h2>{title}</h2><button type="button" class="small" onClick={() => dialog.current!.close()}>Close</button></header>
        {children}
      </div>
    </dialog>
  );
}

/** A framed part of a page. */
export function Panel({ title, note, beside, children }: { title: string; note?: ComponentChildren; beside?: ComponentChildren; children: ComponentChildren }) {
  return (
    <section class="panel">
      <header class="panel-head"><h2>{title}</h2>{note && <small>{note}</small>}{beside}</header>
      {children}
    </section>
  );
}

/** A table that scrolls in itself. Titles of columns with figures begin with `>`. */
export function Table({ label, head, children }: { label: string; head: string[]; children: ComponentChildren }) {
  return (
    <div class="table" tabIndex={0} role="group" aria-label={label}>
      <table>
        <thead><tr>{head.map((title) => <th key={title} class={title[0] === ">" ? "n" : title === "share" ? "share-head" : ""}>{title.replace(">", "")}</th>)}</tr></thead>
        <tbody>{children}</tbody>
      </table>
    </div>
  );
}

/** Lines added and removed. */
export function Lines({ added, removed, show = String }: { added: number; removed: number; show?: (value: number) => string }) {
  return <>{(added > 0 || !removed) && <span class="plus">+{show(added)}</span>} {removed > 0 && <span class="minus">−{show(removed)}</span>}</>;
}

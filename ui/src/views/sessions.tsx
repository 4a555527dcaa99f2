/** All sessions, the newest first, in groups by day. */

import { signal } from "@preact/signals";
import { useEffect, useMemo, useRef } from "preact/hooks";
import type { Cost, Machine, SearchHit, SessionRow } from "../../api";
import { clock, count, day, dayTitle, duration, model, moment, number, short } from "../format";
import { useMedia } from "../media";
import { CostText, DeliveryMark, Choice, Empty, Trouble } from "../parts";
import { go, refine, route, sessionLink } from "../route";
import { filters, hits, isReading, problem, projects, rows, unreadable, useReading, version } from "../list";
import type { Source } from "../source";
import { line } from "../text";
import { moved, various, VirtualList } from "../virtual";

const SINCE = [["", "all time"], ["24h", "24 hours"], ["7d", "7 days"], ["30d", "30 days"], ["90d", "90 days"]] as const;

/** Key of the active row, which stays the same when the view is opened again. */
const active = signal("");

type Sort = "time" | "worked" | "tokens" | "cost" | "errors";

const allTokens = ({ facts }: SessionRow): number => (facts ? facts.tokens.input + facts.tokens.output + facts.tokens.cache_read + facts.tokens.cache_write : 0);
const errorsOf = ({ facts }: SessionRow): number => (facts ? facts.failed_calls + facts.failed_tools : 0);
const ORDER: Record<Sort, (row: SessionRow) => number> = {
  time: (row) => Date.parse(row.ended_at),
  worked: (row) => row.facts?.worked ?? 0,
  tokens: allTokens,
  cost: (row) => row.facts?.cost.usd ?? 0,
  errors: errorsOf,
};

type Item = { day: string; count: number; cost: Cost } | { row: SessionRow; at: number };

export function Sessions({ source, machine }: { source: Source; machine: Machine }) {
  const { query } = route.value;
  const text = query.get("q") ?? "";
  const delivery = query.get("delivery") ?? "";
  const sort = (query.get("sort") ?? "time") as Sort;
  const input = useRef<HTMLInputElement>(null);
  useReading(source, text);

  const narrow = useMedia("(max-width: 700px)");
  version.value;
  const shown = useMemo(() => {
    const words = text.toLowerCase().split(/\s+/).filter(Boolean);
    const found = hits.value;
    const matches = (row: SessionRow) => {
      if (delivery && row.delivery !== delivery) return false;
      if (!words.length || found.has(row.key)) return true;
      const where = `${row.title ?? ""} ${row.project ?? ""} ${row.branch ?? ""} ${row.id} ${row.agent} ${row.models.join(" ")}`.toLowerCase();
      return words.every((word) => where.includes(word));
    };
    const key = ORDER[sort] ?? ORDER.time;
    const keyed = [...rows.values()].filter(matches).map((row) => ({ row, at: key(row) }));
    return keyed.sort((one, other) => other.at - one.at || (one.row.key < other.row.key ? -1 : 1)).map(({ row }) => row);
  }, [version.value, text, delivery, sort, hits.value]);

  const now = Date.parse(machine.now);
  const items = useMemo(() => grouped(shown, sort === "time", now), [shown]);
  const places = useMemo(() => various(items.map((item) => ("day" in item ? 34 : narrow ? 62 : 32))), [items, narrow]);
  const indexes = useMemo(() => items.flatMap((item, index) => ("row" in item ? [index] : [])), [items]);
  const current = shown.findIndex((row) => row.key === active.value);
  const total = useMemo(() => summed(shown), [shown]);

  const down = (event: KeyboardEvent) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const next = moved(event.key, current, shown.length, 20);
    if (next !== null && shown[next]) {
      event.preventDefault();
      active.value = shown[next]!.key;
    } else if (event.key === "Enter" && shown[current]) {
      event.preventDefault();
      go(sessionLink(shown[current]!.key));
    }
  };

  useEffect(() => {
    const key = (event: KeyboardEvent) => {
      if (event.ctrlKey || event.metaKey || event.altKey || /^(INPUT|TEXTAREA|SELECT)$/.test((event.target as Element).tagName)) return;
      if (event.key === "/") {
        event.preventDefault();
        input.current?.focus();
      } else if (event.target === document.body && moved(event.key, 0, 1, 1) !== null) {
        document.querySelector<HTMLElement>(".list-rows")?.focus();
        down(event);
      }
    };
    addEventListener("keydown", key);
    return () => removeEventListener("keydown", key);
  });

  const column = (name: Sort, label: string, title: string) => (
    <button type="button" class={`c-${name}`} title={title} aria-pressed={sort === name} onClick={() => refine({ sort: name === "time" ? null : name })}>{label}{sort === name && <i aria-hidden="true">↓</i>}</button>
  );
  return (
    <main class="list">
      <h1 class="unseen">Sessions</h1>
      <div class="filters">
        <input ref={input} type="search" class="search" placeholder="Search titles and prompts" aria-label="Search titles and prompts" value={text}
          onInput={(event) => refine({ q: event.currentTarget.value })}
          onKeyDown={(event) => (event.key === "Escape" || event.key === "Enter" || event.key === "ArrowDown") && (event.preventDefault(), document.querySelector<HTMLElement>(".list-rows")?.focus())} />
        <Choice label="Since" value={query.get("since") ?? ""} options={SINCE} change={(since) => refine({ since })} />
        <Choice label="Project" value={query.get("project") ?? ""} options={[["", "all projects"], ...projects(machine).map((it) => [it, it] as const)]} change={(project) => refine({ project })} />
        <Choice label="Agent" value={query.get("agent") ?? ""} options={[["", "all agents"], ...machine.agents.map((it) => [it, it] as const)]} change={(agent) => refine({ agent })} />
        <Choice label="Delivery" value={delivery} options={[["", "any delivery"], ["acknowledged", "sent"], ["waiting", "waiting"], ["refused", "refused"], ["never", "not sent"], ["left_alone", "left alone"]]} change={(state) => refine({ delivery: state })} />
        <p class="total" role="status">
          <b>{count(shown.length, "session")}</b>
          <span>{duration(total.worked)} worked</span>
          <span>{short(total.tokens)} tokens</span>
          <span title={machine.prices ? `List prices of ${machine.prices.date}, estimated` : "List prices, estimated"}><CostText cost={total.cost} isNamed />{total.cost.usd !== null && " list price"}</span>
          {isReading.value && <span class="reading">reading…</span>}
          {unreadable.value > 0 && <span class="bad">{count(unreadable.value, "file")} unreadable</span>}
        </p>
      </div>
      {problem.value && <Trouble problem={problem.value} again={() => location.reload()} />}
      <div class="list-head" role="group" aria-label="Sort by">
        {column("time", "last", "Time of the last event; newest first, by day")}
        <span class="c-title">session</span><span class="c-project">project · branch</span><span class="c-agent">agent</span><span class="c-model">model</span>
        {column("worked", "worked", "Time worked, without waiting for the next prompt")}
        {column("tokens", "tokens", "All tokens, cached ones too")}
        {column("cost", "cost", "List price, estimated; or as the agent stated")}
        {column("errors", "failed", "Failed model calls and tools")}
        <span class="c-delivery">delivery</span>
      </div>
      <VirtualList
        rows={places}
        active={indexes[current] ?? -1}
        class="list-rows"
        role="grid"
        aria-label="Sessions"
        aria-rowcount={items.length}
        aria-activedescendant={current >= 0 ? `session-${current}` : undefined}
        onKeyDown={down}
        onFocus={() => !active.value && shown[0] && (active.value = shown[0].key)}
        render={(index, top) => {
          const item = items[index]!;
          if ("day" in item) {
            return (
              <div key={`day ${item.day}`} class="day" role="row" aria-rowindex={index + 1} style={{ top: `${top}px` }}>
                <span role="gridcell"><b>{item.day}</b></span><span role="gridcell">{count(item.count, "session")}</span>{(item.cost.usd ?? 0) > 0 && <span role="gridcell"><CostText cost={item.cost} /></span>}
              </div>
            );
          }
          return <Row key={item.row.key} row={item.row} index={item.at} place={index + 1} top={top} isActive={item.row.key === active.value} hit={text ? hits.value.get(item.row.key) : undefined} isByDay={sort === "time"} now={now} />;
        }}
      />
      {!shown.length && !problem.value && (isReading.value ? <Empty title="Looking for sessions…" /> : <Nothing machine={machine} isFiltered={rows.size > 0 || Object.values(filters.value).some(Boolean)} />)}
    </main>
  );
}

function Nothing({ machine, isFiltered }: { machine: Machine; isFiltered: boolean }) {
  if (isFiltered) return <Empty title="No session matches"><p>Search other words, or <a href="#/sessions">show all sessions</a>.</p></Empty>;
  return (
    <Empty title="There are no sessions here yet">
      <p>{machine.folder ? <>Nothing was found in <code>{machine.folder}</code>.</> : <>Sessions of Claude Code, Pi and OpenCode on this machine appear as they are written. Elsewhere: <code>posthog-llma view FOLDER</code></>}</p>
    </Empty>
  );
}

interface RowProps {
  row: SessionRow;
  index: number;
  /** Index among all rows of the list, including those of the days. */
  place: number;
  top: number;
  isActive: boolean;
  hit: SearchHit | undefined;
  isByDay: boolean;
  now: number;
}

function Row({ row, index, place, top, isActive, hit, isByDay, now }: RowProps) {
  const { facts } = row;
  const errors = errorsOf(row);
  const ended = Date.parse(row.ended_at);
  const address = hit ? sessionLink(row.key, "trace", { at: hit.span }) : sessionLink(row.key);
  const figure = (value: string) => (facts ? value : <i class="later" />);
  return (
    <div
      id={`session-${index}`}
      class={`row${isActive ? " active" : ""}${errors ? " has-errors" : ""}`}
      role="row"
      aria-selected={isActive}
      aria-rowindex={place}
      style={{ top: `${top}px` }}
      onClick={(event) => {
        if (event.ctrlKey || event.metaKey || event.shiftKey) return;
        event.preventDefault();
        active.value = row.key;
        go(address);
      }}
    >
      <span role="gridcell" class="c-time" title={`${moment(Date.parse(row.started_at))} to ${moment(ended)}`}>{isByDay || day(ended) === day(now) ? clock(ended) : day(ended).slice(2)}</span>
      <span role="gridcell" class="c-title">
        {row.running && <span class={row.waiting ? "live waits" : "live"} title={row.waiting ? "It waits for you" : "It is running"}>{row.waiting ? "waits for you" : "running"}</span>}
        <a href={address} tabIndex={-1}>{row.title ? line(row.title.slice(0, 300)) : <span class="faint">session {row.id.slice(0, 8)}</span>}</a>
        {hit && <span class="hit">{line(hit.text)}</span>}
      </span>
      <span role="gridcell" class="c-project">{line(row.project ?? "–")}{row.branch && <span class="faint"> · {line(row.branch)}</span>}</span>
      <span role="gridcell" class="c-agent">{row.agent.replace("claude-code", "claude code")}</span>
      <span role="gridcell" class="c-model" title={row.models.join(", ")}>{row.models[0] ? line(model(row.models[0])) : "–"}{row.models.length > 1 && <span class="faint"> +{row.models.length - 1}</span>}</span>
      <span role="gridcell" class="c-worked">{facts ? duration(facts.worked) : <i class="later" />}</span>
      <span role="gridcell" class="c-tokens">{figure(short(allTokens(row)))}</span>
      <span role="gridcell" class="c-cost">{facts ? <CostText cost={facts.cost} /> : <i class="later" />}</span>
      <span role="gridcell" class={`c-errors${errors ? " bad" : ""}`}>{facts ? (errors ? number(errors) : "") : <i class="later" />}</span>
      <span role="gridcell" class="c-delivery"><DeliveryMark state={row.delivery} /></span>
    </div>
  );
}

function grouped(shown: SessionRow[], isByDay: boolean, now: number): Item[] {
  if (!isByDay) return shown.map((row, at) => ({ row, at }));
  const items: Item[] = [];
  let group: { day: string; count: number; cost: Cost } | undefined;
  let last = "";
  shown.forEach((row, at) => {
    const time = Date.parse(row.ended_at);
    const title = day(time);
    if (title !== last || !group) {
      last = title;
      items.push((group = { day: dayTitle(time, now), count: 0, cost: noCost() }));
    }
    group.count++;
    if (row.facts) group.cost = added(group.cost, row.facts.cost);
    items.push({ row, at });
  });
  return items;
}

function summed(shown: SessionRow[]) {
  let worked = 0;
  let tokens = 0;
  let cost = noCost();
  for (const row of shown) {
    worked += row.facts?.worked ?? 0;
    tokens += allTokens(row);
    if (row.facts) cost = added(cost, row.facts.cost);
  }
  return { worked, tokens, cost };
}

const noCost = (): Cost => ({ usd: null, source: "list", unknown_calls: 0 });

/** The sum of two costs; what is unknown of one stays unknown in the sum. */
function added(sum: Cost, more: Cost): Cost {
  const unknown_calls = sum.unknown_calls + more.unknown_calls;
  if (more.usd === null) return { ...sum, unknown_calls };
  const source = sum.usd === null || sum.source === more.source ? more.source : "mixed";
  return { usd: (sum.usd ?? 0) + more.usd, source, unknown_calls };
}

/** Tokens of each call in the context window: read from the cache, written to it, new. */

import { signal, useSignal } from "@preact/signals";
import { useMemo } from "preact/hooks";
import { Chart, type Mark } from "../chart";
import { clock, clockSeconds, count, dollars, duration, number, percent, short } from "../format";
import { Choice, Empty, Panel, Table, Tile } from "../parts";
import { go, refine, route, sessionLink } from "../route";
import { callsOf, cliffsOf, PAUSED } from "../session/context";
import { contextOf, nameOf } from "../session/model";
import type { OpenSession } from "../session/state";
import { line } from "../text";

const LAYERS = [["cache_read", "read from cache", "--t-cache-read"], ["cache_write", "written to cache", "--t-cache-write"], ["input", "new, not cached", "--t-input"]] as const;

export function Context({ session }: { session: OpenSession }) {
  const pointed = useSignal<number | null>(null);
  const lane = route.value.query.get("agent") ?? "";
  const version = session.version.value;
  const { lanes } = session.model;
  const calls = useMemo(() => callsOf(session.model, lane), [version, lane]);
  const cliffs = useMemo(() => cliffsOf(calls), [calls]);
  const drawn = useMemo(() => {
    let peak = 0;
    calls.forEach((call, index) => contextOf(call) > contextOf(calls[peak]!) && (peak = index));
    const marks: Mark[] = [
      ...cliffs.map((cliff) => ({ at: cliff.index, label: cliff.kind === "cache" ? `cache lost${cliff.cause === PAUSED ? `: ${duration(cliff.pause)} pause` : ""}` : "compacted", colour: cliff.kind === "cache" ? "--error" : "--agent" })),
      ...(calls.length > 2 ? [{ at: peak + 0.5, label: `peak ${short(contextOf(calls[peak]!))}`, colour: "--text" }] : []),
    ].sort((one, other) => one.at - other.at);
    return {
      layers: LAYERS.map(([key, name, colour]) => ({ name, colour, values: calls.map((call) => call.tokens[key]) })),
      marks,
      peak,
    };
  }, [calls, cliffs]);

  if (!calls.length) return <Empty title={session.isComplete.value ? "No call of this agent reports its tokens" : "Reading…"} />;
  const shown = calls[pointed.value ?? calls.length - 1]!;
  const sums = { read: 0, write: 0, input: 0, lost: 0 };
  for (const { tokens } of calls) {
    sums.read += tokens.cache_read;
    sums.write += tokens.cache_write;
    sums.input += tokens.input;
  }
  for (const cliff of cliffs) if (cliff.kind === "cache") sums.lost += cliff.tokens;
  const compactions = cliffs.filter(({ kind }) => kind === "compaction").length;
  return (
    <div class="page">
      <div class="page-tools">
        {lanes.length > 1 && <Choice label="Agent" isNamed value={lane} options={lanes.map((it) => [it.id, it.label] as const)} change={(agent) => refine({ agent })} />}
      </div>
      <dl class="tiles">
        <Tile name="calls">{number(calls.length)}</Tile>
        <Tile name="peak context" note={`call ${drawn.peak + 1}`}>{short(contextOf(calls[drawn.peak]!))}</Tile>
        <Tile name="last context">{short(contextOf(calls.at(-1)!))}</Tile>
        <Tile name="read from cache" note="of all input">{percent(sums.read, sums.read + sums.write + sums.input)}</Tile>
        <Tile name="cache lost" note={sums.lost ? `${short(sums.lost)} tokens sent again` : "nothing"}>{number(cliffs.length - compactions)}</Tile>
        <Tile name="compactions">{number(compactions)}</Tile>
      </dl>
      <Panel title="Context by call" beside={
          <ul class="legend">
            {LAYERS.map(([key, name, colour]) => <li key={key}><i class={`key ${colour.replace("--", "")}`} />{name} <b class="figure">{short(shown.tokens[key])}</b></li>)}
            <li>call {calls.indexOf(shown) + 1}, {clock(shown.start)} <b class="figure">{short(contextOf(shown))}</b></li>
          </ul>
        }>
        <Chart
          count={calls.length}
          layers={drawn.layers}
          marks={drawn.marks}
          height={320}
          label={`Context of ${count(calls.length, "call")}: peak ${short(contextOf(calls[drawn.peak]!))} tokens. The figures are in the table below.`}
          xText={(x) => String(x + 1)}
          yText={short}
          pointed={pointed.value}
          point={(index) => (pointed.value = index)}
          choose={(index) => calls[index] && go(sessionLink(session.key, "trace", { at: calls[index]!.id }))}
        />
      </Panel>
      <Panel title="Compactions and lost caches">
        {cliffs.length === 0 ? <p class="none pad">None was found.</p> : (
          <Table label="Compactions and lost caches" head={["call", "at", "what", ">pause before", ">context", ">tokens", ">cost of the call"]}>
                {cliffs.map((cliff) => (
                  <tr key={cliff.index}>
                    <td><a href={sessionLink(session.key, "trace", { at: cliff.call.id })}>{cliff.index + 1}</a></td>
                    <td>{clockSeconds(cliff.call.start)}</td>
                    <td>{cliff.kind === "cache" ? <><b class="bad">cache lost</b> {cliff.cause}</> : <><b>compacted</b> {cliff.cause}</>}</td>
                    <td class="n">{duration(cliff.pause)}</td>
                    <td class="n">{short(contextOf(cliff.call))}</td>
                    <td class="n">{cliff.kind === "cache" ? `${short(cliff.tokens)} sent again` : `− ${short(cliff.tokens)}`}</td>
                    <td class="n">{cliff.call.cost === null ? "–" : dollars(cliff.call.cost)}</td>
                  </tr>
                ))}
              </Table>
        )}
      </Panel>
      <Largest session={session} lane={lane} />
    </div>
  );
}

const isAll = signal(false);

/** The calls that added most to the context. */
function Largest({ session, lane }: { session: OpenSession; lane: string }) {
  const version = session.version.value;
  const grown = useMemo(() => {
    const calls = callsOf(session.model, lane);
    const steps = calls.map((call, index) => ({ call, index, by: index ? contextOf(call) - contextOf(calls[index - 1]!) : contextOf(call) }));
    return steps.filter(({ by }) => by > 0).sort((one, other) => other.by - one.by);
  }, [version, lane]);
  const shown = grown.slice(0, isAll.value ? 100 : 10);
  return (
    <Panel title="What filled it most" note="growth since the call before">
      <Table label="Calls that added most to the context" head={["call", "at", "after", ">added", ">context"]}>
            {shown.map(({ call, index, by }) => (
              <tr key={call.id}>
                <td><a href={sessionLink(session.key, "trace", { at: call.id })}>{index + 1}</a></td>
                <td>{clockSeconds(call.start)}</td>
                <td class="wide-cell">{line(reasonOf(session, lane, index))}</td>
                <td class="n">{number(by)}</td>
                <td class="n">{short(contextOf(call))}</td>
              </tr>
            ))}
          </Table>
      {grown.length > 10 && !isAll.value && <button type="button" class="more" onClick={() => (isAll.value = true)}>Show more</button>}
    </Panel>
  );
}

/** The tools whose results came in between, or the prompt. */
function reasonOf(session: OpenSession, lane: string, index: number): string {
  const calls = callsOf(session.model, lane);
  const before = calls[index - 1];
  const call = calls[index]!;
  if (!before || before.above !== call.above) return call.above?.kind === "turn" ? `prompt: ${call.above.name}` : "the beginning";
  const tools = before.children.map((tool) => [nameOf(tool), tool.detail].filter(Boolean).join(" "));
  return tools.length ? tools.join(", ").slice(0, 200) : "the answer before";
}

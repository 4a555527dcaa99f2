/** The lanes: canvas, minimap, hover card, and sums of the selection. */

import { effect, useSignal } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";
import { clockSeconds, count, dollars, duration, number, percent, short } from "../format";
import { line } from "../text";
import { LanesCanvas } from "./canvas";
import { besideOf, nameOf, sumsOf, type Node } from "./model";
import { Mover } from "./mover";
import type { OpenSession } from "./state";

export function Lanes({ session }: { session: OpenSession }) {
  const box = useRef<HTMLDivElement>(null);
  const canvas = useRef<HTMLCanvasElement>(null);
  const map = useRef<HTMLCanvasElement>(null);
  const hover = useSignal<{ node: Node; x: number; y: number } | null>(null);
  const height = useSignal(96);
  const mover = useRef<Mover | null>(null);

  useEffect(() => {
    const element = box.current!;
    const view = new LanesCanvas(canvas.current!, map.current!);
    const scheme = matchMedia("(prefers-color-scheme: dark)");
    const moves = new Mover(session, view, element, (node, x, y) => {
      if (node || hover.peek()) hover.value = node ? { node, x, y } : null;
    });
    mover.current = moves;
    const recolour = () => {
      view.readColours();
      moves.redraw();
    };
    view.readColours();
    scheme.addEventListener("change", recolour);
    const sized = new ResizeObserver(() => {
      view.resize(element.clientWidth, element.clientHeight);
      moves.redraw();
    });
    sized.observe(element);
    const built = effect(() => {
      session.version.value;
      view.build(session.model);
      height.value = view.contentHeight;
      moves.settle();
    });
    const chosen = effect(() => {
      const node = session.selected.value;
      view.selected = node && node.kind !== "trace" ? node : null;
      if (view.selected) moves.reveal(view.selected);
      moves.redraw();
    });
    const ranged = effect(() => {
      view.range = session.range.value;
      moves.redraw();
    });
    const stop = moves.listen(map.current!);
    return () => {
      scheme.removeEventListener("change", recolour);
      sized.disconnect();
      built();
      chosen();
      ranged();
      stop();
    };
  }, [session]);

  const { model } = session;
  session.version.value;
  const label = `Lanes of ${count(model.lanes.length, "agent")}, ${count(model.turns.length, "turn")}. W and S zoom, A and D move, arrow keys go to the event before or after, Enter zooms to it, X selects its time, Escape ends.`;
  return (
    <section class="lanes" aria-label="Timeline">
      <canvas ref={map} class="lanes-map" aria-hidden="true" />
      <div ref={box} class="lanes-box" tabIndex={0} role="application" aria-label={label} style={{ "--content": `${height.value}px` }}>
        <canvas ref={canvas} class="lanes-canvas" aria-hidden="true" />
        <div class="lanes-space" style={{ height: `${height.value}px` }} />
      </div>
      <Foot session={session} zoom={() => mover.current?.zoomTo(session.range.value)} fit={() => mover.current?.fit()} />
      {hover.value && <Card {...hover.value} />}
    </section>
  );
}

/** Number of tools to name in the sums. */
const TOOLS = 4;

function Foot({ session, zoom, fit }: { session: OpenSession; zoom: () => void; fit: () => void }) {
  const range = session.range.value;
  session.version.value;
  if (!range) {
    return (
      <div class="lanes-foot">
        <ul class="legend">
          <li><i class="key key-call" />model call</li>
          <li><i class="key key-tool" />tool</li>
          <li><i class="key key-agent" />subagent</li>
          <li><i class="key key-wait" />waiting for you</li>
          <li class="wide-only"><i class="key key-unknown" />work or waiting</li>
          <li><i class="key key-error" />failed</li>
          <li class="wide-only"><i class="key key-idle" />idle, folded</li>
        </ul>
        <span class="hint wide-only">drag: sums · <kbd>Shift</kbd> drag: move · <kbd>Ctrl</kbd> wheel: zoom</span>
        <button type="button" class="small" onClick={fit}>Fit</button>
      </div>
    );
  }
  const sums = sumsOf(session.model, range.from, range.to);
  const { tokens } = sums;
  const fact = (name: string, value: string, more?: string) => (
    <span class="sum"><b>{value}</b> {name}{more && <em> {more}</em>}</span>
  );
  return (
    <div class="lanes-foot" role="status">
      <span class="sums">
        {fact("selected", duration(sums.length))}
        {fact("worked", duration(sums.worked))}
        {sums.waited > 0 && fact("waited", duration(sums.waited))}
        {fact(sums.calls === 1 ? "call" : "calls", number(sums.calls), sums.failedCalls ? `${sums.failedCalls} failed` : "")}
        {fact(sums.tools === 1 ? "tool" : "tools", number(sums.tools), sums.failedTools ? `${sums.failedTools} failed` : "")}
        {fact("in", short(tokens.input))}
        {fact("out", short(tokens.output))}
        {fact("cached", short(tokens.cache_read + tokens.cache_write), tokens.cache_read ? `${percent(tokens.cache_read, tokens.cache_read + tokens.cache_write + tokens.input)} read` : "")}
        {sums.cost !== null && fact("list price", dollars(sums.cost))}
        <span class="wide-only">{sums.byTool.slice(0, TOOLS).map(({ name, count: times, seconds }) => <span key={name} class="chip">{line(name)} ×{times}{seconds >= 0.1 && `, ${duration(seconds)}`}</span>)}</span>
      </span>
      <button type="button" class="small" onClick={zoom}>Zoom in</button>
      <button type="button" class="small" onClick={() => (session.range.value = null)}>Clear</button>
    </div>
  );
}

function Card({ node, x, y }: { node: Node; x: number; y: number }) {
  const { tokens } = node;
  const side = x > innerWidth - 340 ? { right: `${innerWidth - x + 12}px` } : { left: `${x + 14}px` };
  return (
    <div class="card" role="tooltip" style={{ ...side, top: `${y + 16}px` }}>
      <strong><i class={`key key-${node.isError ? "error" : node.kind}`} />{line(nameOf(node))}</strong>
      {besideOf(node) && <p class="mono">{line(besideOf(node).slice(0, 160))}</p>}
      <dl>
        <dt>at</dt><dd>{clockSeconds(node.start, 1)}</dd>
        {node.latency !== null && <><dt>took</dt><dd>{duration(node.latency)}</dd></>}
        {node.unknown > 0 && <><dt>work or waiting</dt><dd>{duration(node.unknown)}</dd></>}
        {node.wait > 0 && <><dt>waited for you</dt><dd>{duration(node.wait)}</dd></>}
        {(node.kind === "call" || node.kind === "agent" || node.kind === "turn") && (
          <>
            <dt>tokens</dt><dd>{short(tokens.input)} in · {short(tokens.output)} out · {short(tokens.cache_read)} cache read · {short(tokens.cache_write)} written</dd>
          </>
        )}
        {node.cost !== null && <><dt>cost</dt><dd>{dollars(node.cost)}</dd></>}
      </dl>
      {node.isError && node.error && <p class="bad">{line(node.error.slice(0, 200))}</p>}
    </div>
  );
}


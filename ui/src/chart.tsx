/**
 * Stacked charts on a canvas: one bar a bucket, or a filled line where there are more buckets than pixels for bars.
 * Pointed at by mouse, finger or arrow keys; legend and figures belong to the page around it.
 */

import { useEffect, useRef } from "preact/hooks";

export interface Layer {
  name: string;
  /** Name of a custom property of the page's style: `--t-input`. */
  colour: string;
  values: number[];
}

export interface Mark {
  /** Place in buckets: 3 is before the fourth, 3.5 in its middle. */
  at: number;
  label: string;
  colour: string;
}

interface Props {
  /** Number of buckets. */
  count: number;
  layers: Layer[];
  height: number;
  label: string;
  marks?: Mark[];
  xText: (index: number) => string;
  yText: (value: number) => string;
  pointed: number | null;
  point: (index: number | null) => void;
  choose?: (index: number) => void;
}

const LEFT = 56;
const RIGHT = 10;
const TOP = 18;
const BOTTOM = 24;
/** Narrower bars are drawn as one filled line. */
const LEAST_BAR = 3;

export function Chart(props: Props) {
  const canvas = useRef<HTMLCanvasElement>(null);
  const latest = useRef(props);
  latest.current = props;
  const draw = useRef(() => {});
  useEffect(() => {
    const element = canvas.current!;
    draw.current = () => paint(element, latest.current);
    const sized = new ResizeObserver(() => draw.current());
    sized.observe(element);
    const scheme = matchMedia("(prefers-color-scheme: dark)");
    const again = () => draw.current();
    scheme.addEventListener("change", again);
    return () => {
      sized.disconnect();
      scheme.removeEventListener("change", again);
    };
  }, []);
  useEffect(() => draw.current());

  const { count, pointed, point, choose, height } = props;
  const at = (event: PointerEvent) => {
    const { left, width } = canvas.current!.getBoundingClientRect();
    const index = Math.floor(((event.clientX - left - LEFT) / (width - LEFT - RIGHT)) * count);
    return index >= 0 && index < count ? index : null;
  };
  return (
    <div
      class="chart"
      role="group"
      tabIndex={0}
      aria-label={`${props.label} Arrow keys show the figures of one.`}
      style={{ height: `${height}px` }}
      onPointerMove={(event) => point(at(event))}
      onPointerLeave={() => point(null)}
      onClick={(event) => {
        const index = at(event as unknown as PointerEvent);
        if (index !== null) choose?.(index);
      }}
      onBlur={() => point(null)}
      onKeyDown={(event) => {
        const steps: Record<string, number> = { ArrowLeft: -1, ArrowRight: 1, PageUp: -10, PageDown: 10, Home: -count, End: count };
        const step = steps[event.key];
        if (step !== undefined) point(Math.max(0, Math.min(count - 1, (pointed ?? (step > 0 ? -1 : count)) + step)));
        else if (event.key === "Enter" && pointed !== null) choose?.(pointed);
        else if (event.key === "Escape") point(null);
        else return;
        event.preventDefault();
      }}
    >
      <canvas ref={canvas} aria-hidden="true" />
    </div>
  );
}

/** About four round steps up to a value. */
function ticks(most: number): number[] {
  const rough = most / 4;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 2.5, 5, 10].map((it) => it * power).find((it) => it >= rough)!;
  return Array.from({ length: Math.floor(most / step) + 1 }, (_, index) => index * step);
}

function paint(canvas: HTMLCanvasElement, { count, layers, height, marks = [], xText, yText, pointed }: Props): void {
  const width = canvas.parentElement!.clientWidth;
  const ratio = devicePixelRatio;
  if (canvas.width !== Math.round(width * ratio) || canvas.height !== Math.round(height * ratio)) {
    canvas.width = Math.round(width * ratio);
    canvas.height = Math.round(height * ratio);
  }
  const context = canvas.getContext("2d")!;
  const style = getComputedStyle(canvas);
  const colour = (name: string) => style.getPropertyValue(name).trim();
  context.setTransform(ratio, 0, 0, ratio, 0, 0);
  context.clearRect(0, 0, width, height);
  context.font = "11px system-ui, sans-serif";
  context.textBaseline = "middle";
  const wide = width - LEFT - RIGHT;
  const high = height - TOP - BOTTOM;
  const floor = TOP + high;
  const step = wide / Math.max(1, count);
  const sums = Array.from({ length: count }, (_, index) => layers.reduce((sum, layer) => sum + (layer.values[index] ?? 0), 0));
  const most = Math.max(...sums, 1e-9) * 1.04;
  const y = (value: number) => floor - (value / most) * high;

  context.textAlign = "right";
  for (const tick of ticks(most)) {
    context.fillStyle = colour("--line");
    context.fillRect(LEFT, Math.round(y(tick)), wide, 1);
    context.fillStyle = colour("--muted");
    context.fillText(yText(tick), LEFT - 8, y(tick));
  }
  if (pointed !== null) {
    context.fillStyle = colour("--shade");
    context.fillRect(LEFT + pointed * step, TOP, Math.max(2, step), high);
  }
  const base = new Float64Array(count);
  const gap = step >= 8 ? Math.min(4, step * 0.18) : step > LEAST_BAR ? 1 : 0;
  const bar = Math.min(56, step - gap);
  for (const layer of layers) {
    context.fillStyle = colour(layer.colour);
    context.beginPath();
    for (let index = 0; index < count; index++) {
      const value = layer.values[index] ?? 0;
      const bottom = y(base[index]!);
      base[index]! += value;
      const top = y(base[index]!);
      if (bottom - top < 0.2) continue;
      // Without a gap, bars overlap a little: no seams between them.
      context.rect(LEFT + index * step + (step - bar) / 2, top, gap ? bar : bar + 0.6, bottom - top);
    }
    context.fill();
  }

  context.fillStyle = colour("--muted");
  const every = Math.max(1, Math.ceil(64 / step));
  for (let index = 0; index < count; index += every) {
    const x = LEFT + (index + 0.5) * step;
    context.textAlign = x + 24 > width ? "right" : "center";
    context.fillText(xText(index), Math.min(width - 4, x), floor + 14);
  }
  let free = -Infinity;
  for (const mark of marks) {
    const x = LEFT + mark.at * step;
    context.fillStyle = colour(mark.colour);
    context.fillRect(Math.round(x), TOP, 1.5, high);
    const room = context.measureText(mark.label).width;
    const isLeft = x + room + 8 > width;
    const from = isLeft ? x - room : x;
    if (from < free) continue;
    context.textAlign = "left";
    context.fillStyle = colour("--text");
    context.fillText(mark.label, from, TOP / 2);
    free = from + room + 10;
  }
}

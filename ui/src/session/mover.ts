/** Moves, zooms and selects in the lanes: by mouse, touch, wheel and keyboard, with a short glide. */

import type { LanesCanvas } from "./canvas";
import type { Node } from "./model";
import type { OpenSession } from "./state";

/** Called with the node under the mouse, and the mouse's position in the window. */
export type Hover = (node: Node | null, x: number, y: number) => void;

interface Drag {
  kind: "range" | "pan";
  x: number;
  /** Position on the folded axis where the drag began. */
  at: number;
  /** The visible part when the drag began. */
  from: number;
  to: number;
  isMoved: boolean;
}

/** Height in pixels of the ruler, in which a drag moves the view. */
const RULER = 18;
/** Pixels that a pointer may move during a click. */
const TREMBLE = 3;
/** Share of the way to its goal that the view moves in one frame. */
const GLIDE = 0.34;

export class Mover {
  private frame = 0;
  private goal: { from: number; to: number } | null = null;
  private drag: Drag | null = null;
  private readonly pointers = new Map<number, { x: number; y: number }>();
  private readonly isStill = matchMedia("(prefers-reduced-motion: reduce)");

  constructor(
    private readonly session: OpenSession,
    private readonly view: LanesCanvas,
    private readonly box: HTMLDivElement,
    private readonly hover: Hover,
  ) {}

  redraw(): void {
    this.frame ||= requestAnimationFrame(() => {
      this.frame = 0;
      const { goal, view } = this;
      if (goal) {
        const far = Math.abs(goal.from - view.from) + Math.abs(goal.to - view.to);
        const isThere = this.isStill.matches || far < (goal.to - goal.from) * 0.004;
        const part = isThere ? 1 : GLIDE;
        view.show(view.from + (goal.from - view.from) * part, view.to + (goal.to - view.to) * part);
        if (isThere) this.goal = null;
      }
      view.draw();
      if (this.goal) this.redraw();
    });
  }

  /** Called after the model changed, which changes the axis. */
  settle(): void {
    this.goal = null;
    this.redraw();
  }

  private get now() {
    return this.goal ?? this.view;
  }

  private jump(from: number, to: number): void {
    this.goal = null;
    this.view.show(from, to);
    this.redraw();
  }

  private glide(from: number, to: number): void {
    const all = this.view.folded.length;
    const length = Math.min(all, Math.max(20, to - from));
    const start = Math.max(0, Math.min(all - length, (from + to - length) / 2));
    this.goal = { from: start, to: start + length };
    this.redraw();
  }

  fit(): void {
    this.glide(0, this.view.folded.length);
  }

  private zoom(factor: number, around: number): void {
    const { from, to } = this.now;
    this.glide(around - (around - from) * factor, around + (to - around) * factor);
  }

  private pan(by: number): void {
    const { from, to } = this.now;
    const start = Math.max(0, Math.min(this.view.folded.length - (to - from), from + by));
    this.glide(start, start + to - from);
  }

  zoomTo(range: { from: number; to: number } | null): void {
    if (!range) return;
    const from = this.view.folded.fold(range.from);
    const to = this.view.folded.fold(range.to);
    const margin = (to - from) * 0.04;
    this.glide(from - margin, to + margin);
  }

  private zoomToNode({ start, end }: Node): void {
    this.zoomTo({ from: start, to: end });
  }

  /** Makes a node visible, with the smallest possible change. */
  reveal(node: Node): void {
    const { view, box } = this;
    const { from, to } = this.now;
    const start = view.folded.fold(node.start);
    const end = view.folded.fold(node.end);
    if (start > to || end < from) this.pan((start + end) / 2 - (from + to) / 2);
    const top = node.kind === "turn" ? null : view.topOf(node);
    if (top === null) return;
    if (top - 38 < box.scrollTop) box.scrollTop = top - 38;
    else if (top + 40 > box.scrollTop + box.clientHeight) box.scrollTop = top + 48 - box.clientHeight;
  }

  /** Starts listening, and returns a function that stops it. */
  listen(map: HTMLCanvasElement): () => void {
    const abort = new AbortController();
    const { signal } = abort;
    const { box, view } = this;
    const on = <K extends keyof HTMLElementEventMap>(name: K, act: (event: HTMLElementEventMap[K]) => void, options?: AddEventListenerOptions) => box.addEventListener(name, act, { ...options, signal });
    on("pointerdown", (event) => this.down(event));
    on("pointermove", (event) => this.move(event));
    on("pointerup", (event) => this.up(event));
    on("pointercancel", (event) => this.up(event));
    on("pointerleave", () => this.over(null, 0, 0));
    on("dblclick", (event) => {
      const { x, y } = this.place(event);
      const node = view.hit(x, y);
      if (node) this.zoomToNode(node);
    });
    on("scroll", () => {
      view.scroll = box.scrollTop;
      this.redraw();
    }, { passive: true });
    on("wheel", (event) => this.wheel(event), { passive: false });
    on("keydown", (event) => this.key(event));
    this.listenMap(map, signal);
    return () => {
      abort.abort();
      cancelAnimationFrame(this.frame);
    };
  }

  private place(event: MouseEvent): { x: number; y: number } {
    const bounds = this.box.getBoundingClientRect();
    return { x: event.clientX - bounds.left, y: event.clientY - bounds.top };
  }

  private over(node: Node | null, x: number, y: number): void {
    if (node !== this.view.hovered) {
      this.view.hovered = node;
      this.redraw();
    }
    this.hover(node, x, y);
  }

  private down(event: PointerEvent): void {
    const at = this.place(event);
    if (event.button > 1 || at.x > this.box.clientWidth) return;
    this.box.setPointerCapture(event.pointerId);
    this.pointers.set(event.pointerId, at);
    const isPan = event.shiftKey || event.button === 1 || event.pointerType === "touch" || at.y < RULER;
    const { from, to } = this.now;
    this.drag = { kind: isPan ? "pan" : "range", x: at.x, at: this.view.position(at.x), from, to, isMoved: false };
    this.over(null, 0, 0);
  }

  private move(event: PointerEvent): void {
    const at = this.place(event);
    const { drag, view } = this;
    if (!drag) {
      if (event.pointerType === "mouse") this.over(view.hit(at.x, at.y), event.clientX, event.clientY);
      return;
    }
    const before = this.pointers.get(event.pointerId);
    if (!before) return;
    this.pointers.set(event.pointerId, at);
    if (Math.abs(at.x - drag.x) > TREMBLE) drag.isMoved = true;
    if (this.pointers.size === 2) {
      const other = [...this.pointers].find(([id]) => id !== event.pointerId)![1];
      this.zoom((Math.abs(before.x - other.x) || 1) / (Math.abs(at.x - other.x) || 1), view.position((at.x + other.x) / 2));
      drag.isMoved = true;
    } else if (drag.isMoved && drag.kind === "range") {
      const position = view.position(Math.max(view.gutter, at.x));
      this.session.range.value = { from: view.folded.unfold(Math.min(drag.at, position)), to: view.folded.unfold(Math.max(drag.at, position)) };
    } else if (drag.isMoved) {
      const by = ((drag.x - at.x) / (view.width - view.gutter)) * (drag.to - drag.from);
      this.jump(drag.from + by, drag.to + by);
    }
  }

  private up(event: PointerEvent): void {
    this.pointers.delete(event.pointerId);
    const { drag } = this;
    if (!drag || this.pointers.size) return;
    this.drag = null;
    if (drag.isMoved || event.type !== "pointerup") return;
    const { x, y } = this.place(event);
    const node = this.view.hit(x, y);
    if (node) this.session.select(node);
    else this.session.range.value = null;
  }

  private wheel(event: WheelEvent): void {
    const { view, box } = this;
    const isScrollable = box.scrollHeight > box.clientHeight + 2;
    const isSideways = event.shiftKey || Math.abs(event.deltaX) > Math.abs(event.deltaY);
    const { from, to } = this.now;
    if (event.ctrlKey || event.metaKey || (!isScrollable && !isSideways)) {
      this.zoom(Math.exp(Math.max(-60, Math.min(60, event.deltaY)) * 0.006), view.position(Math.max(view.gutter, this.place(event).x)));
    } else if (isSideways) {
      this.pan(((event.deltaX || event.deltaY) / (view.width - view.gutter)) * (to - from));
    } else return;
    event.preventDefault();
  }

  private key(event: KeyboardEvent): void {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const { session, view } = this;
    const { from, to } = this.now;
    const node = view.selected;
    const middle = node ? view.folded.fold((node.start + node.end) / 2) : -1;
    const around = middle >= from && middle <= to ? middle : (from + to) / 2;
    const keys: Record<string, () => void> = {
      w: () => this.zoom(0.62, around),
      "+": () => this.zoom(0.62, around),
      s: () => this.zoom(1.6, around),
      "-": () => this.zoom(1.6, around),
      a: () => this.pan((from - to) * 0.2),
      d: () => this.pan((to - from) * 0.2),
      f: () => this.fit(),
      "0": () => this.fit(),
      ArrowRight: () => this.step(1),
      ArrowLeft: () => this.step(-1),
      Enter: () => node && this.zoomToNode(node),
      x: () => node && session.toggleRange(node),
      Escape: () => (session.range.value = null),
    };
    const act = keys[event.key] ?? keys[event.key.toLowerCase()];
    if (!act) return;
    event.preventDefault();
    event.stopPropagation();
    act();
  }

  /** Selects the event before or after, in time and over all lanes. */
  private step(by: number): void {
    const node = this.view.selected;
    const all = this.session.model.lanes.flatMap(({ calls, tools }) => [calls, ...tools].flat()).sort((one, other) => one.start - other.start || one.n - other.n);
    const index = node ? all.indexOf(node) : -1;
    const next = index < 0 ? all.find((it) => !node || it.start >= node.start) : all[index + by];
    if (next) this.session.select(next);
  }

  /** Listens on the minimap: a drag moves the visible part, or one of its ends. */
  private listenMap(map: HTMLCanvasElement, signal: AbortSignal): void {
    const { view } = this;
    const unit = () => view.folded.length / (view.width - view.gutter);
    const at = (event: PointerEvent) => (event.clientX - map.getBoundingClientRect().left - view.gutter) * unit();
    let hold: { grip: "from" | "to" | "both"; shift: number } | null = null;
    map.addEventListener("pointerdown", (event) => {
      map.setPointerCapture(event.pointerId);
      const place = at(event);
      const near = 6 * unit();
      const { from, to } = view;
      const isAll = to - from >= view.folded.length * 0.999;
      if (!isAll && Math.abs(place - from) < near) hold = { grip: "from", shift: 0 };
      else if (!isAll && Math.abs(place - to) < near) hold = { grip: "to", shift: 0 };
      else if (!isAll && place >= from && place <= to) hold = { grip: "both", shift: place - from };
      else {
        const length = isAll ? view.folded.length / 8 : to - from;
        this.glide(place - length / 2, place + length / 2);
        hold = { grip: "both", shift: length / 2 };
      }
    }, { signal });
    map.addEventListener("pointermove", (event) => {
      if (!hold) return;
      const place = at(event);
      const { from, to } = this.now;
      if (hold.grip === "from") this.jump(Math.min(place, to - 20), to);
      else if (hold.grip === "to") this.jump(from, Math.max(place, from + 20));
      else this.jump(place - hold.shift, place - hold.shift + (to - from));
    }, { signal });
    for (const end of ["pointerup", "pointercancel"] as const) map.addEventListener(end, () => (hold = null), { signal });
  }
}

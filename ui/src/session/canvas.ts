/** The lanes on their canvas: their contents and places. Knows nothing of the page around it. */

import { clock, clockSeconds, duration } from "../format";
import { FoldedTime } from "./folded";
import { nameOf, type Lane, type Model, type Node } from "./model";

/** Nodes of one row with their places on the folded axis. */
interface Track {
  nodes: Node[];
  from: Float64Array;
  /** Positions where waiting ends and work begins. */
  work: Float64Array;
  to: Float64Array;
  /** The largest `to` so far, by which the first visible node is found. */
  reach: Float64Array;
  height: number;
  /** Distance from the top of the lane, in pixels. */
  top: number;
}

interface Strip {
  lane: Lane;
  tracks: Track[];
  top: number;
  height: number;
}

const HEAD = 38;
const RULER = 18;
const CALL = 15;
const TOOL = 10;
const PAD = 6;
const STEPS = [1, 2, 5, 10, 20, 50, 100, 200, 500, 1e3, 2e3, 5e3, 1e4, 15e3, 30e3, 6e4, 12e4, 3e5, 6e5, 9e5, 18e5, 36e5, 72e5, 108e5, 216e5, 432e5, 864e5];

export interface Palette {
  [name: string]: string;
}

const COLOURS = ["surface", "raised", "line", "text", "muted", "accent", "on-accent", "tool", "on-tool", "agent", "wait", "error", "select", "shade"];

/** The tool that started an agent; `null` for the session's own. */
function agentOf(lane: Lane): Node | null {
  if (!lane.id) return null;
  for (let above = lane.calls[0]?.above; above; above = above.above) if (above.kind === "agent") return above;
  return null;
}

export class LanesCanvas {
  folded = new FoldedTime({ lanes: [], start: 0, end: 1 } as unknown as Model);
  private strips: Strip[] = [];
  private turns: Track | null = null;
  private palette: Palette = {};
  private hatches = new Map<string, CanvasPattern>();
  gutter = 116;
  width = 600;
  height = 200;
  scroll = 0;
  /** Start of the visible part of the folded axis, in milliseconds. */
  from = 0;
  to = 1;
  contentHeight = HEAD;
  selected: Node | null = null;
  hovered: Node | null = null;
  range: { from: number; to: number } | null = null;

  constructor(private readonly canvas: HTMLCanvasElement, private readonly map: HTMLCanvasElement) {}

  /** Reads the colours of the page, which change with its colour scheme. */
  readColours(): void {
    const style = getComputedStyle(this.canvas);
    for (const name of COLOURS) this.palette[name] = style.getPropertyValue(`--${name}`).trim();
    this.hatches.clear();
  }

  build(model: Model): void {
    const wasFit = this.from <= 0 && this.to >= this.folded.length;
    const wasAtEnd = this.to >= this.folded.length * 0.999;
    const length = this.to - this.from;
    this.folded = new FoldedTime(model);
    let top = HEAD;
    this.strips = model.lanes.map((lane) => {
      let inside = PAD;
      const tracks: Track[] = [];
      const add = (nodes: Node[], height: number) => {
        tracks.push(this.track(nodes, height, inside));
        inside += height + 2;
      };
      add(lane.calls, CALL);
      for (const row of lane.tools) add(row, TOOL);
      const strip = { lane, tracks, top, height: inside + PAD - 2 };
      top += strip.height;
      return strip;
    });
    this.turns = this.track(model.turns, RULER - 2, RULER);
    this.contentHeight = top + 4;
    if (wasFit) this.show(0, this.folded.length);
    else if (wasAtEnd) this.show(this.folded.length - length, this.folded.length);
  }

  private track(nodes: Node[], height: number, top: number): Track {
    const count = nodes.length;
    const track: Track = { nodes, height, top, from: new Float64Array(count), work: new Float64Array(count), to: new Float64Array(count), reach: new Float64Array(count) };
    let reach = -1;
    for (let index = 0; index < count; index++) {
      const node = nodes[index]!;
      track.from[index] = this.folded.fold(node.start);
      track.work[index] = node.wait ? this.folded.fold(node.start + node.wait * 1000) : track.from[index]!;
      track.to[index] = this.folded.fold(node.end);
      reach = Math.max(reach, track.to[index]!);
      track.reach[index] = reach;
    }
    return track;
  }

  /** Changes the visible part. */
  show(from: number, to: number): void {
    const { length: all } = this.folded;
    // At least 20 ms are visible.
    const length = Math.min(all, Math.max(20, to - from));
    const start = Math.max(0, Math.min(all - length, (from + to - length) / 2));
    this.from = start;
    this.to = start + length;
  }

  resize(width: number, height: number): void {
    this.width = width;
    this.height = height;
    this.gutter = width < 640 ? 64 : 116;
    const ratio = devicePixelRatio;
    for (const [canvas, tall] of [[this.canvas, height], [this.map, 26]] as const) {
      canvas.width = Math.round(width * ratio);
      canvas.height = Math.round(tall * ratio);
      canvas.style.width = `${width}px`;
      canvas.style.height = `${tall}px`;
    }
  }

  private get scale(): number {
    return (this.width - this.gutter) / (this.to - this.from);
  }

  x(position: number): number {
    return this.gutter + (position - this.from) * this.scale;
  }

  position(x: number): number {
    return this.from + (x - this.gutter) / this.scale;
  }

  private hatch(context: CanvasRenderingContext2D, colour: string, background: string): CanvasPattern | string {
    const key = `${colour} ${background}`;
    let pattern = this.hatches.get(key);
    if (!pattern) {
      const tile = document.createElement("canvas");
      tile.width = tile.height = 6;
      const draw = tile.getContext("2d")!;
      draw.fillStyle = background;
      draw.fillRect(0, 0, 6, 6);
      draw.strokeStyle = colour;
      draw.lineWidth = 1.6;
      draw.beginPath();
      for (const shift of [-6, 0, 6]) {
        draw.moveTo(shift, 6);
        draw.lineTo(shift + 6, 0);
      }
      draw.stroke();
      pattern = context.createPattern(tile, "repeat")!;
      this.hatches.set(key, pattern);
    }
    return pattern;
  }

  draw(): void {
    const context = this.canvas.getContext("2d")!;
    const colour = this.palette;
    const { width, height, gutter } = this;
    context.setTransform(devicePixelRatio, 0, 0, devicePixelRatio, 0, 0);
    context.fillStyle = colour.surface!;
    context.fillRect(0, 0, width, height);
    context.font = "10.5px system-ui, sans-serif";
    context.textBaseline = "middle";
    context.save();
    context.beginPath();
    context.rect(gutter, 0, width - gutter, height);
    context.clip();
    this.drawIdle(context, height);
    for (const strip of this.strips) {
      const top = strip.top - this.scroll;
      if (top > height || top + strip.height < HEAD) continue;
      for (const track of strip.tracks) this.drawTrack(context, track, top + track.top);
      context.fillStyle = colour.line!;
      context.fillRect(gutter, Math.round(top + strip.height) - 1, width - gutter, 1);
    }
    this.drawHead(context);
    this.drawRange(context, height);
    context.restore();
    this.drawLabels(context);
    this.drawMap();
  }

  private drawIdle(context: CanvasRenderingContext2D, height: number): void {
    for (const segment of this.folded.between(this.from, this.to)) {
      if (!segment.isIdle) continue;
      const x = this.x(segment.at);
      const wide = segment.length * this.scale;
      context.fillStyle = this.palette.shade!;
      context.fillRect(x, HEAD, Math.max(1, wide), height);
    }
  }

  private first(track: Track): number {
    let low = 0;
    let high = track.nodes.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (track.reach[middle]! < this.from) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  private drawTrack(context: CanvasRenderingContext2D, track: Track, y: number): void {
    if (y + track.height < HEAD || y > this.height) return;
    const colour = this.palette;
    let drawn = -1;
    for (let index = this.first(track); index < track.nodes.length; index++) {
      if (track.from[index]! > this.to) break;
      const node = track.nodes[index]!;
      const x = this.x(track.from[index]!);
      const end = this.x(track.to[index]!);
      // A node that ends within a pixel already drawn would not be visible; errors are always shown.
      if (end < drawn && !node.isError && node !== this.selected) continue;
      const wide = Math.max(1.5, end - x - (end - x > 3 ? 0.75 : 0));
      const isCall = node.kind === "call";
      const fill = node.isError ? colour.error! : isCall ? colour.accent! : node.kind === "agent" ? colour.agent! : colour.tool!;
      const work = this.x(track.work[index]!);
      if (node.wait && work - x > 0.5) {
        context.fillStyle = this.hatch(context, colour.wait!, colour.raised!);
        context.fillRect(x, y, Math.max(1.5, work - x), track.height);
      }
      context.fillStyle = node.unknown && !node.isError ? this.hatch(context, fill, colour.raised!) : fill;
      if (end - work > 0.2 || !node.wait) context.fillRect(work, y, Math.max(1.5, wide - (work - x)), track.height);
      drawn = Math.max(drawn, x + Math.max(1, wide));
      if (node === this.selected || node === this.hovered) {
        context.strokeStyle = colour.text!;
        context.lineWidth = node === this.selected ? 2 : 1;
        context.strokeRect(x - 0.5, y - 0.5, Math.max(3, wide) + 1, track.height + 1);
      }
      const from = Math.max(work, this.gutter);
      if (end - from > 34 && track.height >= TOOL && !node.unknown) this.write(context, nameOf(node), from + 4, y + track.height / 2 + 0.5, end - from - 8, isCall || node.isError || node.kind === "agent" ? colour["on-accent"]! : colour["on-tool"]!);
    }
  }

  private write(context: CanvasRenderingContext2D, text: string, x: number, y: number, wide: number, colour: string): void {
    const room = Math.floor(wide / 5.6);
    if (room < 3) return;
    context.fillStyle = colour;
    context.fillText(text.length > room ? `${text.slice(0, room - 1)}…` : text, x, y);
  }

  /** Ruler and turns: above all lanes, at any scroll. */
  private drawHead(context: CanvasRenderingContext2D): void {
    const { palette: colour, width, gutter } = this;
    context.fillStyle = colour.surface!;
    context.fillRect(gutter, 0, width, HEAD);
    const step = STEPS.find((it) => it * this.scale >= 84) ?? STEPS.at(-1)!;
    const label = (time: number) => (step >= 60_000 ? clock(time) : clockSeconds(time, step < 1000 ? 3 : 0));
    const segments = this.folded.between(this.from, this.to);
    context.fillStyle = colour.shade!;
    for (const segment of segments) if (segment.isIdle) context.fillRect(this.x(segment.at), 0, Math.max(1, segment.length * this.scale), HEAD);
    let free = gutter;
    for (const segment of segments) {
      const x = this.x(segment.at);
      if (segment.isIdle) {
        const wide = segment.length * this.scale;
        const text = duration((segment.to - segment.from) / 1000).replace(/ 0\d [ms]$/, "");
        const room = context.measureText(text).width;
        if (room + 4 <= wide) {
          context.fillStyle = colour.muted!;
          context.fillText(text, x + (wide - room) / 2, RULER / 2 + 1);
        }
        free = Math.max(free, x + wide);
        continue;
      }
      const edge = x + segment.length * this.scale;
      const start = Math.max(segment.from, this.folded.unfold(Math.max(this.from, segment.at)));
      const end = Math.min(segment.to, this.folded.unfold(Math.min(this.to, segment.at + segment.length)));
      for (let time = Math.ceil(start / step) * step; time <= end; time += step) {
        const at = this.x(this.folded.fold(time));
        context.fillStyle = colour.line!;
        context.fillRect(Math.round(at), 0, 1, RULER);
        const text = label(time);
        const room = context.measureText(text).width + 6;
        if (at < free || (at + room > edge && edge < this.width)) continue;
        context.fillStyle = colour.muted!;
        context.fillText(text, at + 4, RULER / 2 + 1);
        free = at + room + 10;
      }
    }
    context.fillStyle = colour.line!;
    context.fillRect(gutter, RULER - 1, width, 1);
    const track = this.turns;
    if (!track) return;
    for (let index = this.first(track); index < track.nodes.length && track.from[index]! <= this.to; index++) {
      const node = track.nodes[index]!;
      const x = this.x(track.from[index]!);
      const end = this.x(track.to[index]!);
      const wide = Math.max(1.5, end - x - 1);
      context.fillStyle = colour.raised!;
      context.fillRect(x, RULER + 1, wide, RULER - 2);
      context.fillStyle = node.isError ? colour.error! : colour.muted!;
      context.fillRect(x, RULER + 1, 1.5, RULER - 2);
      if (node === this.selected || node === this.hovered) {
        context.strokeStyle = colour.text!;
        context.lineWidth = node === this.selected ? 2 : 1;
        context.strokeRect(x + 0.5, RULER + 1.5, Math.max(3, wide) - 1, RULER - 3);
      }
      const from = Math.max(x, gutter);
      this.write(context, node.name, from + 6, RULER + RULER / 2 + 0.5, end - from - 12, colour.text!);
    }
    context.fillStyle = colour.line!;
    context.fillRect(gutter, HEAD - 1, width, 1);
  }

  private drawRange(context: CanvasRenderingContext2D, height: number): void {
    if (!this.range) return;
    const from = this.x(this.folded.fold(this.range.from));
    const to = this.x(this.folded.fold(this.range.to));
    context.fillStyle = this.palette.select!;
    context.fillRect(from, 0, to - from, height);
    context.fillStyle = this.palette.accent!;
    context.fillRect(from - 0.5, 0, 1, height);
    context.fillRect(to - 0.5, 0, 1, height);
  }

  private drawLabels(context: CanvasRenderingContext2D): void {
    const { palette: colour, gutter, height } = this;
    context.fillStyle = colour.surface!;
    context.fillRect(0, 0, gutter, height);
    for (const strip of this.strips) {
      const top = strip.top - this.scroll;
      if (top > height || top + strip.height < HEAD) continue;
      const room = Math.floor((gutter - 14) / 5.8);
      const text = strip.lane.label;
      context.fillStyle = strip.lane.id ? colour.muted! : colour.text!;
      context.fillText(text.length > room ? `${text.slice(0, room - 1)}…` : text, 12, top + PAD + CALL / 2 + 1);
      context.fillStyle = colour.line!;
      context.fillRect(0, Math.round(top + strip.height) - 1, gutter, 1);
    }
    context.fillStyle = colour.surface!;
    context.fillRect(0, 0, gutter, HEAD);
    context.fillStyle = colour.muted!;
    context.fillText("turns", 12, RULER + RULER / 2 + 0.5);
    context.fillStyle = colour.line!;
    context.fillRect(0, HEAD - 1, gutter, 1);
    context.fillRect(0, RULER - 1, gutter, 1);
    context.fillRect(gutter - 1, 0, 1, height);
  }

  private mapPicture: { key: string; picture: HTMLCanvasElement } | null = null;

  private drawMap(): void {
    const context = this.map.getContext("2d")!;
    const { width, gutter, palette: colour } = this;
    const key = `${width} ${this.folded.length} ${this.contentHeight} ${colour.surface} ${devicePixelRatio} ${this.strips.reduce((sum, { lane }) => sum + lane.calls.length + lane.tools.length, 0)}`;
    if (this.mapPicture?.key !== key) this.mapPicture = { key, picture: this.overview() };
    context.setTransform(1, 0, 0, 1, 0, 0);
    context.drawImage(this.mapPicture.picture, 0, 0);
    context.setTransform(devicePixelRatio, 0, 0, devicePixelRatio, 0, 0);
    const perUnit = (width - gutter) / this.folded.length;
    const from = gutter + this.from * perUnit;
    const to = gutter + this.to * perUnit;
    context.fillStyle = colour.select!;
    context.fillRect(from, 0, Math.max(2, to - from), 26);
    context.strokeStyle = colour.accent!;
    context.lineWidth = 1;
    context.strokeRect(from + 0.5, 0.5, Math.max(2, to - from - 1), 25);
    if (this.range) {
      context.fillStyle = colour.accent!;
      const x = gutter + this.folded.fold(this.range.from) * perUnit;
      context.fillRect(x, 23, Math.max(2, gutter + this.folded.fold(this.range.to) * perUnit - x), 3);
    }
  }

  /** The whole session, one column per pixel: the share of it in which models and tools worked. */
  private overview(): HTMLCanvasElement {
    const picture = document.createElement("canvas");
    picture.width = this.map.width;
    picture.height = this.map.height;
    const context = picture.getContext("2d")!;
    const colour = this.palette;
    context.setTransform(devicePixelRatio, 0, 0, devicePixelRatio, 0, 0);
    context.fillStyle = colour.surface!;
    context.fillRect(0, 0, this.width, 26);
    const columns = Math.max(1, Math.floor(this.width - this.gutter));
    const perUnit = columns / this.folded.length;
    const load = { call: new Float32Array(columns), tool: new Float32Array(columns), error: new Uint8Array(columns) };
    for (const { tracks } of this.strips) {
      tracks.forEach((track, row) => {
        const into = row === 0 ? load.call : load.tool;
        for (let index = 0; index < track.nodes.length; index++) {
          const from = track.from[index]! * perUnit;
          const to = Math.max(from + 0.5, track.to[index]! * perUnit);
          for (let column = Math.floor(from); column < to && column < columns; column++) {
            into[column]! += Math.min(to, column + 1) - Math.max(from, column);
            if (track.nodes[index]!.isError) load.error[column] = 1;
          }
        }
      });
    }
    const high = (value: number, most: number) => Math.min(most, Math.sqrt(value) * most * 0.8);
    for (let column = 0; column < columns; column++) {
      const x = this.gutter + column;
      context.fillStyle = colour.accent!;
      const call = high(load.call[column]!, 12);
      context.fillRect(x, 13 - call, 1, call);
      context.fillStyle = colour.tool!;
      context.fillRect(x, 13, 1, high(load.tool[column]!, 9));
      if (load.error[column]) {
        context.fillStyle = colour.error!;
        context.fillRect(x, 22, 1.5, 4);
      }
    }
    context.fillStyle = colour.muted!;
    context.font = "10.5px system-ui, sans-serif";
    context.textBaseline = "middle";
    context.fillText("whole", 12, 13);
    context.fillStyle = colour.line!;
    context.fillRect(this.gutter - 1, 0, 1, 26);
    return picture;
  }

  /** The node at a position, with a tolerance of a few pixels around short ones. */
  hit(x: number, y: number): Node | null {
    if (y < HEAD && x < this.gutter) return null;
    if (y < HEAD) return y >= RULER && this.turns ? this.inTrack(this.turns, x, 0) : null;
    for (const strip of this.strips) {
      const top = strip.top - this.scroll;
      if (y < top || y >= top + strip.height) continue;
      // The name of a lane stands for the tool that started its agent.
      if (x < this.gutter) return agentOf(strip.lane);
      for (const track of strip.tracks) {
        if (y >= top + track.top - 1 && y <= top + track.top + track.height + 1) return this.inTrack(track, x, 3);
      }
    }
    return null;
  }

  private inTrack(track: Track, x: number, tolerance: number): Node | null {
    let best: Node | null = null;
    let distance = tolerance + 0.01;
    for (let index = this.first(track); index < track.nodes.length; index++) {
      const from = this.x(track.from[index]!);
      if (from > x + tolerance) break;
      const to = Math.max(from + 1.5, this.x(track.to[index]!));
      const away = x < from ? from - x : x > to ? x - to : 0;
      if (away < distance || (away === 0 && distance === 0)) {
        best = track.nodes[index]!;
        distance = away;
      }
    }
    return best;
  }

  /** Height at which a node's lane begins. */
  topOf(node: Node): number | null {
    const strip = this.strips.find(({ lane }) => lane.id === (node.subagent ?? ""));
    return strip ? strip.top : null;
  }
}

/** A time axis that folds idle time: hours without work take a few pixels. */

import type { Model } from "./model";

interface Segment {
  /** Real time, in milliseconds. */
  from: number;
  to: number;
  /** Position on the folded axis, in milliseconds. */
  at: number;
  /** Length on the folded axis, in milliseconds. */
  length: number;
  isIdle: boolean;
}

/** Shortest idle time to fold, in milliseconds. */
const LEAST = 15_000;
/** Longest waiting to show in full, in milliseconds; longer waiting, or doubtful work, is folded like idle time. */
const DOUBTFUL = 300_000;

export class FoldedTime {
  readonly segments: Segment[] = [];
  readonly length: number;

  constructor(model: Model) {
    const busy: [number, number][] = [];
    for (const lane of model.lanes) {
      for (const node of lane.calls) busy.push([node.start, node.end]);
      for (const row of lane.tools) {
        for (const node of row) {
          const work = node.latency === null ? Math.min(node.unknown * 1000, DOUBTFUL) : node.latency * 1000;
          const wait = node.wait * 1000;
          busy.push([node.end - work - (wait <= DOUBTFUL ? wait : 0), node.end]);
        }
      }
    }
    busy.sort((one, other) => one[0] - other[0]);
    const gaps: [number, number][] = [];
    let reached = model.start;
    let active = 0;
    for (const [from, to] of busy) {
      if (from - reached > LEAST) gaps.push([reached, from]);
      else if (from > reached) active += from - reached;
      if (to > reached) {
        active += to - Math.max(from, reached);
        reached = to;
      }
    }
    if (model.end - reached > LEAST) gaps.push([reached, model.end]);
    // Wide enough to show its duration, but all folds together are at most a quarter of the axis.
    const folded = Math.max(1000, Math.min(active * 0.055, (active * 0.25) / (gaps.length || 1)));
    let at = 0;
    let real = model.start;
    const push = (to: number, isIdle: boolean) => {
      if (to <= real) return;
      const length = isIdle ? Math.min(to - real, folded) : to - real;
      this.segments.push({ from: real, to, at, length, isIdle });
      at += length;
      real = to;
    };
    for (const [from, to] of gaps) {
      push(from, false);
      push(to, true);
    }
    push(model.end, false);
    this.length = Math.max(1, at);
  }

  private find(value: number, key: "from" | "at"): Segment | undefined {
    let low = 0;
    let high = this.segments.length - 1;
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if (this.segments[middle]![key] <= value) low = middle;
      else high = middle - 1;
    }
    return this.segments[low];
  }

  /** Position of a time on the axis. */
  fold(time: number): number {
    const segment = this.find(time, "from");
    if (!segment) return 0;
    const part = (time - segment.from) / (segment.to - segment.from);
    return segment.at + Math.max(0, Math.min(1, part)) * segment.length;
  }

  /** Time at a position on the axis. */
  unfold(position: number): number {
    const segment = this.find(position, "at");
    if (!segment) return 0;
    const part = (position - segment.at) / segment.length;
    return segment.from + Math.max(0, Math.min(1, part)) * (segment.to - segment.from);
  }

  /** Segments that are at least partly between two positions. */
  between(from: number, to: number): Segment[] {
    return this.segments.filter((segment) => segment.at < to && segment.at + segment.length > from);
  }
}

/** A list whose page only contains the visible rows. */

import type { ComponentChildren } from "preact";
import { useEffect, useLayoutEffect, useRef, useState } from "preact/hooks";

/** Places of rows. */
export interface Rows {
  count: number;
  /** Height of all rows. */
  height: number;
  top(index: number): number;
  /** The row at a height. */
  at(y: number): number;
}

export const uniform = (count: number, size: number): Rows => ({
  count,
  height: count * size,
  top: (index) => index * size,
  at: (y) => Math.floor(y / size),
});

/** Rows of different heights. */
export function various(heights: ArrayLike<number>): Rows {
  const tops = new Float64Array(heights.length + 1);
  for (let index = 0; index < heights.length; index++) tops[index + 1] = tops[index]! + heights[index]!;
  return {
    count: heights.length,
    height: tops[heights.length]!,
    top: (index) => tops[index]!,
    at: (y) => {
      let low = 0;
      let high = heights.length;
      while (low < high) {
        const middle = (low + high + 1) >> 1;
        if (tops[middle]! <= y) low = middle;
        else high = middle - 1;
      }
      return low;
    },
  };
}

interface Props {
  rows: Rows;
  /** Index of the active row, which is kept visible; -1 for none. */
  active: number;
  /** Changes when the active row has to be made visible again. */
  reveal?: unknown;
  render(index: number, top: number): ComponentChildren;
  class?: string;
  [attribute: string]: unknown;
}

const OVERSCAN = 8;

export function VirtualList({ rows, active, reveal, render, class: name = "", ...attributes }: Props) {
  const box = useRef<HTMLDivElement>(null);
  const [view, setView] = useState({ top: 0, height: 900 });

  useLayoutEffect(() => {
    const element = box.current!;
    const measure = () => setView((old) => (old.top === element.scrollTop && old.height === element.clientHeight ? old : { top: element.scrollTop, height: element.clientHeight }));
    const observer = new ResizeObserver(measure);
    observer.observe(element);
    element.addEventListener("scroll", measure, { passive: true });
    measure();
    return () => {
      observer.disconnect();
      element.removeEventListener("scroll", measure);
    };
  }, []);

  useEffect(() => {
    const element = box.current!;
    if (active < 0 || active >= rows.count) return;
    const top = rows.top(active);
    const bottom = rows.top(active + 1) || top + 24;
    if (top < element.scrollTop + 30) element.scrollTop = Math.max(0, top - 60);
    else if (bottom > element.scrollTop + element.clientHeight) element.scrollTop = bottom - element.clientHeight + 48;
  }, [active, reveal]);

  const first = Math.max(0, rows.at(view.top) - OVERSCAN);
  const last = Math.min(rows.count, rows.at(view.top + view.height) + 1 + OVERSCAN);
  const shown = [];
  for (let index = first; index < last; index++) shown.push(render(index, rows.top(index)));
  return (
    <div ref={box} class={`virtual ${name}`} tabIndex={0} {...attributes}>
      <div class="virtual-rows" style={{ height: `${rows.height}px` }} role="presentation">
        {shown}
      </div>
    </div>
  );
}

/** The next active row for a key; `null` if the key does not move. */
export function moved(key: string, active: number, count: number, page: number): number | null {
  const clamp = (index: number) => Math.max(0, Math.min(count - 1, index));
  switch (key) {
    case "ArrowDown":
    case "j":
      return clamp(active + 1);
    case "ArrowUp":
    case "k":
      return clamp(active - 1);
    case "PageDown":
      return clamp(active + page);
    case "PageUp":
      return clamp(active - page);
    case "Home":
      return clamp(0);
    case "End":
      return clamp(count - 1);
    default:
      return null;
  }
}

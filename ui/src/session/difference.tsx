/** A difference as rows. */

import { useMemo, useState } from "preact/hooks";
import { marked } from "../text";
import { changesOf, type Change, type Hunk } from "./diff";

/** Number of unchanged lines to keep around a change. */
const AROUND = 3;
/** Number of rows to show before the rest is opened. */
const ROWS = 400;

interface Row extends Change {
  /** The parts that differ from the line that this one replaces. */
  from?: number;
  to?: number;
}

export function Difference({ hunks, label }: { hunks: Hunk[]; label: string }) {
  const [isOpen, open] = useState(false);
  const rows = useMemo(() => hunks.flatMap((hunk, index) => [...(index ? [null] : []), ...shortened(paired(changesOf(hunk)))]), [hunks]);
  const shown = isOpen ? rows : rows.slice(0, ROWS);
  return (
    <div class="block">
      <pre class="diff" tabIndex={0} role="group" aria-label={label}>
        {shown.map((row, index) => {
          if (!row) return <div key={index} class="diff-gap">⋯</div>;
          const { kind, text, from, to } = row;
          const name = kind === "+" ? "added" : kind === "-" ? "removed" : "same";
          return (
            <div key={index} class={`diff-${name}`}>
              <span class="diff-sign">{kind}</span>
              <span>{from === undefined ? marked(text) : [marked(text.slice(0, from)), <b key="b">{marked(text.slice(from, to))}</b>, marked(text.slice(to))]}{"\n"}</span>
            </div>
          );
        })}
      </pre>
      {shown.length < rows.length && <button type="button" class="more" onClick={() => open(true)}>Show all: {rows.length - shown.length} lines more</button>}
    </div>
  );
}

/** Marks changes within a line where as many lines were added as removed. */
function paired(changes: Change[]): Row[] {
  const rows: Row[] = [...changes];
  for (let at = 0; at < rows.length; at++) {
    if (rows[at]!.kind !== "-") continue;
    let removed = 0;
    while (rows[at + removed]?.kind === "-") removed++;
    let added = 0;
    while (rows[at + removed + added]?.kind === "+") added++;
    if (removed === added) {
      for (let index = 0; index < removed; index++) {
        const before = rows[at + index]!;
        const after = rows[at + removed + index]!;
        let start = 0;
        while (start < before.text.length && before.text[start] === after.text[start]) start++;
        let end = 0;
        while (end < before.text.length - start && end < after.text.length - start && before.text.at(-1 - end) === after.text.at(-1 - end)) end++;
        if (start + end < Math.max(before.text.length, after.text.length) * 0.3) continue;
        rows[at + index] = { ...before, from: start, to: before.text.length - end };
        rows[at + removed + index] = { ...after, from: start, to: after.text.length - end };
      }
    }
    at += removed + added;
  }
  return rows;
}

/** Omits lines far from any change; `null` stands for them. */
function shortened(rows: Row[]): (Row | null)[] {
  const near = new Uint8Array(rows.length);
  rows.forEach((row, at) => {
    if (row.kind !== " ") for (let index = Math.max(0, at - AROUND); index <= at + AROUND && index < rows.length; index++) near[index] = 1;
  });
  const kept: (Row | null)[] = [];
  rows.forEach((row, at) => {
    if (near[at]) kept.push(row);
    else if (kept.at(-1) !== null && kept.length) kept.push(null);
  });
  if (kept.at(-1) === null) kept.pop();
  return kept;
}

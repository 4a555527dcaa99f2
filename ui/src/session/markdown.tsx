/** The part of Markdown that models write, as elements. Never as HTML: everything else stays text. */

import type { ComponentChildren, VNode } from "preact";
import { Block, marked } from "../text";

// Code, bold, italics. Links stay text: an address in a session is data, and nothing here leads elsewhere.
const INLINE = /(`+)([^`\n]+)\1|\*\*([^*\n]+)\*\*|(?<![\w*])\*([^*\s][^*\n]*)\*(?![\w*])/g;

function inline(text: string): ComponentChildren {
  const parts: ComponentChildren[] = [];
  let last = 0;
  for (const found of text.matchAll(INLINE)) {
    if (found.index > last) parts.push(marked(text.slice(last, found.index)));
    if (found[2] !== undefined) parts.push(<code>{marked(found[2])}</code>);
    else if (found[3] !== undefined) parts.push(<strong>{inline(found[3])}</strong>);
    else parts.push(<em>{marked(found[4]!)}</em>);
    last = found.index + found[0].length;
  }
  if (last < text.length) parts.push(marked(text.slice(last)));
  return parts;
}

const isRow = (text: string | undefined) => text !== undefined && /^\s*\|.*\|\s*$/.test(text);
const cells = (text: string) => text.trim().slice(1, -1).split("|").map((cell) => cell.trim());

export function Markdown({ text }: { text: string }) {
  const lines = text.split("\n");
  const blocks: VNode[] = [];
  let at = 0;
  const add = (node: VNode) => blocks.push(<div key={blocks.length} class="md-block">{node}</div>);
  while (at < lines.length) {
    const line = lines[at]!;
    const fence = /^\s*(```+|~~~+)/.exec(line)?.[1];
    if (fence) {
      let end = at + 1;
      while (end < lines.length && !lines[end]!.trim().startsWith(fence)) end++;
      add(<Block text={lines.slice(at + 1, end).join("\n")} />);
      at = end + 1;
    } else if (!line.trim()) {
      at++;
    } else if (/^#{1,6}\s/.test(line)) {
      add(<p class="md-head">{inline(line.replace(/^#+\s+/, ""))}</p>);
      at++;
    } else if (/^\s*([-*_])(\s*\1){2,}\s*$/.test(line)) {
      add(<hr />);
      at++;
    } else if (isRow(line) && isRow(lines[at + 1]) && /^[\s|:-]+$/.test(lines[at + 1]!)) {
      let end = at + 2;
      while (isRow(lines[end])) end++;
      add(
        <div class="md-table" tabIndex={0} role="group" aria-label="Table">
          <table>
            <thead><tr>{cells(line).map((cell, index) => <th key={index}>{inline(cell)}</th>)}</tr></thead>
            <tbody>{lines.slice(at + 2, end).map((row, index) => <tr key={index}>{cells(row).map((cell, column) => <td key={column}>{inline(cell)}</td>)}</tr>)}</tbody>
          </table>
        </div>,
      );
      at = end;
    } else {
      const item = /^(\s*)([-*+]|\d+[.)])\s+(.*)$/.exec(line);
      const quote = /^\s*>\s?(.*)$/.exec(line);
      if (item) {
        add(<p class="md-item" style={{ marginLeft: `${Math.min(6, item[1]!.length / 2) + 1.4}em` }}><span class="md-dot">{/\d/.test(item[2]!) ? item[2] : "•"}</span>{inline(item[3]!)}</p>);
        at++;
      } else if (quote) {
        add(<p class="md-quote">{inline(quote[1]!)}</p>);
        at++;
      } else {
        let end = at + 1;
        while (end < lines.length && lines[end]!.trim() && !/^\s*(```|~~~|#{1,6}\s|[-*+]\s|\d+[.)]\s|>|\|)/.test(lines[end]!)) end++;
        add(<p>{inline(lines.slice(at, end).join("\n"))}</p>);
        at = end;
      }
    }
  }
  return <div class="md">{blocks}</div>;
}

/**
 * Text of sessions. It is data, so it only ever becomes text nodes. Escape sequences are shown by their effect,
 * other control and invisible characters as symbols, and marks of redaction and truncation are highlighted.
 */

import type { ComponentChildren, VNode } from "preact";
import { useState } from "preact/hooks";

/** A mark that the program put in place of a secret, of text that was cut, or of an image. */
const MARKS = /\[redacted:[a-z0-9-]+(?::[0-9a-z]+)?\]|… \[truncated \d+ chars\]|\[(?:image|document|audio|file) [a-z]+\/[a-z0-9.+-]+, \d+ bytes\]/g;

/** Escape sequences: CSI, OSC (with its end), other two-character escapes. */
// eslint-disable-next-line no-control-regex
const ESCAPES = /\x1b\[([0-9;:?]*)[ -/]*([@-~])|\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)?|\x1b[@-Z\\-_a-z0-9=>()#]?/g;

/** Control characters except line feed and tab; and characters that are invisible or change the direction of writing. */
// eslint-disable-next-line no-control-regex
const CONTROLS = /[\x00-\x08\x0b-\x1f\x7f-\x9f\u00ad\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff\u{e0000}-\u{e007f}]/gu;

/** Names in ASCII, since few fonts have the pictures of control characters. */
const C0 = "NUL SOH STX ETX EOT ENQ ACK BEL BS HT LF VT FF CR SO SI DLE DC1 DC2 DC3 DC4 NAK SYN ETB CAN EM SUB ESC FS GS RS US".split(" ");
const NAMES: Record<number, string> = { 0x7f: "DEL", 0x200b: "ZWSP", 0x200d: "ZWJ", 0x200e: "LRM", 0x200f: "RLM", 0x202a: "LRE", 0x202b: "RLE", 0x202c: "PDF", 0x202d: "LRO", 0x202e: "RLO", 0x2066: "LRI", 0x2067: "RLI", 0x2068: "FSI", 0x2069: "PDI", 0xfeff: "BOM", 0xad: "SHY", 0x2028: "LS", 0x2029: "PS" };

function control(character: string): VNode {
  const code = character.codePointAt(0)!;
  const point = `U+${code.toString(16).toUpperCase().padStart(4, "0")}`;
  return <span class="ctl" title={point}>{C0[code] ?? NAMES[code] ?? point}</span>;
}

/** Splits a text by a pattern, and maps the matches and the text between them. */
function split(text: string, pattern: RegExp, between: (part: string) => ComponentChildren, match: (found: RegExpMatchArray) => ComponentChildren): ComponentChildren[] {
  const parts: ComponentChildren[] = [];
  let last = 0;
  for (const found of text.matchAll(pattern)) {
    if (found.index > last) parts.push(between(text.slice(last, found.index)));
    parts.push(match(found));
    last = found.index + found[0].length;
  }
  if (last < text.length) parts.push(between(last ? text.slice(last) : text));
  return parts;
}

const withControls = (text: string): ComponentChildren => (text.search(CONTROLS) < 0 ? text : split(text, CONTROLS, (part) => part, (found) => control(found[0])));

function mark(text: string): VNode {
  const secret = /^\[redacted:([^:\]]+)/.exec(text);
  if (secret) return <mark class="secret" title={`A secret was here (${secret[1]}). It was replaced before anything was stored or sent; equal secrets have equal marks.`}>{text}</mark>;
  const cut = text.startsWith("…");
  return <mark class="note" title={cut ? "The program shortened this text before sending." : "Binary content is replaced by this note."}>{text}</mark>;
}

/** Text with its marks and control characters; escape sequences count as control characters. */
export const marked = (text: string): ComponentChildren => split(text, MARKS, withControls, (found) => mark(found[0]));

/** The classes of an SGR style. */
function styled(classes: string[], codes: string): string[] {
  let now = classes;
  const list = (codes || "0").split(/[;:]/).map(Number);
  for (let index = 0; index < list.length; index++) {
    const code = list[index]!;
    const without = (kind: string) => now.filter((it) => !it.startsWith(kind));
    if (code === 0) now = [];
    else if (code === 1) now = [...without("a-b"), "a-b"];
    else if (code === 2) now = [...without("a-d"), "a-d"];
    else if (code === 3) now = [...without("a-i"), "a-i"];
    else if (code === 4) now = [...without("a-u"), "a-u"];
    else if (code === 9) now = [...without("a-s"), "a-s"];
    else if (code === 22) now = now.filter((it) => it !== "a-b" && it !== "a-d");
    else if (code === 23) now = without("a-i");
    else if (code === 24) now = without("a-u");
    else if (code === 29) now = without("a-s");
    else if (code === 39) now = without("f-");
    else if (code >= 30 && code <= 37) now = [...without("f-"), `f-${code - 30}`];
    else if (code >= 90 && code <= 97) now = [...without("f-"), `f-${code - 90}`];
    else if (code === 38 || code === 48) {
      // 256 colours and RGB: the nearest of the eight is enough, and stays readable in both schemes.
      const palette = list[index + 1] === 5;
      const value = palette ? list[index + 2]! : -1;
      index += palette ? 2 : 4;
      if (code === 38) now = value >= 0 && value < 16 ? [...without("f-"), `f-${value % 8}`] : without("f-");
    }
  }
  return now;
}

/** Output of a terminal: styles are applied, everything else in escape sequences is shown as a symbol. */
export function terminal(text: string): ComponentChildren {
  if (!text.includes("\x1b")) return marked(text.replace(/\r\n/g, "\n"));
  let classes: string[] = [];
  return split(
    text.replace(/\r\n/g, "\n"),
    ESCAPES,
    (part) => (classes.length ? <span class={classes.join(" ")}>{marked(part)}</span> : marked(part)),
    (found) => {
      if (found[2] === "m") {
        classes = styled(classes, found[1]!);
        return null;
      }
      return <span class="ctl" title="An escape sequence of a terminal">{`ESC${found[0].slice(1).replace(CONTROLS, "·")}`}</span>;
    },
  );
}

/** Lines and characters of a text to show before it is opened. */
const FOLD = { lines: 60, chars: 6000 };
/** Characters of one element; the browser lays out only those in sight. */
const BLOCK = 20_000;

/** A block of monospaced text, folded if it is long. */
export function Block({ text, lines = FOLD.lines, children }: { text: string; lines?: number; children?: (text: string) => ComponentChildren }) {
  const [isOpen, open] = useState(false);
  const shown = isOpen ? text : beginning(text, lines);
  const draw = children ?? terminal;
  const blocks: string[] = [];
  for (let at = 0; at < shown.length; ) {
    let to = Math.min(shown.length, at + BLOCK);
    const line = to < shown.length ? shown.indexOf("\n", to) : -1;
    if (line >= 0 && line - to < BLOCK) to = line + 1;
    blocks.push(shown.slice(at, to));
    at = to;
  }
  if (!text) return <p class="none">empty</p>;
  return (
    <div class="block">
      <pre tabIndex={0} role="group" aria-label="Text">{blocks.length === 1 ? draw(blocks[0]!) : blocks.map((block, index) => <div key={index} class="chunk">{draw(block)}</div>)}</pre>
      {shown.length < text.length && (
        <button type="button" class="more" onClick={() => open(true)}>
          Show all: {(text.length - shown.length).toLocaleString("en-US")} characters more
        </button>
      )}
    </div>
  );
}

function beginning(text: string, lines: number): string {
  // A text that is only a little too long is shown whole: a button instead of two lines helps nobody.
  let end = text.length > FOLD.chars * 1.3 ? FOLD.chars : text.length;
  let at = -1;
  for (let line = 0; line < Math.round(lines * 1.3); line++) {
    at = text.indexOf("\n", at + 1);
    if (at < 0 || at > end) return text.slice(0, end);
  }
  at = -1;
  for (let line = 0; line < lines; line++) at = text.indexOf("\n", at + 1);
  return text.slice(0, Math.min(end, at));
}

/** One line of text for lists: white space folded, control characters visible. */
export const line = (text: string): ComponentChildren => marked(text.replace(/\s+/g, " "));

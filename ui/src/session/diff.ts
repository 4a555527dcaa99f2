/** Differences of texts by line. */

export type Change = { kind: " " | "-" | "+"; text: string };

/** Distance above which texts have almost nothing in common, and the search would be slow. */
const MAX_DISTANCE = 2000;

/** The shortest way from one list of lines to another (Myers). */
export function diffLines(before: string[], after: string[]): Change[] {
  let start = 0;
  while (start < before.length && start < after.length && before[start] === after[start]) start++;
  let end = 0;
  while (end < before.length - start && end < after.length - start && before[before.length - 1 - end] === after[after.length - 1 - end]) end++;
  const same = (lines: string[]): Change[] => lines.map((text) => ({ kind: " ", text }));
  const middle = between(before.slice(start, before.length - end), after.slice(start, after.length - end));
  return [...same(before.slice(0, start)), ...middle, ...same(before.slice(before.length - end))];
}

function between(before: string[], after: string[]): Change[] {
  const removed = before.map((text): Change => ({ kind: "-", text }));
  const added = after.map((text): Change => ({ kind: "+", text }));
  if (!before.length || !after.length) return [...removed, ...added];
  const n = before.length;
  const m = after.length;
  const most = Math.min(n + m, MAX_DISTANCE);
  const offset = most + 1;
  const reach = new Int32Array(2 * most + 3);
  const history: Int32Array[] = [];
  for (let distance = 0; distance <= most; distance++) {
    history.push(reach.slice(offset - distance - 1, offset + distance + 2));
    for (let k = -distance; k <= distance; k += 2) {
      const down = k === -distance || (k !== distance && reach[offset + k - 1]! < reach[offset + k + 1]!);
      let x = down ? reach[offset + k + 1]! : reach[offset + k - 1]! + 1;
      let y = x - k;
      while (x < n && y < m && before[x] === after[y]) {
        x++;
        y++;
      }
      reach[offset + k] = x;
      if (x >= n && y >= m) return trace(before, after, history, distance);
    }
  }
  return [...removed, ...added];
}

function trace(before: string[], after: string[], history: Int32Array[], last: number): Change[] {
  const changes: Change[] = [];
  let x = before.length;
  let y = after.length;
  for (let distance = last; distance >= 0; distance--) {
    const reach = history[distance]!;
    const at = (k: number) => reach[k + distance + 1]!;
    const k = x - y;
    const down = k === -distance || (k !== distance && at(k - 1) < at(k + 1));
    const from = down ? k + 1 : k - 1;
    const fromX = distance ? at(from) : 0;
    const fromY = distance ? fromX - from : 0;
    while (x > fromX && y > fromY && x > 0 && y > 0 && before[x - 1] === after[y - 1]) {
      changes.push({ kind: " ", text: before[--x]! });
      y--;
    }
    if (distance) {
      if (down) changes.push({ kind: "+", text: after[--y]! });
      else changes.push({ kind: "-", text: before[--x]! });
    }
  }
  return changes.reverse();
}

/** A change of a file, from a tool's input. */
export interface Edit {
  path: string;
  parts: { before: string; after: string; all: boolean }[];
  /** The whole new content, if the tool wrote the file. */
  content: string | null;
}

const string = (value: unknown): string | null => (typeof value === "string" ? value : null);

/** Reads a tool's input; `null` if it changes no file. */
export function editOf(input: unknown): Edit | null {
  if (!input || typeof input !== "object" || Array.isArray(input)) return null;
  const fields = input as Record<string, unknown>;
  const path = string(fields.file_path) ?? string(fields.filePath) ?? string(fields.notebook_path) ?? string(fields.path);
  if (!path) return null;
  const part = (of: Record<string, unknown>) => {
    const before = string(of.old_string) ?? string(of.oldString) ?? string(of.oldText);
    const after = string(of.new_string) ?? string(of.newString) ?? string(of.newText) ?? string(of.new_source);
    return after === null && before === null ? null : { before: before ?? "", after: after ?? "", all: of.replace_all === true || of.replaceAll === true };
  };
  if (Array.isArray(fields.edits)) {
    const parts = fields.edits.map((it) => (it && typeof it === "object" ? part(it as Record<string, unknown>) : null)).filter((it) => it !== null);
    return parts.length ? { path, parts, content: null } : null;
  }
  const one = part(fields);
  if (one) return { path, parts: [one], content: null };
  const content = string(fields.content);
  return content === null ? null : { path, parts: [], content };
}

/** A contiguous part of a file with all its changes put together. */
export interface Hunk {
  before: string;
  after: string;
}

/** All changes of a session to one file, put together. */
export interface FileChange {
  path: string;
  hunks: Hunk[];
  /** The session wrote the file, and its earlier content is unknown. */
  isWritten: boolean;
  edits: number;
  added: number;
  removed: number;
}

/**
 * Joins edits: an edit whose old text an earlier edit wrote changes that edit's new text. The file itself is not
 * read, since it may have changed since.
 */
export function together(edits: Edit[]): FileChange[] {
  const files = new Map<string, FileChange>();
  for (const edit of edits) {
    let file = files.get(edit.path);
    if (!file) files.set(edit.path, (file = { path: edit.path, hunks: [], isWritten: false, edits: 0, added: 0, removed: 0 }));
    file.edits++;
    if (edit.content !== null) {
      const known = file.isWritten ? file.hunks[0]!.before : "";
      file.hunks = [{ before: known, after: edit.content }];
      file.isWritten = true;
      continue;
    }
    for (const { before, after, all } of edit.parts) {
      const inside = before ? file.hunks.filter((hunk) => hunk.after.includes(before)) : [];
      if (!inside.length) file.hunks.push({ before, after });
      // `split` and `join`, since `replace` reads `$` in the new text.
      for (const hunk of all ? inside : inside.slice(-1)) {
        if (all) hunk.after = hunk.after.split(before).join(after);
        else {
          const at = hunk.after.indexOf(before);
          hunk.after = hunk.after.slice(0, at) + after + hunk.after.slice(at + before.length);
        }
      }
    }
  }
  for (const file of files.values()) {
    file.hunks = file.hunks.filter((hunk) => hunk.before !== hunk.after);
    for (const hunk of file.hunks) {
      for (const { kind } of changesOf(hunk)) {
        if (kind === "+") file.added++;
        if (kind === "-") file.removed++;
      }
    }
  }
  return [...files.values()].filter((file) => file.hunks.length);
}

const linesOf = (text: string): string[] => (text === "" ? [] : text.replace(/\n$/, "").split("\n"));

export const changesOf = ({ before, after }: Hunk): Change[] => diffLines(linesOf(before), linesOf(after));

/** The open session: its head, its growing model, and the selection. */

import { batch, computed, effect, signal, untracked } from "@preact/signals";
import type { Event, Session } from "../../api";
import { refine, route } from "../route";
import { asProblem, type Problem, type Source } from "../source";
import { Model, type Node } from "./model";

/** Milliseconds between two requests for changes of a session: while it runs, and after its end (it may continue). */
const POLL = { running: 1000, ended: 5000 };
/** Milliseconds between two requests for the head of a running session. */
const HEAD = 5000;
/** Building takes at most this fraction of the time between two requests: long sessions are requested less often. */
const SHARE = 5;
/** Number of opened events to keep. */
const KEPT = 40;

export class OpenSession {
  readonly head = signal<Session | null>(null);
  readonly problem = signal<Problem | null>(null);
  readonly model = new Model();
  /** Number of builds of the model, read by everything that depends on it. */
  readonly version = signal(0);
  readonly isComplete = signal(false);
  readonly isRunning = signal(false);
  /** Whether the newest event stays selected. */
  readonly isFollowed = signal(false);
  /** Range of time selected in the lanes. */
  readonly range = signal<{ from: number; to: number } | null>(null);
  /** Nodes whose children are hidden, by id. */
  readonly collapsed = signal<ReadonlySet<string>>(new Set());
  readonly filter = signal("");
  readonly onlyErrors = signal(false);
  private readonly opened = new Map<string, Promise<Event>>();
  private readonly abort = new AbortController();
  private cursor: string | undefined;
  private timer: ReturnType<typeof setTimeout> | undefined;
  private isChanged = false;
  private headAt = 0;
  /** Milliseconds that the last build of the model took. */
  private cost = 0;

  constructor(readonly key: string, readonly source: Source) {
    void this.start();
  }

  private async start(): Promise<void> {
    try {
      // Both at once: the head is small, and the events take longer.
      const head = this.source.session(this.key).then((head) => (this.head.value = head));
      await Promise.all([head, this.read()]);
    } catch (error) {
      if (!this.abort.signal.aborted) this.problem.value = asProblem(error);
    }
  }

  private async read(): Promise<void> {
    let built = 0;
    const end = await this.source.outline(
      this.key,
      this.cursor,
      (lines) => {
        this.model.add(lines);
        // Building is linear in all nodes: in long sessions, a few times on the way is enough.
        if (this.cursor === undefined && (built === 0 || this.model.size > built * 2)) {
          built = this.model.size;
          this.build();
        }
        if (this.cursor !== undefined) this.isChanged = true;
      },
      this.abort.signal,
    );
    if (end.reset && this.cursor !== undefined) {
      this.model.clear();
      this.cursor = undefined;
      return this.read();
    }
    const isFirst = this.cursor === undefined;
    this.cursor = end.cursor;
    batch(() => {
      if (isFirst || this.isChanged) this.build();
      this.isChanged = false;
      this.isComplete.value = true;
      const wasRunning = this.isRunning.value;
      this.isRunning.value = end.running;
      if (isFirst && end.running && !route.value.query.has("at")) this.isFollowed.value = true;
      if (wasRunning && !end.running) this.isFollowed.value = false;
      if (this.isFollowed.value) this.selectNewest();
    });
    if (!this.source.isFile) this.poll();
  }

  private poll(): void {
    this.timer = setTimeout(() => {
      if (document.hidden) return this.poll();
      this.read().then(
        () => {
          this.problem.value = null;
          void this.refreshHead();
        },
        (error: unknown) => {
          if (this.abort.signal.aborted) return;
          this.problem.value = asProblem(error);
          this.poll();
        },
      );
    }, Math.max(this.isRunning.value ? POLL.running : POLL.ended, this.cost * SHARE));
  }

  private async refreshHead(): Promise<void> {
    if (Date.now() - this.headAt < HEAD) return;
    this.headAt = Date.now();
    this.head.value = await this.source.session(this.key).catch(() => this.head.value);
  }

  private build(): void {
    const begin = performance.now();
    this.model.build();
    this.version.value++;
    this.cost = performance.now() - begin;
  }

  selectNewest(): void {
    let newest: Node | undefined;
    for (const node of this.model.nodes) if (node.kind !== "trace" && node.kind !== "turn" && (!newest || node.end >= newest.end)) newest = node;
    if (newest && newest.id !== route.value.query.get("at")) this.select(newest, true);
  }

  readonly selected = computed<Node | null>(() => {
    this.version.value;
    const at = route.value.query.get("at");
    return (at ? this.model.byId.get(at) : this.model.traces[0]) ?? null;
  });

  select(node: Node, isFollowing = false): void {
    batch(() => {
      if (!isFollowing) this.isFollowed.value = false;
      const hidden = [];
      for (let above = node.above; above; above = above.above) if (this.collapsed.value.has(above.id)) hidden.push(above.id);
      if (hidden.length) {
        const collapsed = new Set(this.collapsed.value);
        for (const id of hidden) collapsed.delete(id);
        this.collapsed.value = collapsed;
      }
      refine({ at: node.id });
    });
  }

  /** Visible nodes of the tree: not below a collapsed one, and matching the filter. */
  readonly rows = computed<Node[]>(() => {
    this.version.value;
    const collapsed = this.collapsed.value;
    const words = this.filter.value.toLowerCase().split(/\s+/).filter(Boolean);
    const onlyErrors = this.onlyErrors.value;
    const { nodes } = this.model;
    if (words.length || onlyErrors) {
      // Matching nodes, and those above them.
      const shown = new Set<Node>();
      for (const node of nodes) {
        if (onlyErrors && (!node.isError || node.kind === "trace")) continue;
        const text = `${node.kind} ${node.name} ${node.model ?? ""} ${node.detail} ${node.subagentType ?? ""} ${node.error ?? ""}`.toLowerCase();
        if (!words.every((word) => text.includes(word))) continue;
        for (let it: Node | null = node; it && !shown.has(it); it = it.above) shown.add(it);
      }
      return nodes.filter((node) => shown.has(node));
    }
    if (!collapsed.size) return nodes;
    const rows: Node[] = [];
    let below = Infinity;
    for (const node of nodes) {
      if (node.level > below) continue;
      below = collapsed.has(node.id) ? node.level : Infinity;
      rows.push(node);
    }
    return rows;
  });

  /** Selects the time of a node; if a time is selected, removes the selection. */
  toggleRange(node: Node): void {
    this.range.value = this.range.value ? null : { from: node.start, to: Math.max(node.end, node.start + 1) };
  }

  collapse(node: Node, isCollapsed: boolean): void {
    const collapsed = new Set(this.collapsed.value);
    if (isCollapsed) collapsed.add(node.id);
    else collapsed.delete(node.id);
    this.collapsed.value = collapsed;
  }

  collapseTo(level: number): void {
    this.collapsed.value = new Set(this.model.nodes.filter((node) => node.children.length && node.level >= level).map((node) => node.id));
  }

  /** The whole event: fetched when it is opened, and kept for a while. */
  event(node: Node): Promise<Event> {
    const uuid = node.uuid!;
    // A trace of a running session is sent again as it grows.
    const id = `${uuid} ${node.n}`;
    let event = this.opened.get(id);
    if (!event) {
      event = this.source.event(this.key, uuid);
      event.catch(() => this.opened.delete(id));
      this.opened.set(id, event);
      if (this.opened.size > KEPT) this.opened.delete(this.opened.keys().next().value!);
    }
    return event;
  }

  close(): void {
    this.abort.abort();
    clearTimeout(this.timer);
  }
}

export const openSession = signal<OpenSession | null>(null);

/** Opens and closes sessions according to the address. */
export function keepOpen(source: Source): void {
  effect(() => {
    const { view, key } = route.value;
    const current = openSession.peek();
    if (view === "session" && current?.key === key) return;
    if (view !== "session") {
      current?.close();
      if (current) openSession.value = null;
      return;
    }
    current?.close();
    openSession.value = untracked(() => new OpenSession(key, source));
  });
}

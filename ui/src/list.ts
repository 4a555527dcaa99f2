/** The list of sessions: read once, kept up to date, and searched. It outlives its view. */

import { computed, signal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import type { Machine, SearchHit, SessionRow } from "../api";
import { route } from "./route";
import { asProblem, type Parameters, type Problem, type Source } from "./source";

/** Milliseconds between two requests for new and changed sessions. */
const POLL = 2000;

export const rows = new Map<string, SessionRow>();
export const version = signal(0);
export const isReading = signal(true);
export const problem = signal<Problem | null>(null);
export const unreadable = signal(0);
export const hits = signal<Map<string, SearchHit>>(new Map());
let loaded: string | null = null;
let cursor: string | undefined;

export const filters = computed<Parameters>(() => {
  const { query } = route.value;
  return { since: query.get("since") ?? undefined, project: query.get("project") ?? undefined, agent: query.get("agent") ?? undefined };
});

const named = computed(() => {
  version.value;
  return new Set([...rows.values()].flatMap(({ project }) => project ?? []));
});

/** Projects to choose from: those known at the start, and those of the rows read since. */
export const projects = (machine: Machine): string[] => [...new Set([...machine.projects, ...named.value])].sort();

/** Reads the sessions, then asks for changes; and searches for text that the rows do not contain. */
export function useReading(source: Source, text: string): void {
  const wanted = filters.value;
  const name = JSON.stringify(wanted);
  useEffect(() => {
    const abort = new AbortController();
    if (loaded !== name) {
      rows.clear();
      cursor = undefined;
      version.value++;
      isReading.value = true;
    }
    loaded = name;
    let timer: ReturnType<typeof setTimeout> | undefined;
    let redraw = 0;
    const read = async () => {
      if (document.hidden && cursor) return void (timer = setTimeout(read, POLL));
      try {
        const end = await source.sessions({ ...wanted, after: cursor }, (lines) => {
          for (const row of lines) rows.set(row.key, row);
          // Sorting 10,000 rows for every piece that arrives would take longer than reading them.
          redraw ||= requestAnimationFrame(() => {
            redraw = 0;
            version.value++;
          });
        }, abort.signal);
        if (end.reset && cursor) {
          rows.clear();
          cursor = undefined;
          return void read();
        }
        cursor = end.cursor;
        problem.value = null;
        isReading.value = end.running;
        unreadable.value = end.unreadable.length;
        timer = setTimeout(read, end.running ? POLL / 8 : POLL);
      } catch (error) {
        if (abort.signal.aborted) return;
        problem.value = asProblem(error);
        isReading.value = false;
        timer = setTimeout(read, POLL);
      }
    };
    void read();
    return () => {
      abort.abort();
      clearTimeout(timer);
    };
  }, [name]);

  useEffect(() => {
    if (text.trim().length < 2) {
      hits.value = new Map();
      return;
    }
    const abort = new AbortController();
    const timer = setTimeout(() => {
      const found = new Map<string, SearchHit>();
      hits.value = new Map();
      source.search({ ...wanted, text: text.trim() }, (lines) => {
        for (const hit of lines) if (!found.has(hit.key)) found.set(hit.key, hit);
        hits.value = new Map(found);
      }, abort.signal).catch((error: unknown) => {
        if (!abort.signal.aborted) problem.value = asProblem(error);
      });
    }, 200);
    return () => {
      abort.abort();
      clearTimeout(timer);
    };
  }, [name, text]);
}


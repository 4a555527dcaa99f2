/**
 * The address of a view: `#/session/<key>/context?at=<span>`. Everything is behind the `#`, so that the single
 * file has the same links, and no request says what a person looks at.
 */

import { computed, signal } from "@preact/signals";

export interface Route {
  view: "sessions" | "session" | "usage" | "delivery";
  key: string;
  tab: "trace" | "context" | "conversation" | "changes";
  query: URLSearchParams;
}

const TABS = ["trace", "context", "conversation", "changes"] as const;
const hash = signal(location.hash);

addEventListener("hashchange", () => {
  hash.value = location.hash;
});

/** Key of the only session, in a single file. */
export const onlyKey = signal<string | null>(null);

export const route = computed<Route>(() => {
  const [path = "", query = ""] = hash.value.replace(/^#/, "").split("?", 2);
  const parts = path.split("/").filter(Boolean).map(safeDecode);
  const search = new URLSearchParams(query);
  if (parts[0] === "session" && parts[1]) {
    const tab = TABS.find((it) => it === parts[2]) ?? "trace";
    return { view: "session", key: parts[1], tab, query: search };
  }
  if (onlyKey.value) return { view: "session", key: onlyKey.value, tab: "trace", query: search };
  const view = parts[0] === "usage" || parts[0] === "delivery" ? parts[0] : "sessions";
  return { view, key: "", tab: "trace", query: search };
});

function safeDecode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

export type Query = Record<string, string | null | undefined>;

const withQuery = (path: string, query: URLSearchParams) => (query.size ? `${path}?${query}` : path);

export function link(view: "sessions" | "usage" | "delivery", query: Query = {}): string {
  return withQuery(`#/${view}`, merged(new URLSearchParams(), query));
}

export function sessionLink(key: string, tab: Route["tab"] = "trace", query: Query = {}): string {
  return withQuery(`#/session/${encodeURIComponent(key)}/${tab}`, merged(new URLSearchParams(), query));
}

function merged(query: URLSearchParams, changes: Query): URLSearchParams {
  const all = new URLSearchParams(query);
  for (const [name, value] of Object.entries(changes)) {
    if (value) all.set(name, value);
    else all.delete(name);
  }
  return all;
}

/** Address of the same view with some parameters changed. */
export function changed(changes: Query): string {
  const { view, key, tab, query } = route.value;
  const path = view === "session" ? `#/session/${encodeURIComponent(key)}/${tab}` : `#/${view}`;
  return withQuery(path, merged(query, changes));
}

/** Changes parameters without a step in the history, for selections and typed text. */
export function refine(changes: Query): void {
  const address = changed(changes);
  history.replaceState(null, "", address);
  hash.value = address;
}

export function go(address: string): void {
  location.hash = address;
}

/** The context window, call by call, and where it was compacted or its cache was lost. */

import { contextOf, type Model, type Node } from "./model";

export interface Cliff {
  kind: "compaction" | "cache";
  /** Index among the calls of the lane. */
  index: number;
  call: Node;
  /** Tokens that were cached and sent again; for a compaction, the tokens by which the context shrank. */
  tokens: number;
  /** Seconds since the previous call. */
  pause: number;
  /** Completes "cache lost …" and "compacted …". */
  cause: string;
}

/** Tokens of the smallest cache whose loss is shown. */
const LEAST = 4096;
/** Seconds for which Anthropic's shorter cache surely lives: it is five minutes after its last use. */
const SHORT_CACHE = 290;
export const PAUSED = "after a pause";

/** Calls that sent a context; failed calls have no counts. */
export const callsOf = (model: Model, lane: string): Node[] => (model.lanes.find(({ id }) => id === lane)?.calls ?? []).filter((call) => contextOf(call) > 0);

export function cliffsOf(calls: Node[]): Cliff[] {
  const cliffs: Cliff[] = [];
  for (let index = 1; index < calls.length; index++) {
    const before = calls[index - 1]!;
    const call = calls[index]!;
    const pause = Math.max(0, (call.start - before.end) / 1000);
    const was = contextOf(before);
    const is = contextOf(call);
    const cached = before.tokens.cache_read + before.tokens.cache_write;
    if (was > 20_000 && is < was * 0.65) {
      cliffs.push({ kind: "compaction", index, call, tokens: was - is, pause, cause: isCompacted(call) ? "" : "or cleared, or another conversation: the context shrank" });
    } else if (cached >= LEAST && call.tokens.cache_read < cached * 0.5) {
      const cause = call.model !== before.model ? `since the model changed to ${call.model ?? "another"}` : pause > SHORT_CACHE ? PAUSED : "without a pause: the beginning of the request changed";
      cliffs.push({ kind: "cache", index, call, tokens: cached - call.tokens.cache_read, pause, cause });
    }
  }
  return cliffs;
}

function isCompacted(call: Node): boolean {
  for (let above = call.above; above; above = above.above) if (above.kind === "turn") return above.compactions > 0;
  return false;
}

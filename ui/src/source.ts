/** The source of data: the program on this machine, or the page's own file (`view --html`). */

import { PATHS, type Delivery, type Embedded, type End, type Event, type EventKind, type EventLine, type Failure, type Machine, type Outline, type SearchHit, type Session, type SessionRow, type Usage, type UsageBy } from "../api";

export type Parameters = Record<string, string | undefined>;

export interface EventsWanted {
  kind?: EventKind;
  /** First and last position, both included. */
  from?: number;
  to?: number;
}

/** A receiver of an NDJSON answer, called with some lines at a time. */
export type Taker<T> = (lines: T[]) => void;

export interface Source {
  /** Whether the source is a single file, which contains only one session. */
  readonly isFile: boolean;
  machine(): Promise<Machine>;
  sessions(filters: Parameters, take: Taker<SessionRow>, signal: AbortSignal): Promise<End["end"]>;
  search(filters: Parameters, take: Taker<SearchHit>, signal: AbortSignal): Promise<End["end"]>;
  session(key: string): Promise<Session>;
  /** The outlines of all events, or of those that changed since `after`. */
  outline(key: string, after: string | undefined, take: Taker<EventLine<Outline>>, signal: AbortSignal): Promise<End["end"]>;
  /** Whole events. */
  events(key: string, wanted: EventsWanted, take: Taker<EventLine>, signal: AbortSignal): Promise<End["end"]>;
  event(key: string, uuid: string): Promise<Event>;
  usage(by: UsageBy, filters: Parameters): Promise<Usage>;
  delivery(): Promise<Delivery>;
}

/** A request that failed, with the next step. */
export class Problem extends Error {
  constructor(message: string, readonly fix: string | null) {
    super(message);
  }
}

export const asProblem = (error: unknown): Problem => (error instanceof Problem ? error : new Problem(error instanceof Error ? error.message : String(error), null));

const STOPPED = new Problem("the program does not answer", "start it again in a terminal: posthog-llma view");

async function ask(path: string, parameters: Parameters, signal?: AbortSignal): Promise<Response> {
  const query = new URLSearchParams();
  for (const [name, value] of Object.entries(parameters)) if (value) query.set(name, value);
  const address = query.size ? `${path}?${query}` : path;
  let response: Response;
  try {
    response = await fetch(address, { credentials: "same-origin", cache: "no-store", redirect: "error", ...(signal && { signal }) });
  } catch (error) {
    if (signal?.aborted) throw error;
    throw STOPPED;
  }
  if (response.ok) return response;
  const failure = (await response.json().catch(() => null)) as Failure | null;
  throw new Problem(failure?.error ?? `the program answered ${response.status}`, failure?.fix ?? null);
}

/** Reads an NDJSON answer as it arrives. */
async function read<T extends object>(response: Response, take: Taker<T>): Promise<End["end"]> {
  const reader = response.body!.pipeThrough(new TextDecoderStream()).getReader();
  let end: End["end"] | undefined;
  let rest = "";
  for (;;) {
    let chunk;
    try {
      chunk = await reader.read();
    } catch (error) {
      if ((error as Error).name === "AbortError") throw error;
      throw STOPPED;
    }
    if (chunk.done) break;
    // Only the new piece is searched: a line of megabytes arrives in many pieces.
    const last = chunk.value.lastIndexOf("\n");
    if (last < 0) {
      rest += chunk.value;
      continue;
    }
    const whole = rest + chunk.value.slice(0, last);
    rest = chunk.value.slice(last + 1);
    // One array per piece: a single call of the parser instead of one per line.
    const lines = JSON.parse(`[${whole.split("\n").filter(Boolean).join(",")}]`) as (T | End)[];
    const tail = lines.at(-1);
    if (tail && "end" in tail) {
      end = tail.end;
      lines.pop();
    }
    if (lines.length) take(lines as T[]);
  }
  if (!end) throw new Problem("the program stopped in the middle of an answer", "reload the page; its terminal may say why");
  return end;
}

/** The program on this machine. */
export class Program implements Source {
  readonly isFile = false;

  private async json<T>(path: string, parameters: Parameters = {}): Promise<T> {
    return (await ask(path, parameters)).json() as Promise<T>;
  }

  machine = () => this.json<Machine>(PATHS.machine);
  session = (key: string) => this.json<Session>(PATHS.session, { session: key });
  event = (key: string, uuid: string) => this.json<Event>(PATHS.event, { session: key, uuid });
  usage = (by: UsageBy, filters: Parameters) => this.json<Usage>(PATHS.usage, { by, ...filters });
  delivery = () => this.json<Delivery>(PATHS.delivery);

  async sessions(filters: Parameters, take: Taker<SessionRow>, signal: AbortSignal) {
    return read(await ask(PATHS.sessions, filters, signal), take);
  }

  async search(filters: Parameters, take: Taker<SearchHit>, signal: AbortSignal) {
    return read(await ask(PATHS.search, filters, signal), take);
  }

  async outline(key: string, after: string | undefined, take: Taker<EventLine<Outline>>, signal: AbortSignal) {
    return read(await ask(PATHS.events, { session: key, view: "outline", after }, signal), take);
  }

  async events(key: string, { kind, from, to }: EventsWanted, take: Taker<EventLine>, signal: AbortSignal) {
    const parameters = { session: key, view: "full", kind, from: from?.toString(), to: to?.toString() };
    return read(await ask(PATHS.events, parameters, signal), take);
  }
}

/** Names of agents' tools that change files. */
const CHANGING = /^(edit|multiedit|write|notebookedit|patch|apply_patch)$/i;

const changes = ({ event: { properties: p } }: EventLine) =>
  p.$ai_span_type === "tool" && (CHANGING.test(String(p.$ai_span_name)) || p.lines_added != null || p.lines_removed != null);

const conversation = ({ event }: EventLine) => event.event === "$ai_generation" || event.properties.$ai_span_type === "turn";

/** The page's own file. */
export class File implements Source {
  readonly isFile = true;
  private readonly head: Embedded;
  private readonly lines: EventLine[];

  constructor(data: string) {
    const lines = data.split("\n").filter((line) => line.trim());
    this.head = JSON.parse(lines[0] ?? "{}") as Embedded;
    this.lines = JSON.parse(`[${lines.slice(1).join(",")}]`) as EventLine[];
  }

  machine = async () => this.head.machine;
  session = async () => this.head.session;

  outline = (key: string, _after: string | undefined, take: Taker<EventLine>) => this.events(key, {}, take);

  async events(_key: string, { kind, from = 0, to = Infinity }: EventsWanted, take: Taker<EventLine>): Promise<End["end"]> {
    const wanted = kind === "changes" ? changes : kind === "conversation" ? conversation : () => true;
    take(this.lines.filter((line) => line.n >= from && line.n <= to && wanted(line)));
    return { cursor: "", reset: false, total: this.lines.length, running: false, unreadable: [] };
  }

  async event(_key: string, uuid: string): Promise<Event> {
    const line = this.lines.find(({ event }) => event.uuid === uuid);
    if (!line) throw new Problem("this event is not in the file", null);
    return line.event;
  }

  private none = async (): Promise<never> => {
    throw new Problem("a file holds one session only", "run posthog-llma view for everything on this machine");
  };
  sessions = this.none;
  search = this.none;
  usage = this.none;
  delivery = this.none;
}

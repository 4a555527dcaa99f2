/** Numbers, durations and times as text, in the same words as the program's terminal output. */

const grouped = new Intl.NumberFormat("en-US");

export const number = (value: number): string => grouped.format(value);

/** Three significant digits at most: `843`, `1.6k`, `36k`, `2.9M`. */
export function short(value: number): string {
  if (value < 1000) return String(Math.round(value));
  for (const [size, unit] of [[1e12, "T"], [1e9, "B"], [1e6, "M"], [1e3, "k"]] as const) {
    if (value >= size * 0.9995) {
      const scaled = value / size;
      return `${scaled < 9.95 ? scaled.toFixed(1).replace(/\.0$/, "") : Math.round(scaled)}${unit}`;
    }
  }
  return String(value);
}

export const count = (value: number, noun: string): string => `${number(value)} ${noun}${value === 1 ? "" : "s"}`;

/** `0.3 s`, `57 s`, `13 m 08 s`, `2 h 05 m`, `3 d 4 h`. */
export function duration(seconds: number): string {
  if (seconds < 0.0995) return `${Math.max(0, Math.round(seconds * 1000))} ms`;
  if (seconds < 59.95) return `${seconds < 9.95 ? seconds.toFixed(1) : Math.round(seconds)} s`;
  const whole = Math.round(seconds);
  const pad = (value: number) => String(value).padStart(2, "0");
  if (whole < 3600) return `${Math.floor(whole / 60)} m ${pad(whole % 60)} s`;
  const minutes = Math.round(seconds / 60);
  if (minutes < 1440) return `${Math.floor(minutes / 60)} h ${pad(minutes % 60)} m`;
  const hours = Math.round(seconds / 3600);
  return `${Math.floor(hours / 24)} d ${hours % 24} h`;
}

export function bytes(value: number): string {
  if (value < 1000) return `${value} B`;
  for (const [size, unit] of [[1e9, "GB"], [1e6, "MB"], [1e3, "KB"]] as const) {
    if (value >= size) return `${(value / size).toFixed(value / size < 9.95 ? 1 : 0)} ${unit}`;
  }
  return `${value} B`;
}

export function dollars(value: number): string {
  if (value === 0) return "$0";
  if (value < 0.00995) return value < 0.0001 ? "< $0.0001" : `$${value.toFixed(4)}`;
  return value < 1000 ? `$${value.toFixed(2)}` : `$${grouped.format(Math.round(value))}`;
}

export const percent = (part: number, whole: number): string => (whole <= 0 ? "–" : part > 0 && part / whole < 0.005 ? "< 1 %" : `${Math.round((part / whole) * 100)} %`);

const pad2 = (value: number) => String(value).padStart(2, "0");

/** Local: `2026-11-28`. */
export function day(time: number): string {
  const date = new Date(time);
  return `${date.getFullYear()}-${pad2(date.getMonth() + 1)}-${pad2(date.getDate())}`;
}

/** Local: `14:05`. */
export function clock(time: number): string {
  const date = new Date(time);
  return `${pad2(date.getHours())}:${pad2(date.getMinutes())}`;
}

/** Local, with seconds and as many decimals as `digits`. */
export function clockSeconds(time: number, digits = 0): string {
  const date = new Date(time);
  const part = digits ? `.${String(date.getMilliseconds()).padStart(3, "0").slice(0, digits)}` : "";
  return `${clock(time)}:${pad2(date.getSeconds())}${part}`;
}

export const moment = (time: number): string => `${day(time)} ${clock(time)}`;

const WEEKDAYS = ["Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"];
const MONTHS = ["January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November", "December"];

/** Heading of a day: `Today`, `Yesterday`, `Friday, 27 November`. */
export function dayTitle(time: number, now: number): string {
  const date = new Date(time);
  if (day(time) === day(now)) return "Today";
  if (day(time) === day(now - 86_400_000)) return "Yesterday";
  const year = date.getFullYear() === new Date(now).getFullYear() ? "" : ` ${date.getFullYear()}`;
  return `${WEEKDAYS[date.getDay()]}, ${date.getDate()} ${MONTHS[date.getMonth()]}${year}`;
}

export const ago = (time: number, now: number): string => (now - time < 60_000 ? "just now" : `${duration(Math.floor((now - time) / 60_000) * 60).replace(/ 0[0-9] s$/, "")} ago`);

/** A model's name without its maker's prefix and date. */
export const model = (name: string): string => name.replace(/^claude-/, "").replace(/-20\d{6}$/, "");

/** Names of models without prefix and date; whole if two would read alike. */
export function models(names: readonly (string | null)[]): (name: string) => string {
  const times = new Map<string, number>();
  for (const name of names) if (name !== null) times.set(model(name), (times.get(model(name)) ?? 0) + 1);
  return (name) => (times.get(model(name)) === 1 ? model(name) : name);
}

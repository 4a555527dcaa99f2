/** Whether a media query holds, as a signal. */

import { signal } from "@preact/signals";

const media = new Map<string, ReturnType<typeof signal<boolean>>>();

export function useMedia(query: string): boolean {
  let state = media.get(query);
  if (!state) {
    const list = matchMedia(query);
    state = signal(list.matches);
    const kept = state;
    list.addEventListener("change", () => (kept.value = list.matches));
    media.set(query, state);
  }
  return state.value!;
}

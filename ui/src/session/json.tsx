/** JSON as PostHog gets it, with its parts in colour. */

import type { ComponentChildren } from "preact";
import { marked } from "../text";

const TOKENS = /("(?:[^"\\]|\\.)*")(\s*:)?|\b(?:true|false|null)\b|-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?/g;

export function coloured(text: string): ComponentChildren {
  const parts: ComponentChildren[] = [];
  let last = 0;
  for (const found of text.matchAll(TOKENS)) {
    if (found.index > last) parts.push(text.slice(last, found.index));
    const [whole, string, colon] = found;
    if (string && colon) parts.push(<span class="j-key">{marked(string)}</span>, colon);
    else if (string) parts.push(<span class="j-string">{marked(string)}</span>);
    else parts.push(<span class="j-value">{whole}</span>);
    last = found.index + whole.length;
  }
  parts.push(marked(text.slice(last)));
  return parts;
}

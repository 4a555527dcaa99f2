/** Content of events as a person reads it: messages, tool inputs and results. */

import type { ComponentChildren } from "preact";
import { useMemo } from "preact/hooks";
import { Block, marked } from "../text";
import { editOf, together } from "./diff";
import { Difference } from "./difference";
import { coloured } from "./json";
import { Markdown } from "./markdown";

type Part = Record<string, unknown>;

export const LeftOut = () => <p class="none">Left out by your settings, or because PostHog keeps content for 30 days only.</p>;

export function Section({ title, beside, children }: { title: string; beside?: ComponentChildren; children: ComponentChildren }) {
  return (
    <section class="part">
      <h3>{title}{beside && <small>{beside}</small>}</h3>
      {children}
    </section>
  );
}

/** A value of any shape. */
export function Value({ value }: { value: unknown }) {
  if (value === null || value === undefined) return <LeftOut />;
  if (typeof value === "string") return <Block text={value} />;
  if (Array.isArray(value) && value.length && value.every((it) => it && typeof it === "object" && (it as Part).type === "text" && typeof (it as Part).text === "string")) {
    return <>{value.map((it, index) => <Block key={index} text={(it as Part).text as string} />)}</>;
  }
  return <Block text={JSON.stringify(value, null, 2)}>{coloured}</Block>;
}

/** The input of a tool: a difference for an edit, a command for a shell, names and values otherwise. */
export function ToolInput({ input }: { input: unknown }) {
  const edit = useMemo(() => editOf(input), [input]);
  const files = useMemo(() => (edit ? together([edit]) : []), [edit]);
  if (input === null || input === undefined) return <LeftOut />;
  if (typeof input !== "object" || Array.isArray(input)) return <Value value={input} />;
  const fields = input as Part;
  const shown = new Set<string>();
  const first: ComponentChildren[] = [];
  if (edit && files.length) {
    for (const name of ["file_path", "filePath", "notebook_path", "path", "old_string", "oldString", "oldText", "new_string", "newString", "newText", "new_source", "edits", "content"]) shown.add(name);
    first.push(<p key="path" class="path mono">{marked(edit.path)}</p>, <Difference key="diff" hunks={files[0]!.hunks} label={`Changes of ${edit.path}`} />);
  } else if (typeof fields.command === "string") {
    shown.add("command");
    first.push(<div key="command" class="command"><Block text={fields.command} /></div>);
  }
  const rest = Object.entries(fields).filter(([name, value]) => !shown.has(name) && !(edit && value === false));
  const isLong = (value: unknown) => typeof value === "object" || (typeof value === "string" && (value.length > 90 || value.includes("\n")));
  return (
    <>
      {first}
      {rest.length > 0 && (
        <dl class="fields">
          {rest.map(([name, value]) => (
            <div key={name} class={isLong(value) ? "long" : ""}>
              <dt>{marked(name)}</dt>
              <dd>{isLong(value) ? <Value value={value} /> : <span class="mono">{marked(String(value))}</span>}</dd>
            </div>
          ))}
        </dl>
      )}
    </>
  );
}

/** The parts of a message of OpenAI's chat format. */
export function MessageParts({ content, isReadable }: { content: unknown; isReadable: boolean }) {
  if (content === null || content === undefined) return <LeftOut />;
  if (typeof content === "string") return isReadable ? <Markdown text={content} /> : <Block text={content} />;
  if (!Array.isArray(content)) return <Value value={content} />;
  return (
    <>
      {content.map((part: unknown, index) => {
        const it = (part ?? {}) as Part;
        if (it.type === "text" && typeof it.text === "string") return isReadable ? <Markdown key={index} text={it.text} /> : <Block key={index} text={it.text} />;
        if (it.type === "thinking") return <Thinking key={index} text={typeof it.thinking === "string" ? it.thinking : null} />;
        if (it.type === "function" && it.function && typeof it.function === "object") {
          const called = it.function as Part;
          return (
            <details key={index} class="called">
              <summary><i class="key key-tool" />calls <b>{marked(String(called.name))}</b> <span class="mono faint">{marked(telling(called.arguments))}</span></summary>
              <ToolInput input={called.arguments} />
            </details>
          );
        }
        return <Value key={index} value={part} />;
      })}
    </>
  );
}

export function Thinking({ text }: { text: string | null }) {
  return (
    <details class="thinking">
      <summary>Thinking <span class="faint">{text === null ? "left out" : text ? `${text.length.toLocaleString("en-US")} characters` : "not in the transcript"}</span></summary>
      {text ? <Markdown text={text} /> : text === null && <LeftOut />}
    </details>
  );
}

const TELLING = ["command", "file_path", "filePath", "notebook_path", "pattern", "query", "url", "description", "skill", "path", "prompt"];

function telling(input: unknown): string {
  if (!input || typeof input !== "object") return "";
  for (const name of TELLING) {
    const value = (input as Part)[name];
    if (typeof value === "string") return value.slice(0, 120).replace(/\s+/g, " ");
  }
  return "";
}

export function Messages({ messages }: { messages: unknown }) {
  if (messages === null || messages === undefined) return <LeftOut />;
  if (!Array.isArray(messages)) return <Value value={messages} />;
  if (!messages.length) return <p class="none">Nothing new since the call before.</p>;
  return (
    <>
      {messages.map((message: unknown, index) => {
        const { role, content, tool_call_id: id } = (message ?? {}) as Part;
        const name = String(role ?? "message");
        return (
          <div key={index} class={`message role-${name}`}>
            <p class="role">{marked(name)}{typeof id === "string" && <span class="mono faint"> {marked(id)}</span>}</p>
            <MessageParts content={content} isReadable={name === "assistant"} />
          </div>
        );
      })}
    </>
  );
}

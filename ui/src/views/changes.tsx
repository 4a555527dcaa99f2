/** Everything a session changed, by file, each with one whole difference. */

import { useEffect, useMemo, useState } from "preact/hooks";
import { count, number } from "../format";
import { Empty, Lines, Trouble } from "../parts";
import { editOf, together, type Edit, type FileChange } from "../session/diff";
import { Difference } from "../session/difference";
import type { OpenSession } from "../session/state";
import { asProblem, type Problem } from "../source";
import { marked } from "../text";

export function Changes({ session }: { session: OpenSession }) {
  const version = session.version.value;
  const [edits, setEdits] = useState<{ edits: Edit[]; unreadable: number } | null>(null);
  const [problem, setProblem] = useState<Problem | null>(null);

  useEffect(() => {
    if (!session.isComplete.value) return;
    const abort = new AbortController();
    const found: { at: number; n: number; edit: Edit }[] = [];
    let unreadable = 0;
    session.source
      .events(session.key, { kind: "changes" }, (lines) => {
        for (const { n, event } of lines) {
          if (event.properties.$ai_is_error === true) continue;
          const edit = editOf(event.properties.$ai_input_state);
          if (edit) found.push({ at: Date.parse(event.timestamp), n, edit });
          else unreadable++;
        }
      }, abort.signal)
      .then(
        () => {
          found.sort((one, other) => one.at - other.at || one.n - other.n);
          setEdits({ edits: found.map(({ edit }) => edit), unreadable });
        },
        (error: unknown) => abort.signal.aborted || setProblem(asProblem(error)),
      );
    return () => abort.abort();
  }, [session, session.isComplete.value, version]);

  const files = useMemo(() => (edits ? together(edits.edits) : []), [edits]);
  const root = useMemo(() => common(files.map(({ path }) => path)), [files]);
  if (problem) return <Trouble problem={problem} />;
  if (!edits) return <Empty title="Putting the changes together…" />;
  const note = "Put together from the inputs of the agent's own tools. Changes by shell commands are not in it, and long texts are shortened before they are sent.";
  if (!files.length) return <Empty title="This session changed no file">{edits.unreadable > 0 ? <p>{count(edits.unreadable, "change")} cannot be shown: the settings leave content out.</p> : <p>{note}</p>}</Empty>;
  const sum = (key: "added" | "removed" | "edits") => files.reduce((total, file) => total + file[key], 0);
  return (
    <div class="talk changes">
      <nav class="talk-turns" aria-label="Changed files">
        <p class="changes-sum"><b>{count(files.length, "file")}</b> <Lines added={sum("added")} removed={sum("removed")} show={number} /> <span class="faint">in {count(sum("edits"), "edit")}</span></p>
        <ol>
          {files.map((file, index) => (
            <li key={file.path}>
              <a href={`#file-${index}`} title={file.path} onClick={(event) => (event.preventDefault(), document.getElementById(`file-${index}`)?.scrollIntoView())}>
                <span class="file-name">{marked(file.path.slice(root.length))}</span><Lines added={file.added} removed={file.removed} />
              </a>
            </li>
          ))}
        </ol>
        <p class="none">{note}</p>
      </nav>
      <div class="talk-text" tabIndex={0} role="region" aria-label="Differences">
        {root && <p class="root mono faint">{marked(root)}</p>}
        {files.map((file, index) => <File key={file.path} file={file} id={`file-${index}`} root={root} isOpen={index < 30} />)}
      </div>
    </div>
  );
}

function File({ file, id, root, isOpen }: { file: FileChange; id: string; root: string; isOpen: boolean }) {
  const [isShown, show] = useState(isOpen);
  return (
    <details class="file" id={id} open={isOpen} onToggle={(event) => event.currentTarget.open && show(true)}>
      <summary>
        <b class="mono">{marked(file.path.slice(root.length))}</b>
        <Lines added={file.added} removed={file.removed} />
        <span class="faint">{file.isWritten ? "written whole" : count(file.edits, "edit")}</span>
      </summary>
      {isShown && <Difference hunks={file.hunks} label={`Changes of ${file.path}`} />}
    </details>
  );
}

/** The folder that all paths begin with. */
function common(paths: string[]): string {
  if (!paths.length) return "";
  let root = paths[0]!.slice(0, paths[0]!.lastIndexOf("/") + 1);
  for (const path of paths) while (root && !path.startsWith(root)) root = root.slice(0, root.lastIndexOf("/", root.length - 2) + 1);
  return root.length > 1 ? root : "";
}

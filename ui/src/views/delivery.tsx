/** Delivery: waiting events and the reasons, arrived events, events to be sent, and secrets replaced. */

import { useEffect, useState } from "preact/hooks";
import type { Delivery, Machine } from "../../api";
import { ago, bytes, count, duration, moment, number } from "../format";
import { Empty, Panel, Table, Tile, Trouble } from "../parts";
import { link, sessionLink } from "../route";
import { asProblem, type Problem, type Source } from "../source";
import { line, marked } from "../text";

const POLL = 3000;

export function DeliveryView({ source, machine }: { source: Source; machine: Machine }) {
  const [delivery, setDelivery] = useState<Delivery | null>(null);
  const [problem, setProblem] = useState<Problem | null>(null);
  useEffect(() => {
    let isGone = false;
    let timer: ReturnType<typeof setTimeout> | undefined;
    const ask = () => {
      source
        .delivery()
        .then((it) => isGone || (setDelivery(it), setProblem(null)), (error: unknown) => isGone || setProblem(asProblem(error)))
        .finally(() => isGone || (timer = setTimeout(ask, POLL)));
    };
    ask();
    return () => {
      isGone = true;
      clearTimeout(timer);
    };
  }, []);
  return (
    <main class="page">
      <h1 class="unseen">Delivery</h1>
      {problem && <Trouble problem={problem} />}
      {delivery ? <Facts delivery={delivery} now={Date.parse(machine.now)} /> : !problem && <Empty title="Asking the outbox…" />}
    </main>
  );
}

function Facts({ delivery: it, now }: { delivery: Delivery; now: number }) {
  const waiting = it.destinations.reduce((sum, { waiting }) => sum + waiting, 0);
  const secrets = Object.entries(it.redactions).sort((one, other) => other[1] - one[1]);
  const most = secrets[0]?.[1] ?? 1;
  const leave = it.would_leave;
  return (
    <>
      <section class={`verdict ${it.fix ? (it.enabled ? "warn" : "off") : "ok"}`}>
        <h2><i aria-hidden="true" />{marked(it.verdict)}</h2>
        {it.fix && <p>{marked(it.fix)}</p>}
        <p class="faint">
          {it.host && <>to {marked(it.host)}{it.api_key && <> with the key <span class="mono">{marked(it.api_key)}</span></>}. </>}
          {it.records_inputs && it.records_outputs ? "Prompts, answers, inputs and outputs are recorded, secrets replaced." : !it.records_inputs && !it.records_outputs ? "Privacy mode: no prompt, answer, input or output leaves." : it.records_inputs ? "Outputs are left out." : "Inputs are left out."}
          {it.enabled_by && <> Switched on by <span class="mono">{marked(it.enabled_by)}</span>.</>}
        </p>
      </section>
      <dl class="tiles">
        <Tile name="waiting" note={bytes(it.destinations.reduce((sum, { waiting_bytes }) => sum + waiting_bytes, 0))}>{count(waiting, "event")}</Tile>
        <Tile name="refused">{it.refused_total ? <span class="bad">{number(it.refused_total)}</span> : "0"}</Tile>
        <Tile name="given up" note={it.dropped.by_age + it.dropped.by_size ? `${number(it.dropped.by_age)} too old, ${number(it.dropped.by_size)} for size` : "nothing"}>{number(it.dropped.by_age + it.dropped.by_size)}</Tile>
        <Tile name={it.enabled ? "never sent" : "would leave"} note={`${count(leave.events, "event")}, ${bytes(leave.bytes)}${leave.running ? ", still counting" : ""}`}><a href={link("sessions", { delivery: "never" })}>{count(leave.sessions, "session")}</a></Tile>
        <Tile name="secrets replaced" note={count(secrets.length, "rule")}>{number(secrets.reduce((sum, [, value]) => sum + value, 0))}</Tile>
      </dl>
      {it.problems.map(({ found, fix }) => <Trouble key={found} problem={{ message: found, fix } as Problem} />)}
      <div class="columns">
        <Panel title="Waiting">
          {it.destinations.length === 0 ? <p class="none pad">Nothing waits, and nothing was sent yet.</p> : (
            <Table label="Waiting events" head={["destination", ">waiting", "since", "last sent", "why"]}>
                  {it.destinations.map((to) => (
                    <tr key={to.host}>
                      <td>{marked(to.host)}</td>
                      <td class="n">{number(to.waiting)}</td>
                      <td>{to.oldest ? ago(Date.parse(to.oldest), now) : "–"}</td>
                      <td>{to.last_sent_at ? ago(Date.parse(to.last_sent_at), now) : "never"}</td>
                      <td class="wide-cell">{to.last_error ? <>{marked(to.last_error)}{to.not_before && <span class="faint"> next try {moment(Date.parse(to.not_before))}</span>}</> : <span class="faint">–</span>}</td>
                    </tr>
                  ))}
                </Table>
          )}
        </Panel>
        <Panel title="Secrets replaced" note="before anything is stored or sent">
          {secrets.length === 0 ? <p class="none pad">None in what was stored so far. What would be replaced is marked in each session.</p> : (
            <table class="bars">
              <tbody>{secrets.map(([rule, value]) => <tr key={rule}><th scope="row"><mark class="secret">{line(rule)}</mark></th><td class="n">{number(value)}</td><td class="share-cell"><i class="g0" style={{ transform: `scaleX(${value / most})` }} /></td></tr>)}</tbody>
            </table>
          )}
        </Panel>
      </div>
      {it.refused_total > 0 && (
        <Panel title="Refused" note={<>PostHog will not take these as they are: <code>posthog-llma flush --refused</code> tries again</>}>
          <Table label="Refused events" head={["event", "session", ">size", "reason"]}>{it.refused.map((event) => <tr key={event.uuid}><td>{marked(event.event)} <span class="mono faint">{event.uuid.slice(0, 8)}</span></td><td class="mono">{marked(event.session.slice(0, 8))}</td><td class="n">{bytes(event.bytes)}</td><td class="wide-cell">{marked(event.reason)}</td></tr>)}</Table>
        </Panel>
      )}
      <div class="columns">
        <Panel title="Receipts" note="the last runs">
          {it.runs.length === 0 ? <p class="none pad">No run yet. Hooks run when sessions of an agent start and end.</p> : (
            <Table label="Receipts" head={["at", "run", ">sent", ">took", "result"]}>
                  {it.runs.map((run, index) => (
                    <tr key={index}>
                      <td>{moment(Date.parse(run.at))}</td>
                      <td>{line(run.verb)} {run.session && <span class="mono faint">{line(run.session.slice(0, 8))}</span>}</td>
                      <td class="n">{number(run.sent)}</td>
                      <td class="n">{duration(run.duration_ms / 1000)}</td>
                      <td class="wide-cell">{run.error ? <span class="bad">{marked(run.error)}</span> : run.warnings.length ? marked(run.warnings.join("; ")) : <span class="faint">done</span>}</td>
                    </tr>
                  ))}
                </Table>
          )}
        </Panel>
        <Panel title="Never sent" note="by your decision">
          {it.excluded.length + it.left_alone.length === 0 ? <p class="none pad">No project is left alone, and no session is paused or forgotten.</p> : (
            <Table label="Never sent" head={["what", "why", "since"]}>
                  {it.left_alone.map((project) => <tr key={project.project}><td>project <a href={link("sessions", { project: project.project })}>{line(project.project)}</a> <span class="faint">{count(project.sessions, "session")}</span></td><td class="wide-cell">{marked(project.reason)}</td><td>–</td></tr>)}
                  {it.excluded.map((session) => <tr key={session.session}><td>session {session.key ? <a class="mono" href={sessionLink(session.key)}>{line(session.session.slice(0, 8))}</a> : <span class="mono">{line(session.session.slice(0, 8))}</span>}</td><td>{session.cause}</td><td>{moment(Date.parse(session.since))}</td></tr>)}
                </Table>
          )}
        </Panel>
      </div>
    </>
  );
}

/** Usage over time: the numbers of `posthog-llma report`. */

import { useSignal } from "@preact/signals";
import { useEffect, useMemo, useState } from "preact/hooks";
import type { Machine, Numbers, Usage, UsageBy } from "../../api";
import { Chart } from "../chart";
import { count, dollars, duration, models, number, percent, short } from "../format";
import { Choice, CostText, Empty, Lines, Panel, Table, Tile, Trouble } from "../parts";
import { projects } from "../list";
import { link, refine, route, sessionLink } from "../route";
import { asProblem, type Problem, type Source } from "../source";
import { line } from "../text";

const SINCE = [["7d", "7 days"], ["30d", "30 days"], ["90d", "90 days"], ["365d", "a year"], ["all", "all time"]] as const;
// Days, weeks and months are the chart's axis, and a row per session is the list of sessions.
// Persons are left out: the list is read without running git for each session.
const BY = [["model", "model"], ["project", "project"], ["branch", "branch"], ["pr", "pull request"], ["agent", "agent"], ["tool", "tool"]] as const;
const MEASURES = [["cost", "cost"], ["tokens", "tokens"], ["calls", "calls"], ["worked", "time worked"]] as const;
type Measure = (typeof MEASURES)[number][0];
type Bucket = Usage["groups"][number]["buckets"][number];

const DEFAULT_SINCE = "30d";
const sumOf = ({ input, output, cache_read, cache_write }: Numbers["tokens"]) => input + output + cache_read + cache_write;
const measured = (bucket: Bucket, measure: Measure): number => (measure === "tokens" ? sumOf(bucket.tokens) : bucket[measure]);
const textOf = (measure: Measure) => (value: number) => (measure === "cost" ? dollars(value) : measure === "worked" ? duration(value) : short(value));
const COLOURS = 8;
/** `owner/repository#12` of the address of a pull request. */
const pullRequest = (address: string) => address.replace(/^https:\/\/[^/]+\/([^/]+\/[^/]+)\/pull\/(\d+)\/?$/, "$1#$2");
const colourOf = (index: number) => (index < COLOURS ? `--g${index}` : "--g-other");

export function UsageView({ source, machine }: { source: Source; machine: Machine }) {
  const { query } = route.value;
  const by = (query.get("by") ?? "model") as UsageBy;
  // A tool uses time but no tokens.
  const measures = by === "tool" ? MEASURES.filter(([key]) => key === "worked") : MEASURES;
  const measure = by === "tool" ? "worked" : ((query.get("measure") ?? "cost") as Measure);
  const since = query.get("since") ?? DEFAULT_SINCE;
  const project = query.get("project") ?? undefined;
  const agent = query.get("agent") ?? undefined;
  const [usage, setUsage] = useState<Usage | null>(null);
  const [problem, setProblem] = useState<Problem | null>(null);

  useEffect(() => {
    let isGone = false;
    let timer: ReturnType<typeof setTimeout> | undefined;
    const ask = () => {
      source.usage(by, { since: since === "all" ? undefined : since, project, agent }).then(
        (it) => {
          if (isGone) return;
          setUsage(it);
          setProblem(null);
          if (it.running) timer = setTimeout(ask, 1000);
        },
        (error: unknown) => isGone || setProblem(asProblem(error)),
      );
    };
    ask();
    return () => {
      isGone = true;
      clearTimeout(timer);
    };
  }, [by, since, project, agent]);

  return (
    <main class="page usage">
      <h1 class="unseen">Usage</h1>
      <div class="page-tools">
        <Choice label="Since" value={since} options={SINCE} change={(it) => refine({ since: it === DEFAULT_SINCE ? null : it })} />
        <Choice label="By" isNamed value={by} options={BY} change={(it) => refine({ by: it === "model" ? null : it })} />
        <Choice label="Show" isNamed value={measure} options={measures} change={(it) => refine({ measure: it === "cost" ? null : it })} />
        <Choice label="Project" value={project ?? ""} options={[["", "all projects"], ...projects(machine).map((it) => [it, it] as const)]} change={(it) => refine({ project: it })} />
        <Choice label="Agent" value={agent ?? ""} options={[["", "all agents"], ...machine.agents.map((it) => [it, it] as const)]} change={(it) => refine({ agent: it })} />
        {usage?.running && <span class="reading" role="status">reading…</span>}
      </div>
      {problem && <Trouble problem={problem} />}
      {usage ? usage.total.sessions ? <Figures usage={usage} by={by} measure={measure} machine={machine} /> : <Empty title="No session in this period"><p>Choose a longer period, or all projects.</p></Empty> : !problem && <Empty title="Adding up…" />}
    </main>
  );
}

function Figures({ usage, by, measure, machine }: { usage: Usage; by: UsageBy; measure: Measure; machine: Machine }) {
  const pointed = useSignal<number | null>(null);
  const { total, groups, buckets } = usage;
  const byName = BY.find(([key]) => key === by)?.[1] ?? by;
  const model = models(groups.map((group) => group.name));
  const name = (it: string | null) => (it === null ? `no ${byName}` : by === "model" ? model(it) : by === "pr" ? pullRequest(it) : it);
  const drawn = useMemo(
    () => groups.map((group, index) => ({ name: name(group.name), colour: colourOf(index), values: group.buckets.map((it) => measured(it, measure)) })),
    [usage, measure],
  );
  const show = textOf(measure);
  const measureName = MEASURES.find(([key]) => key === measure)![1];
  const whole = groups.reduce((sum, group) => sum + group.buckets.reduce((part, it) => part + measured(it, measure), 0), 0);
  const at = pointed.value;
  const bucket = (index: number) => (buckets[index] ?? "").slice(0, usage.unit === "month" ? 7 : undefined);
  return (
    <>
      <dl class="tiles">
        <Tile name="list price, estimated" note={total.cost.unknown_calls ? `without ${count(total.cost.unknown_calls, "call")}` : machine.prices ? `prices of ${machine.prices.date}` : "no price table"}><CostText cost={total.cost} /></Tile>
        <Tile name="tokens" note={`${percent(total.tokens.cache_read, total.tokens.cache_read + total.tokens.cache_write + total.tokens.input)} of input from cache`}>{short(sumOf(total.tokens))}</Tile>
        <Tile name="sessions">{number(total.sessions)}</Tile>
        <Tile name="time worked" note={`${duration(total.waited)} waited for you`}>{duration(total.worked)}</Tile>
        <Tile name="model calls" note={`${number(total.failed_calls)} failed`}>{number(total.calls)}</Tile>
        <Tile name="tools" note={`${number(total.failed_tools)} failed`}>{number(total.tools)}</Tile>
        <Tile name="lines" note={`${count(total.commits, "commit")}, ${count(total.pull_requests, "pull request")}`}><Lines added={total.lines_added} removed={total.lines_removed} show={short} /></Tile>
      </dl>
      <Panel title={`${measureName} by ${usage.unit}`} note={at === null ? `${bucket(0)} to ${bucket(buckets.length - 1)}` : `${bucket(at)}: ${show(groups.reduce((sum, group) => sum + measured(group.buckets[at]!, measure), 0))}`}>
        <Chart count={buckets.length} layers={drawn} height={240} label={`${measure} by ${usage.unit} and ${byName}. The figures are in the table below.`} xText={(x) => bucket(x).slice(usage.unit === "month" ? 0 : 5)} yText={measure === "cost" ? (value) => (value < 10 ? dollars(value) : `$${short(value)}`) : show} pointed={at} point={(index) => (pointed.value = index)} />
        {measure === "cost" && total.cost.usd === null && <p class="none pad">The price of no call is known: choose tokens, calls or time.</p>}
        <Table label={`By ${byName}`} head={[byName, `>${at === null ? measureName : bucket(at)}`, "share", ">sessions", by === "tool" ? ">tools" : ">calls", ">in", ">out", ">cached", ">worked", ">list price"]}>
              {groups.map((group, index) => {
                const value = at === null ? group.buckets.reduce((sum, it) => sum + measured(it, measure), 0) : measured(group.buckets[at]!, measure);
                const { tokens } = group.total;
                return (
                  <tr key={group.name}>
                    <td><i class={`key ${colourOf(index).replace("--", "")}`} />{line(name(group.name))}</td>
                    <td class="n">{measure === "cost" && group.total.cost.usd === null ? <span class="faint">unknown</span> : show(value)}</td>
                    <td class="share-cell"><i class={colourOf(index).replace("--", "")} style={{ transform: `scaleX(${whole ? Math.min(1, value / whole) : 0})` }} /></td>
                    <td class="n">{number(group.total.sessions)}</td>
                    <td class="n">{number(by === "tool" ? group.total.tools : group.total.calls)}</td>
                    <td class="n">{short(tokens.input)}</td>
                    <td class="n">{short(tokens.output)}</td>
                    <td class="n">{short(tokens.cache_read + tokens.cache_write)}</td>
                    <td class="n">{duration(group.total.worked)}</td>
                    <td class="n"><CostText cost={group.total.cost} /></td>
                  </tr>
                );
              })}
            </Table>
      </Panel>
      <div class="columns">
        <HeatMap usage={usage} measure={measure} />
        <Findings usage={usage} />
      </div>
      <div class="columns">
        <ToolTable usage={usage} />
        <BranchTable usage={usage} />
      </div>
      {usage.unpriced.length > 0 && <p class="none pad">Price unknown: {usage.unpriced.map(({ model: it, calls }) => `${it} (${count(calls, "call")})`).join(", ")}.{machine.prices && ` Prices of ${machine.prices.date}, ${machine.prices.source}.`}</p>}
    </>
  );
}

const DAYS = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"];

/** Hours by weekday. */
function HeatMap({ usage, measure }: { usage: Usage; measure: Measure }) {
  const show = textOf(measure);
  const most = Math.max(1e-9, ...usage.hours.flatMap((row) => row.map((it) => it[measure])));
  return (
    <Panel title="Hours of the week" note={<>darkest: {show(most)}</>}>
      <table class="heat">
        <thead><tr><td /> {Array.from({ length: 24 }, (_, hour) => <th key={hour} scope="col">{hour % 3 === 0 ? hour : <span class="unseen">{hour}</span>}</th>)}</tr></thead>
        <tbody>
          {usage.hours.map((row, weekday) => (
            <tr key={weekday}>
              <th scope="row">{DAYS[weekday]}</th>
              {row.map((it, hour) => {
                const level = it[measure] > 0 ? Math.max(1, Math.ceil(Math.sqrt(it[measure] / most) * 6)) : 0;
                const text = `${DAYS[weekday]} ${hour}:00: ${show(it[measure])}`;
                return <td key={hour} class={`h${level}`} title={text}><span class="unseen">{show(it[measure])}</span></td>;
              })}
            </tr>
          ))}
        </tbody>
      </table>
    </Panel>
  );
}

function Findings({ usage }: { usage: Usage }) {
  return (
    <Panel title="Findings" note="by rule, with the tokens they cost">
      {usage.findings.length === 0 && <p class="none pad">Nothing was found.</p>}
      <ul class="findings">
        {usage.findings.map((finding) => (
          <li key={finding.kind}>
            <details>
              <summary><b class="figure">{number(finding.count)}</b> {line(finding.title)} <span class="figure faint">{short(finding.tokens)} tokens</span></summary>
              <ul>{finding.examples.map((it) => <li key={it.span}><a href={sessionLink(it.key, "trace", { at: it.span })}>{line(it.text)}</a> <span class="faint">{short(it.tokens)} tokens</span></li>)}</ul>
            </details>
          </li>
        ))}
      </ul>
    </Panel>
  );
}

function ToolTable({ usage }: { usage: Usage }) {
  const [isAll, all] = useState(false);
  const shown = isAll ? usage.tools : usage.tools.slice(0, 12);
  return (
    <Panel title="Tools" note="p50 and p95 of their own time">
      <Table label="Tools" head={["tool", ">calls", ">failed", ">p50", ">p95", ">waited for you"]}>
            {shown.map((tool) => (
              <tr key={tool.name}>
                <td class="wide-cell">{line(tool.name)}</td>
                <td class="n">{number(tool.calls)}</td>
                <td class="n">{tool.failed ? <span class="bad">{number(tool.failed)}</span> : <span class="faint">0</span>} <span class="faint part-of">{tool.failed ? percent(tool.failed, tool.calls) : ""}</span></td>
                <td class="n">{tool.p50 === null ? <span class="faint" title="No time of its own is recorded">–</span> : duration(tool.p50)}</td>
                <td class="n">{tool.p95 === null ? <span class="faint">–</span> : duration(tool.p95)}</td>
                <td class="n">{tool.waited ? duration(tool.waited) : <span class="faint">0</span>}</td>
              </tr>
            ))}
          </Table>
      {shown.length < usage.tools.length && <button type="button" class="more" onClick={() => all(true)}>Show all {usage.tools.length} tools</button>}
    </Panel>
  );
}

/** Number of pull requests of a branch to name. */
const CHIPS = 6;

function BranchTable({ usage }: { usage: Usage }) {
  const [isAll, all] = useState(false);
  const shown = isAll ? usage.branches : usage.branches.slice(0, 12);
  return (
    <Panel title="Branches and pull requests" note="the branch of the moment, as PostHog counts it">
      <Table label="Branches and pull requests" head={["branch", "pull requests", ">sessions", ">lines", ">list price"]}>
            {shown.map((it) => (
              <tr key={`${it.project} ${it.branch}`}>
                <td class="wide-cell"><a href={link("sessions", { project: it.project, q: it.branch })}>{it.branch === null ? <span class="faint">no branch</span> : line(it.branch)}</a> <span class="faint">{line(it.project ?? "")}</span></td>
                <td class="chips">{it.pull_requests.slice(0, CHIPS).map((address) => <span key={address} class="chip" title={address}>{line(`#${/(\d+)\/?$/.exec(address)?.[1] ?? "?"}`)}</span>)}{it.pull_requests.length > CHIPS && <span class="faint" title={it.pull_requests.slice(CHIPS).join("\n")}>+{it.pull_requests.length - CHIPS}</span>}</td>
                <td class="n">{number(it.numbers.sessions)}</td>
                <td class="n"><Lines added={it.numbers.lines_added} removed={it.numbers.lines_removed} show={short} /></td>
                <td class="n"><CostText cost={it.numbers.cost} /></td>
              </tr>
            ))}
          </Table>
      {shown.length < usage.branches.length && <button type="button" class="more" onClick={() => all(true)}>Show all {usage.branches.length} branches</button>}
    </Panel>
  );
}

// Measures the page with the browser's own performance interface.
// node test/bench.mjs [--events FILE --session KEY] [--calls 20000]
import { load, serve } from "../dev/server.mjs";
import { launch } from "./support/browser.mjs";

const option = (name, otherwise) => {
  const at = process.argv.indexOf(`--${name}`);
  return at < 0 ? otherwise : process.argv[at + 1];
};
const LONG = "claude-code/5f0c2a71-3b6e-4d19-9c55-000000000004";
const calls = Number(option("calls", 20_000));
const browser = await launch();
const results = [];
const report = (name, value) => {
  results.push({ name, value });
  console.log(`${name.padEnd(64)} ${value}`);
};
const ms = (value) => `${value.toFixed(0)} ms`;

/** Opens an address and waits until a condition holds in the page; times are from the start of the navigation. */
async function timed(address, isFirst, isComplete) {
  const page = await browser.newPage({ viewport: { width: 1280, height: 800 } });
  await page.addInitScript(`(() => {
    const first = ${isFirst}, complete = ${isComplete};
    window.times = {};
    // After a frame in which it holds, so that it is painted.
    const look = () => {
      for (const [name, holds] of Object.entries({ first, complete })) {
        if (times[name] === undefined && document.body && holds()) {
          const channel = new MessageChannel();
          times[name] = -1;
          channel.port1.onmessage = () => (times[name] = performance.now());
          channel.port2.postMessage(0);
        }
      }
      if (!(times.complete > 0)) requestAnimationFrame(look);
    };
    requestAnimationFrame(look);
  })()`);
  const before = await processorTime(page);
  await page.goto(address);
  await page.waitForFunction(() => window.times.complete > 0, null, { timeout: 120_000 });
  const times = await page.evaluate(() => ({ ...window.times, paint: performance.getEntriesByName("first-contentful-paint")[0]?.startTime }));
  const { all, script } = await processorTime(page);
  times.processor = `processor ${(all - before.all).toFixed(0)} ms (script ${(script - before.script).toFixed(0)})`;
  return { page, times };
}

/** Processor time of the page's thread so far, in milliseconds: on a busy machine, clocks tell more about the others. */
async function processorTime(page) {
  const session = (page.cdp ??= await page.context().newCDPSession(page));
  await session.send("Performance.enable", { timeDomain: "threadTicks" });
  const { metrics } = await session.send("Performance.getMetrics");
  const of = (name) => metrics.find((it) => it.name === name).value * 1000;
  return { all: of("TaskDuration"), script: of("ScriptDuration"), style: of("RecalcStyleDuration"), layout: of("LayoutDuration") };
}

/** Does something once a frame; returns the time between frames, the time of the page's own work in each, and its processor time. */
async function frames(page, count, step) {
  const before = await processorTime(page);
  const found = await measureFrames(page, count, step);
  const after = await processorTime(page);
  return { ...found, processor: Object.fromEntries(Object.entries(after).map(([name, value]) => [name, (value - before[name]) / count])) };
}

const measureFrames = (page, count, step) =>
  page.evaluate(
    ([count, step]) =>
      new Promise((resolve) => {
        const act = new Function("index", step);
        const between = [];
        const work = [];
        let last = 0;
        let index = 0;
        const frame = (now) => {
          if (last) between.push(now - last);
          last = now;
          const begin = performance.now();
          act(index);
          const channel = new MessageChannel();
          // After style, layout and paint of this frame.
          channel.port1.onmessage = () => work.push(performance.now() - begin);
          channel.port2.postMessage(0);
          if (++index < count) requestAnimationFrame(frame);
          else setTimeout(() => resolve({ between, work }), 50);
        };
        requestAnimationFrame(frame);
      }),
    [count, step],
  );

function reportFrames(name, { between, work, processor }) {
  const sorted = (list) => [...list].sort((one, other) => one - other);
  const at = (list, part) => sorted(list)[Math.min(list.length - 1, Math.floor(list.length * part))];
  const mean = between.reduce((sum, it) => sum + it, 0) / between.length;
  report(name, `${(1000 / mean).toFixed(0)} frames/s; between frames p50 ${at(between, 0.5).toFixed(1)}, p95 ${at(between, 0.95).toFixed(1)} ms; work in a frame p50 ${at(work, 0.5).toFixed(1)}, p95 ${at(work, 0.95).toFixed(1)}, max ${at(work, 1).toFixed(1)} ms; processor a frame ${processor.all.toFixed(1)} ms (script ${processor.script.toFixed(1)}, style ${processor.style.toFixed(1)}, layout ${processor.layout.toFixed(1)})`);
}

try {
  const data = await load({ rows: 5000, calls });
  const { server, address } = await serve(data, { grow: false });
  for (let round = 0; round < 3; round++) {
    const { page, times } = await timed(`${address}/#/sessions`, `() => document.querySelector(".row")`, `() => /^5,00\\d sessions/.test(document.querySelector(".total b")?.textContent ?? "") && !document.querySelector(".later")`);
    report(`list of 5,000: first paint; first rows; complete (${round + 1})`, `${ms(times.paint)}; ${ms(times.first)}; ${ms(times.complete)}; ${times.processor}`);
    if (round === 2) reportFrames("list of 5,000: scrolling 400 pixels a frame", await frames(page, 240, `document.querySelector(".list-rows").scrollTop += 400`));
    await page.close();
  }
  const opened = `() => document.querySelector(".opened") && document.querySelector(".tree-row")`;
  const { page, times } = await timed(`${address}/#/session/${encodeURIComponent(LONG)}/trace`, `() => document.querySelector(".tree-row")`, opened);
  const count = data.sessions.get(LONG).lines.length;
  report(`session of ${count} events: first rows; with detail`, `${ms(times.first)}; ${ms(times.complete)}; ${times.processor}`);
  await page.waitForFunction((wanted) => document.querySelector(".tree-rows .virtual-rows").clientHeight >= wanted * 25, count, { timeout: 120_000 });
  report(`session of ${count} events: whole tree; heap`, `${ms(await page.evaluate(() => performance.now()))}; ${((await page.evaluate(() => performance.memory.usedJSHeapSize)) / 1e6).toFixed(0)} MB`);
  reportFrames(`tree of ${count}: scrolling 300 pixels a frame`, await frames(page, 240, `document.querySelector(".tree-rows").scrollTop += 300`));
  const key = (name) => `document.querySelector(".lanes-box").dispatchEvent(new KeyboardEvent("keydown", { key: ${name}, bubbles: true, cancelable: true }))`;
  reportFrames(`lanes of ${count}: zooming in and out`, await frames(page, 240, key(`index % 60 < 30 ? "w" : "s"`)));
  await page.evaluate(`for (let index = 0; index < 6; index++) ${key(`"w"`)}`);
  reportFrames(`lanes of ${count}: moving`, await frames(page, 240, key(`index % 80 < 40 ? "d" : "a"`)));
  await page.close();
  server.close();
  server.closeAllConnections();

  const events = option("events");
  if (events) {
    const real = await load({ events });
    const own = await serve(real, { grow: false });
    const wanted = option("session") ?? [...real.sessions.values()].sort((one, other) => other.row.bytes - one.row.bytes)[0].key;
    const { row, lines } = real.sessions.get(wanted);
    for (let round = 0; round < 3; round++) {
      const { page, times } = await timed(`${own.address}/#/session/${encodeURIComponent(wanted)}/trace`, `() => document.querySelector(".tree-row")`, `() => document.querySelector(".opened") && document.querySelector(".tree-rows .virtual-rows").clientHeight >= ${lines.length} * 25`);
      report(`real session of ${lines.length} events, ${(row.bytes / 1e6).toFixed(1)} MB: first rows; all (${round + 1})`, `${ms(times.first)}; ${ms(times.complete)}; ${times.processor}`);
      await page.close();
    }
    own.server.close();
    own.server.closeAllConnections();
  }
} finally {
  await browser.close();
}

// Measures with the browser's own performance interface.

/** Prints a figure. */
export const report = (name, value) => console.log(`${name.padEnd(64)} ${value}`);
export const ms = (value) => `${value.toFixed(0)} ms`;

/**
 * Opens an address and waits until a condition holds in the page; times are from the start of the navigation.
 * `changed` is when the text of an element changed last.
 */
export async function timed(browser, address, isFirst, isComplete, watched = "title") {
  const page = await browser.newPage({ viewport: { width: 1280, height: 800 } });
  await page.addInitScript(`(() => {
    const first = ${isFirst}, complete = ${isComplete};
    window.times = {};
    // After a frame in which it holds, so that it is painted.
    let text;
    const look = () => {
      const now = document.querySelector("${watched}")?.textContent;
      if (now !== text) times.changed = performance.now();
      text = now;
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
export async function processorTime(page) {
  const session = (page.cdp ??= await page.context().newCDPSession(page));
  await session.send("Performance.enable", { timeDomain: "threadTicks" });
  const { metrics } = await session.send("Performance.getMetrics");
  const of = (name) => metrics.find((it) => it.name === name).value * 1000;
  return { all: of("TaskDuration"), script: of("ScriptDuration"), style: of("RecalcStyleDuration"), layout: of("LayoutDuration") };
}

/** Does something once a frame; returns the time between frames, the time of the page's own work in each, and its processor time. */
export async function frames(page, count, step) {
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

export function reportFrames(name, { between, work, processor }) {
  const sorted = (list) => [...list].sort((one, other) => one - other);
  const at = (list, part) => sorted(list)[Math.min(list.length - 1, Math.floor(list.length * part))];
  const mean = between.reduce((sum, it) => sum + it, 0) / between.length;
  report(name, `${(1000 / mean).toFixed(0)} frames/s; between frames p50 ${at(between, 0.5).toFixed(1)}, p95 ${at(between, 0.95).toFixed(1)} ms; work in a frame p50 ${at(work, 0.5).toFixed(1)}, p95 ${at(work, 0.95).toFixed(1)}, max ${at(work, 1).toFixed(1)} ms; processor a frame ${processor.all.toFixed(1)} ms (script ${processor.script.toFixed(1)}, style ${processor.style.toFixed(1)}, layout ${processor.layout.toFixed(1)})`);
}

/** Presses a key in the lanes of a session, as the text of a step. */
export const key = (name) => `document.querySelector(".lanes-box").dispatchEvent(new KeyboardEvent("keydown", { key: ${name}, bubbles: true, cancelable: true }))`;

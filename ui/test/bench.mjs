// Measures the page with the browser's own performance interface.
// node test/bench.mjs [--events FILE --session KEY] [--calls 20000]
import { load, serve } from "../dev/server.mjs";
import { launch } from "./support/browser.mjs";
import { frames, key, ms, report, reportFrames, timed } from "./support/measure.mjs";

const option = (name, otherwise) => {
  const at = process.argv.indexOf(`--${name}`);
  return at < 0 ? otherwise : process.argv[at + 1];
};
const LONG = "claude-code/5f0c2a71-3b6e-4d19-9c55-000000000004";
const calls = Number(option("calls", 20_000));
const browser = await launch();

try {
  const data = await load({ rows: 5000, calls });
  const { server, address } = await serve(data, { grow: false });
  for (let round = 0; round < 3; round++) {
    const { page, times } = await timed(browser, `${address}/#/sessions`, `() => document.querySelector(".row")`, `() => /^5,00\\d sessions/.test(document.querySelector(".total b")?.textContent ?? "") && !document.querySelector(".later")`);
    report(`list of 5,000: first paint; first rows; complete (${round + 1})`, `${ms(times.paint)}; ${ms(times.first)}; ${ms(times.complete)}; ${times.processor}`);
    if (round === 2) reportFrames("list of 5,000: scrolling 400 pixels a frame", await frames(page, 240, `document.querySelector(".list-rows").scrollTop += 400`));
    await page.close();
  }
  const opened = `() => document.querySelector(".opened") && document.querySelector(".tree-row")`;
  const { page, times } = await timed(browser, `${address}/#/session/${encodeURIComponent(LONG)}/trace`, `() => document.querySelector(".tree-row")`, opened);
  const count = data.sessions.get(LONG).lines.length;
  report(`session of ${count} events: first rows; with detail`, `${ms(times.first)}; ${ms(times.complete)}; ${times.processor}`);
  await page.waitForFunction((wanted) => document.querySelector(".tree-rows .virtual-rows").clientHeight >= wanted * 25, count, { timeout: 120_000 });
  report(`session of ${count} events: whole tree; heap`, `${ms(await page.evaluate(() => performance.now()))}; ${((await page.evaluate(() => performance.memory.usedJSHeapSize)) / 1e6).toFixed(0)} MB`);
  reportFrames(`tree of ${count}: scrolling 300 pixels a frame`, await frames(page, 240, `document.querySelector(".tree-rows").scrollTop += 300`));
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
      const { page, times } = await timed(browser, `${own.address}/#/session/${encodeURIComponent(wanted)}/trace`, `() => document.querySelector(".tree-row")`, `() => document.querySelector(".opened") && document.querySelector(".tree-rows .virtual-rows").clientHeight >= ${lines.length} * 25`);
      report(`real session of ${lines.length} events, ${(row.bytes / 1e6).toFixed(1)} MB: first rows; all (${round + 1})`, `${ms(times.first)}; ${ms(times.complete)}; ${times.processor}`);
      await page.close();
    }
    own.server.close();
    own.server.closeAllConnections();
  }
} finally {
  await browser.close();
}

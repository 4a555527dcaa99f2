// Measures the page over the real program, on sessions that scripts/make-sessions wrote.
// node test/program-bench.mjs PROGRAM [--list FOLDER] [--session FOLDER] [--large FOLDER] [--rounds 3]
import { spawn } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { launch } from "./support/browser.mjs";
import { frames, key, ms, report, reportFrames, timed } from "./support/measure.mjs";

const option = (name, otherwise) => {
  const at = process.argv.indexOf(`--${name}`);
  return at < 0 ? otherwise : process.argv[at + 1];
};
const program = process.argv[2];
const rounds = Number(option("rounds", 3));
const megabytes = (kilobytes) => `${(kilobytes / 1000).toFixed(0)} MB`;

/** Starts the program over a folder, in a home of its own, and ends it after `act`. */
async function over(folder, act) {
  const home = mkdtempSync(join(tmpdir(), "posthog-llma-bench-"));
  const environment = { PATH: process.env.PATH, HOME: home };
  const child = spawn(program, ["view", folder, "--no-open"], { env: environment, stdio: ["ignore", "pipe", "inherit"] });
  try {
    const address = await new Promise((resolve, reject) => {
      child.stdout.once("data", (line) => resolve(String(line).trim()));
      child.once("exit", () => reject(new Error("the program ended")));
    });
    await act(address, child.pid);
  } finally {
    child.removeAllListeners("exit");
    const ended = new Promise((resolve) => child.once("exit", resolve));
    child.kill("SIGINT");
    await ended;
    rmSync(home, { recursive: true });
  }
}

/** A field of a process in kilobytes: `VmRSS`, and `VmHWM` for the most it ever had. */
const memory = (pid, field) => Number(readFileSync(`/proc/${pid}/status`, "utf8").match(`${field}:\\s+(\\d+)`)[1]);

/** Kilobytes that the browser's processes for pages have now, without what they share. */
async function browserMemory(browser) {
  const session = await browser.newBrowserCDPSession();
  const { processInfo } = await session.send("SystemInfo.getProcessInfo");
  const own = (id) => {
    const [, total] = readFileSync(`/proc/${id}/smaps_rollup`, "utf8").match(/^Pss:\s+(\d+)/m);
    return Number(total);
  };
  return Math.max(0, ...processInfo.filter(({ type }) => type === "renderer").map(({ id }) => own(id)));
}

const ROW = `() => document.querySelector(".row")`;
const ALL_FIGURES = `() => document.querySelector(".row") && !document.querySelector(".total .reading") && !document.querySelector(".later")`;
const TREE = `() => document.querySelector(".tree-row")`;
const OPENED = `() => document.querySelector(".opened") && document.querySelector(".tree-row")`;

/** Opens the only session of a folder, from its address to its detail. */
async function session(browser, folder, name) {
  for (let round = 1; round <= rounds; round++) {
    await over(folder, async (address, pid) => {
      const { page: list } = await timed(browser, `${address}#/sessions`, ROW, ROW);
      const path = await list.evaluate(async () => {
        const lines = (await (await fetch("/api/sessions")).text()).split("\n");
        return `#/session/${encodeURIComponent(JSON.parse(lines[0]).key)}/trace`;
      });
      await list.close();
      const { page, times } = await timed(browser, address + path, TREE, OPENED);
      report(`${name}: first paint; tree; detail (${round})`, `${ms(times.paint)}; ${ms(times.first)}; ${ms(times.complete)}; ${times.processor}`);
      if (round === rounds) {
        await page.waitForFunction(() => !document.querySelector("[aria-busy=true]"), null, { timeout: 120_000 });
        reportFrames(`${name}: scrolling the tree 300 pixels a frame`, await frames(page, 240, `document.querySelector(".tree-rows").scrollTop += 300`));
        reportFrames(`${name}: zooming the lanes in and out`, await frames(page, 240, key(`index % 60 < 30 ? "w" : "s"`)));
        await page.evaluate(`for (let index = 0; index < 6; index++) ${key(`"w"`)}`);
        reportFrames(`${name}: moving the lanes`, await frames(page, 240, key(`index % 80 < 40 ? "d" : "a"`)));
        const events = await page.evaluate(() => document.querySelector(".tree-rows .virtual-rows").clientHeight / 25);
        const heap = await page.evaluate(() => performance.memory.usedJSHeapSize);
        const used = await browserMemory(browser);
        await (await page.context().newCDPSession(page)).send("HeapProfiler.collectGarbage");
        report(`${name}: rows of the tree; heap; browser, without garbage; program, at most`, `${events}; ${megabytes(heap / 1000)}; ${megabytes(used)}, ${megabytes(await browserMemory(browser))}; ${megabytes(memory(pid, "VmRSS"))}, ${megabytes(memory(pid, "VmHWM"))}`);
      }
      await page.close();
    });
  }
}

/** Opens the list of a folder. */
async function list(browser, folder) {
  for (let round = 1; round <= rounds; round++) {
    await over(folder, async (address, pid) => {
      const { page, times } = await timed(browser, `${address}#/sessions`, ROW, ALL_FIGURES, ".total b");
      const count = await page.evaluate(() => document.querySelector(".total b").textContent);
      report(`list of ${count}: first paint; first rows; all rows; all figures (${round})`, `${ms(times.paint)}; ${ms(times.first)}; ${ms(times.changed)}; ${ms(times.complete)}; ${times.processor}`);
      if (round === rounds) {
        reportFrames("list: scrolling 400 pixels a frame", await frames(page, 240, `document.querySelector(".list-rows").scrollTop += 400`));
        report("list: browser; program now, at most", `${megabytes(await browserMemory(browser))}; ${megabytes(memory(pid, "VmRSS"))}, ${megabytes(memory(pid, "VmHWM"))}`);
      }
      await page.close();
    });
  }
}

const browser = await launch();
try {
  const [sessions, one, large] = ["list", "session", "large"].map((name) => option(name));
  if (sessions) await list(browser, sessions);
  if (one) await session(browser, one, "session");
  if (large) await session(browser, large, "large session");
} finally {
  await browser.close();
}

// One browser for all tests of a file; every page is checked for what no page may do.
import assert from "node:assert/strict";
import { mkdirSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { chromium } from "playwright-core";

const require = createRequire(import.meta.url);
const axe = await readFile(require.resolve("axe-core/axe.min.js"), "utf8");
const SHOTS = process.env.SHOTS ?? new URL("../../shots", import.meta.url).pathname;
mkdirSync(SHOTS, { recursive: true });

export const WIDTHS = { 1280: 800, 390: 844 };

export const launch = () => chromium.launch({ executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium", args: ["--headless", "--no-sandbox", "--disable-gpu"] });

/** Opens an address, runs what a test does, and fails on errors in the console and on requests elsewhere. */
export async function visit(browser, address, { width = 1280, scheme = "light", name, allowed = [] } = {}, act = async () => {}) {
  const context = await browser.newContext({ viewport: { width, height: WIDTHS[width] }, colorScheme: scheme, timezoneId: "UTC", reducedMotion: "reduce" });
  const page = await context.newPage();
  const problems = [];
  page.on("console", (message) => ["error", "warning"].includes(message.type()) && problems.push(`console: ${message.text()}`));
  page.on("pageerror", (error) => problems.push(`error: ${error.stack ?? error}`));
  page.on("dialog", (dialog) => (problems.push(`dialog: ${dialog.message()}`), dialog.dismiss()));
  page.on("request", (request) => {
    const isOwn = request.url().startsWith(new URL(address).origin === "null" ? address.split("#")[0] : new URL(address).origin);
    if (!isOwn) problems.push(`request elsewhere: ${request.url()}`);
    if (request.method() !== "GET") problems.push(`${request.method()} ${request.url()}`);
  });
  try {
    await page.goto(address);
    await act(page);
    if (name) await page.screenshot({ path: `${SHOTS}/${name}-${width}-${scheme}.png` });
  } finally {
    await context.close();
  }
  const unexpected = problems.filter((problem) => !allowed.some((pattern) => pattern.test(problem)));
  assert.deepEqual(unexpected, []);
}

/** Until what was asked for is drawn. */
export const drawn = (page) => page.evaluate(() => new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(() => resolve()))));

/** Rules of WCAG 2.2 A and AA, and of good practice. */
export async function checkAccessibility(page) {
  await page.evaluate(axe);
  const violations = await page.evaluate(async () => {
    const found = await window.axe.run(document, { resultTypes: ["violations"] });
    return found.violations.map(({ id, nodes }) => `${id}: ${nodes.slice(0, 4).map(({ html, any, all, none }) => `${html.slice(0, 160)} (${[...any, ...all, ...none].map(({ message }) => message).join("; ").slice(0, 220)})`).join(" | ")}`);
  });
  assert.deepEqual(violations, []);
}

/** Nothing but what scrolls in itself is wider than the window. */
export async function checkWidth(page) {
  const [inside, outside] = await page.evaluate(() => [document.documentElement.scrollWidth, innerWidth]);
  assert.ok(inside <= outside, `the page is ${inside} pixels wide in a window of ${outside}`);
}

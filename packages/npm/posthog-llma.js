#!/usr/bin/env node
// Becomes the program posthog-llma, with the same arguments, terminal and exit status.

"use strict";

const { spawn } = require("node:child_process");
const { constants } = require("node:os");
const { program } = require("./index.js");

// Signals that end the program, and this process only after it.
const SIGNALS = ["SIGINT", "SIGTERM", "SIGHUP"];

function run(path) {
  const words = process.argv.slice(2);
  if (process.execve && process.platform !== "win32") {
    // Newer versions of Node put the program in the place of this process.
    process.removeAllListeners("warning");
    process.execve(path, [path, ...words], process.env);
  }
  const child = spawn(path, words, { stdio: "inherit" });
  for (const signal of SIGNALS) process.on(signal, () => child.kill(signal));
  child.on("error", (error) => fail(`${path} cannot be started: ${error.message}`, 126));
  child.on("exit", (code, signal) => {
    process.exitCode = signal ? 128 + constants.signals[signal] : code;
  });
}

function fail(reason, code) {
  console.error(`error: ${reason}`);
  process.exitCode = code;
}

const path = program();
if (path) run(path);
else {
  const machine = `${process.platform}-${process.arch}`;
  fail(
    `npm installed no program for ${machine}; if there is a package @posthog-llma/${machine}, ` +
      "install posthog-llma again without --omit=optional and --no-optional",
    127,
  );
}

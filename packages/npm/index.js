// Where the program of this package is. Plugins of coding agents start it from here, without the
// script posthog-llma.js, which costs a start of Node.

"use strict";

// Windows on ARM runs the program for x64.
const CPUS = process.platform === "win32" ? [process.arch, "x64"] : [process.arch];

// The path of the program for this machine, or undefined if npm installed none.
function program() {
  const name = process.platform === "win32" ? "posthog-llma.exe" : "posthog-llma";
  for (const cpu of CPUS) {
    try {
      return require.resolve(`@posthog-llma/${process.platform}-${cpu}/bin/${name}`);
    } catch {
      // Not the package of this processor.
    }
  }
  return undefined;
}

module.exports = { program };

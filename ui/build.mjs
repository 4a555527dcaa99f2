// Builds dist/: the page (index.html, page.js, page.css) and the template of the single file.
// With --check, nothing is written: exits with 1 if dist/ is not what these sources build.
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { gzipSync } from "node:zlib";
import { build } from "esbuild";

const result = await build({
  entryPoints: { page: "src/main.tsx" },
  bundle: true,
  minify: true,
  write: false,
  outdir: "dist",
  target: ["chrome120", "firefox121", "safari17"],
  format: "iife",
  // Shorter calls than those of the automatic transform.
  jsx: "transform",
  jsxFactory: "h",
  jsxFragment: "Fragment",
  inject: ["src/jsx.ts"],
  legalComments: "none",
  banner: { js: "/*! contains Preact and its signals: MIT licence, see THIRD-PARTY.md */" },
  charset: "utf8",
  logLevel: "warning",
  metafile: process.argv.includes("--meta"),
});
const file = (ending) => result.outputFiles.find((it) => it.path.endsWith(ending)).text;
const script = file(".js");
const style = file(".css");
const hash = (text) => `'sha256-${createHash("sha256").update(text).digest("base64")}'`;

const page = (head, body) => `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta name="referrer" content="no-referrer">
<title>posthog-llma</title>
${head}
</head>
<body>
<div id="page"></div>
${body}
</body>
</html>
`;

const icon = `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 16 16"><rect width="16" height="16" rx="4" fill="#2b59c3"/><path d="M3 5h7M5 8h8M3 11h5" stroke="#fff" stroke-width="1.6" stroke-linecap="round"/></svg>\n`;
const index = page(
  `<link rel="icon" href="icon.svg" type="image/svg+xml">\n<link rel="stylesheet" href="page.css">`,
  `<noscript>This page needs JavaScript: it reads the sessions from the program on this machine.</noscript>\n<script src="page.js"></script>`,
);
// The program puts style, data and script in the places of the marks. Hashes instead of exceptions: no other script or style runs.
const policy = `default-src 'none'; script-src ${hash(script)}; style-src ${hash(style)}; base-uri 'none'; form-action 'none'; require-trusted-types-for 'script'; trusted-types 'none'`;
const single = page(
  `<meta http-equiv="Content-Security-Policy" content="${policy}">\n<style>/*posthog-llma:style*/</style>`,
  `<script type="application/x-ndjson" id="data">\n<!--posthog-llma:data-->\n</script>\n<script>/*posthog-llma:script*/</script>`,
);

mkdirSync("dist", { recursive: true });
for (const [name, text] of Object.entries({ "index.html": index, "page.js": script, "page.css": style, "icon.svg": icon, "single.html": single })) {
  const path = `dist/${name}`;
  if (!process.argv.includes("--check")) writeFileSync(path, text);
  else if (!existsSync(path) || readFileSync(path, "utf8") !== text) {
    console.error(`${path} is not what the sources build: run npm run build, and commit it`);
    process.exitCode = 1;
  }
}
const size = (text) => `${(Buffer.byteLength(text) / 1000).toFixed(1)} KB, ${(gzipSync(text, { level: 9 }).length / 1000).toFixed(1)} KB gzipped`;
console.log(`page.js ${size(script)}; page.css ${size(style)}; all ${size(script + style + index)}`);
if (result.metafile) {
  const { analyzeMetafile } = await import("esbuild");
  console.log(await analyzeMetafile(result.metafile));
}

// Modules of the page for tests outside a browser.
import { build } from "esbuild";

export async function source(path) {
  const { outputFiles } = await build({ entryPoints: [new URL(`../../src/${path}`, import.meta.url).pathname], bundle: true, write: false, format: "esm", logLevel: "error" });
  return import(`data:text/javascript;base64,${Buffer.from(outputFiles[0].contents).toString("base64")}`);
}

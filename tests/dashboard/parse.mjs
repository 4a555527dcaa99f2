// Parses the queries of a dashboard with PostHog's own parser, and prints the fields in each.
// node parse.mjs FILE
import { readFile } from "node:fs/promises";
import create from "@posthog/hogql-parser";

const parser = await create();
const { template } = JSON.parse(await readFile(process.argv[2], "utf8"));
for (const { name, query } of template.tiles) {
  const tree = JSON.parse(parser.parseSelect(query.source.query));
  if (tree.error) throw new Error(`${name}: ${tree.message}`);
  const fields = new Set();
  const columns = tree.select.map((it) => it.alias ?? null);
  const look = (value) => {
    if (value?.node === "Field") fields.add(value.chain.join("."));
    if (value && typeof value === "object") Object.values(value).forEach(look);
  };
  look(tree);
  console.log(JSON.stringify({ name, columns, fields: [...fields].sort() }));
}

// Prices of a few models, in dollars per million tokens: enough for the development server. The program has its own table.
const PRICES = [
  [/opus-4-[5-9]/, { input: 5, output: 25 }],
  [/opus/, { input: 15, output: 75 }],
  [/sonnet/, { input: 3, output: 15 }],
  [/haiku-4/, { input: 1, output: 5 }],
  [/haiku/, { input: 0.8, output: 4 }],
];

/** Dollars of one call by list price, or undefined. */
export function price(model, { input, output, cache_read, cache_write }) {
  const found = PRICES.find(([name]) => name.test(model ?? ""))?.[1];
  if (!found) return undefined;
  return (input * found.input + output * found.output + cache_read * found.input * 0.1 + cache_write * found.input * 1.25) / 1e6;
}

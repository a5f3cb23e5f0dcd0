/** The case `start`: import to first result in fresh processes, and what a page downloads. */
import { readFileSync } from "node:fs";
import { brotliCompressSync } from "node:zlib";
import { median } from "../dist/cli/bench/statistics.js";
import { measureIn } from "./child.mjs";
import { combine, rowsOf } from "./rows.mjs";

const TIMES = 5;

export async function measureStart({ name, engine, rounds, about }) {
  const results = [];
  for (let k = 0; k < rounds * TIMES; k++) results.push(await measureIn(engine.script("start.mjs")));
  const [row] = rowsOf({ name, about, ours: [combine({ system: "longshort", threads: 1, results })], peers: [] });
  const bundle = readFileSync(new URL("../dist/longshort.browser.js", import.meta.url));
  const good = results.filter(({ error }) => !error);
  const middle = (part, key) => median(good.map(({ phases }) => phases[part][key] ?? 0));
  const parts = Object.keys(good[0]?.phases ?? {});
  const phases = Object.fromEntries(
    parts.map((part) => [part, { ms: middle(part, "ms"), cpuMs: middle(part, "cpuMs") }]),
  );
  return [{ ...row, phases, bundleBytes: bundle.length, bundleBrotliBytes: brotliCompressSync(bundle).length }];
}

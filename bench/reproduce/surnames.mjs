import { readFileSync } from "node:fs";
import { pick } from "../../dist/data/examples.js";
import { readLabelledTexts } from "../../dist/index.js";

/** Surnames with their languages, divided by the list of those that are kept for the test. */
export async function surnames({ names, split }) {
  const all = await readLabelledTexts(names, { text: 2, label: 1 });
  const held = new Set(JSON.parse(readFileSync(split, "utf8")).test);
  const part = (wanted) =>
    pick(
      all,
      [...all.inputs.keys()].filter((k) => held.has(k) === wanted),
    );
  return { train: part(false), test: part(true) };
}

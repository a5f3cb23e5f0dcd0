import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { layers } from "../../layers.mjs";
import { root } from "../../scripts/bootstrap.mjs";

const rows: Record<string, readonly string[]> = layers;
const plain = (name: string) => name.replace(/^type:/, "");

describe("the table of layers", () => {
  it("names only rows that exist", () => {
    for (const allowed of Object.values(rows)) for (const name of allowed) expect(rows).toHaveProperty([plain(name)]);
  });

  it("has a row for every folder of src", () => {
    const folders = readdirSync(path.join(root, "src"), { withFileTypes: true }).filter((entry) => entry.isDirectory());
    for (const { name } of folders) expect(rows).toHaveProperty([name]);
  });

  it("is an order: no row reaches itself through others", () => {
    const done = new Set<string>();
    const visit = (row: string, through: readonly string[]): void => {
      expect(through, [...through, row].join(" → ")).not.toContain(row);
      if (done.has(row)) return;
      // Types may flow back; they are gone at run time.
      for (const name of rows[row]!) if (!name.startsWith("type:")) visit(name, [...through, row]);
      done.add(row);
    };
    for (const row of Object.keys(rows)) visit(row, []);
  });
});

describe("dependency-cruiser with the rules made from the table", () => {
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(path.join(tmpdir(), "longshort-layers-"));
    writeFileSync(path.join(folder, "tsconfig.json"), JSON.stringify({ compilerOptions: { module: "nodenext" } }));
  });
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  /** Cruises a tree of the given sources and returns what it objects to, as "FILE: RULE", sorted. */
  function objections(sources: Record<string, string>): string[] {
    for (const [name, text] of Object.entries(sources)) {
      mkdirSync(path.dirname(path.join(folder, "src", name)), { recursive: true });
      writeFileSync(path.join(folder, "src", name), text);
    }
    const cruise = path.join(root, "node_modules", "dependency-cruiser", "bin", "dependency-cruise.mjs");
    const args = [cruise, "src", "--config", path.join(root, ".dependency-cruiser.mjs"), "--output-type", "json"];
    const output = execFileSync(process.execPath, args, { cwd: folder, encoding: "utf8" });
    const { violations } = JSON.parse(output).summary as { violations: { from: string; rule: { name: string } }[] };
    return violations.map(({ from, rule }) => `${from.replace(/^src\//, "")}: ${rule.name}`).sort();
  }

  const value = "export const one = 1;\nexport type One = typeof one;\n";
  const importing = (from: string) => `import { one } from "${from}";\nexport const two = one + 1;\n`;
  const typing = (from: string) => `import type { One } from "${from}";\nexport const two: One = 1;\n`;
  const tree = { "shared/a.ts": value, "compute/m.ts": value, "compute/wasm/k.ts": value, "train/loop.ts": value };

  it("accepts what the rows allow", () => {
    const sources = { "layers/x.ts": typing("../compute/m.ts"), "run/y.ts": importing("../shared/a.ts") };
    expect(objections({ ...tree, ...sources })).toEqual([]);
  });

  it("refuses everything else", () => {
    const found = objections({
      ...tree,
      "run/session.ts": importing("../train/loop.ts"),
      "layers/type-of-a-machine.ts": typing("../compute/wasm/k.ts"),
      "layers/value.ts": importing("../compute/m.ts"),
      "compute/reference/r.ts": importing("../wasm/k.ts"),
      "losses/a.ts": 'import { b } from "./b.ts";\nexport const a = () => b;\n',
      "losses/b.ts": 'import { a } from "./a.ts";\nexport const b = () => a;\n',
      "elsewhere/o.ts": value,
      "text/f.ts": 'import { readFileSync } from "node:fs";\nexport const f = readFileSync;\n',
    });
    expect(found).toEqual([
      "compute/reference/r.ts: compute/reference imports only what its row names",
      "elsewhere/o.ts: every file of src belongs to a row, also one that imports nothing",
      "layers/type-of-a-machine.ts: Layers never choose a machine.",
      "layers/type-of-a-machine.ts: layers imports only what its row names",
      "layers/value.ts: layers imports only types from compute",
      "losses/a.ts: no cycles",
      "run/session.ts: Serving never imports training.",
      "run/session.ts: run imports only what its row names",
      "text/f.ts: no package and no part of Node in what a browser loads",
    ]);
  });
});

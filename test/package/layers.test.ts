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

  /** Cruises a tree of the given sources and returns the names of the rules that it breaks. */
  function broken(sources: Record<string, string>): string[] {
    for (const [name, text] of Object.entries(sources)) {
      mkdirSync(path.dirname(path.join(folder, "src", name)), { recursive: true });
      writeFileSync(path.join(folder, "src", name), text);
    }
    const cruise = path.join(root, "node_modules", "dependency-cruiser", "bin", "dependency-cruise.mjs");
    const args = [cruise, "src", "--config", path.join(root, ".dependency-cruiser.mjs"), "--output-type", "json"];
    const output = execFileSync(process.execPath, args, { cwd: folder, encoding: "utf8" });
    const { violations } = JSON.parse(output).summary as { violations: { rule: { name: string } }[] };
    return violations.map(({ rule }) => rule.name);
  }

  const value = "export const one = 1;\nexport type One = typeof one;\n";
  const importing = (from: string) => `import { one } from "${from}";\nexport const two = one + 1;\n`;
  const typing = (from: string) => `import type { One } from "${from}";\nexport const two: One = 1;\n`;

  it("accepts what a row allows", () => {
    const sources = { "shared/a.ts": value, "compute/m.ts": value, "layers/x.ts": typing("../compute/m.ts") };
    expect(broken({ ...sources, "layers/y.ts": importing("../shared/a.ts") })).toEqual([]);
  });

  it("refuses training in what serves", () => {
    const names = broken({ "train/loop.ts": value, "run/session.ts": importing("../train/loop.ts") });
    expect(names).toContain("Serving never imports training.");
    expect(names).toContain("run imports only what its row names");
  });

  it("refuses a machine in a layer, its types too", () => {
    const names = broken({ "compute/wasm/k.ts": value, "layers/x.ts": typing("../compute/wasm/k.ts") });
    expect(names).toContain("Layers never choose a machine.");
  });

  it("refuses a value where the row allows types only", () => {
    const names = broken({ "compute/m.ts": value, "layers/x.ts": importing("../compute/m.ts") });
    expect(names).toEqual(["layers imports only types from compute"]);
  });

  it("refuses a machine that knows another", () => {
    const names = broken({ "compute/wasm/k.ts": value, "compute/reference/r.ts": importing("../wasm/k.ts") });
    expect(names).toEqual(["compute/reference imports only what its row names"]);
  });

  it("refuses a cycle, a folder without a row, and Node in what a browser loads", () => {
    const names = broken({
      "math/a.ts": 'import { b } from "./b.ts";\nexport const a = () => b;\n',
      "math/b.ts": 'import { a } from "./a.ts";\nexport const b = () => a;\n',
      "elsewhere/o.ts": value,
      "text/f.ts": 'import { readFileSync } from "node:fs";\nexport const f = readFileSync;\n',
    });
    expect(names).toContain("no cycles");
    expect(names).toContain("every file of src belongs to a row, also one that imports nothing");
    expect(names).toContain("no package and no part of Node in what a browser loads");
  });
});

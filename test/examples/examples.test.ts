import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { tinyText } from "../support/tiny-run.ts";

// Examples are programs: they are run as they stand, and judged by what they print.

let folder = "";
let printed = "";
const argv = [...process.argv];
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "longshort-example-"));
  printed = "";
  vi.spyOn(process.stdout, "write").mockImplementation((text) => {
    printed += text;
    return true;
  });
  vi.spyOn(console, "log").mockImplementation((text) => {
    printed += `${text}\n`;
  });
});
afterEach(() => {
  vi.restoreAllMocks();
  process.argv.splice(0, process.argv.length, ...argv);
  rmSync(folder, { recursive: true, force: true });
});

const sourceLines = (name: string): number =>
  readFileSync(new URL(`../../examples/${name}`, import.meta.url), "utf8")
    .trim()
    .split("\n").length;

test("train-text: twenty lines that train, save, load and write", async () => {
  expect(sourceLines("train-text.ts")).toBeLessThanOrEqual(21);
  const text = join(folder, "text.txt");
  writeFileSync(text, `The ${tinyText}`.repeat(3));
  process.argv.splice(2, process.argv.length, text, join(folder, "run"), "4");
  await import("../../examples/train-text.ts");
  const losses = [...printed.matchAll(/epoch \d: validation (\d\.\d+)/g)].map((match) => Number(match[1]));
  expect(losses).toHaveLength(4);
  expect(losses[3]).toBeLessThan(losses[0]!);
  const written = printed.slice(printed.lastIndexOf("validation")).split("\n").slice(1).join("\n");
  expect(written).toHaveLength(200);
  expect(written).toMatch(/^[Theabc \n]*ab[Theabc \n]*$/);
});

test("own-cell: at most 40 lines, trains on both machines to what only a memory can reach", async () => {
  expect(sourceLines("own-cell.ts")).toBeLessThanOrEqual(40);
  await import("../../examples/own-cell.ts");
  for (const machine of ["wasm", "reference"]) {
    const losses = [...printed.matchAll(new RegExp(`${machine}, epoch \\d: (\\d\\.\\d+)`, "g"))].map((m) =>
      Number(m[1]),
    );
    expect(losses).toHaveLength(5);
    expect(losses[4]).toBeLessThan(0.05);
  }
});

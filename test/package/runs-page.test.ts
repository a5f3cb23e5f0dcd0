import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { root } from "../../scripts/bootstrap.mjs";
import { chromiumPath } from "../../scripts/chromium.mjs";
import { packRun } from "../../src/checkpoint/packed-run.ts";
import { saveRun } from "../../src/checkpoint/run-folder.ts";
import { openMachine } from "../../src/compute/open.ts";
import { generateBatch } from "../../src/run/generate-batch.ts";
import { partsOf, tinyRun } from "../support/tiny-run.ts";
import { firstLine, fromFolder } from "./page.ts";

// Runs in a page, on a server that answers with its own page where there is no file, as those of single pages do.

const folder = mkdtempSync(path.join(tmpdir(), "longshort-runs-page-"));
let written = "";

beforeAll(async () => {
  const machine = await openMachine("wasm");
  const run = await tinyRun(machine);
  const parts = { config: { model: run.model.config }, ...partsOf(run) };
  await saveRun(path.join(folder, "run"), parts);
  writeFileSync(path.join(folder, "run.safetensors"), await packRun(parts));
  written = (await generateBatch({ ...partsOf(run), machine, prompts: ["ab"], length: 20, temperature: 0 }))[0]!.text;
  machine.close();
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const program = `
import { generateBatch, loadRun, openMachine, packRun, saveRun } from "/longshort.js";

const machine = await openMachine("wasm");
const written = async (source) => {
  const run = await loadRun(source, { machine });
  return (await generateBatch({ ...run, prompts: ["ab"], length: 20, temperature: 0 }))[0].text;
};
const again = new Blob([await packRun(await loadRun("run", { machine }))]);
const said = [];
for (const source of ["run", "/run/", new URL("run?v=1", location.href), "run.safetensors?v=1", again]) said.push(await written(source));
const errorOf = ({ name, code, message }) => name + " " + code + ": " + message;
for (const work of [() => loadRun("none", { machine }), () => loadRun("none.safetensors", { machine }), async () => saveRun("run", await loadRun("run", { machine }))])
  said.push(await work().catch(errorOf));
console.log("said " + JSON.stringify(said));
`;

it("a page loads runs by address, packs them and opens what it packed", { timeout: 60_000 }, async (context) => {
  if (chromiumPath === undefined) context.skip("no Chromium here: install Debian's chromium or name one in CHROMIUM");
  const page = { body: '<!doctype html><script type="module" src="/program.js"></script>', type: "text/html" };
  const library = fromFolder(path.join(root, "dist"));
  const files = fromFolder(folder);
  const line = await firstLine("said ", (url) => {
    if (url === "/longshort.js") return library("/longshort.browser.js");
    if (url === "/program.js") return { body: program, type: "text/javascript" };
    return (url === "/" ? undefined : files(url)) ?? page;
  });
  const said: string[] = JSON.parse(line.slice("said ".length));
  expect(said.slice(0, 5)).toEqual(new Array(5).fill(written));
  const [none, file, saving] = said.slice(5);
  expect(none).toContain("UsageError not-a-run: none: expected the folder of a run");
  expect(file).toContain(
    "UsageError file-not-found: none.safetensors: expected a file, the server answered with a page",
  );
  expect(saving).toContain("FailureError not-on-this-platform");
  expect(saving).toContain("packRun");
});

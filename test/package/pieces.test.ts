import { execFileSync, spawnSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { pathToFileURL } from "node:url";
import { buildSync } from "esbuild";
import { beforeAll, describe, expect, it } from "vitest";
import { ensureBuilt, root } from "../../scripts/bootstrap.mjs";
import { engineFlags } from "../../scripts/flags.mjs";

// The main entry as Node gets it, beside the modules it is made of.

const url = (file: string): string => JSON.stringify(pathToFileURL(path.join(root, "dist", file)).href);

/** What a script prints in a process of its own, as JSON. Files that were loaded late are in the cache of `require`. */
function ask(script: string): unknown {
  const before = `import { createRequire } from "node:module";
const late = () => Object.keys(createRequire(${url("index.js")}).cache).map((file) => file.split(/[\\\\/]/).at(-1)).sort();
`;
  const args = [...engineFlags(), "--input-type=module", "--eval", before + script];
  return JSON.parse(execFileSync(process.execPath, args, { encoding: "utf8" }));
}

beforeAll(() => ensureBuilt());

describe("the pieces that Node loads", () => {
  it("give a first layer its first result without what else there is, which is loaded when it is used", () => {
    const found = ask(`
const { openMachine, recurrent, lstm, layoutParameters, createParameters, Graph, compile, matmul, tokenizerFromJSON, adam } = await import(${url("node/index.js")});
const machine = await openMachine("wasm");
const layer = recurrent({ cell: lstm(), inputSize: 3, hiddenSize: 2 });
const parameters = await createParameters({ machine, layout: layoutParameters(layer) });
const graph = new Graph({ machine, parameters: parameters.layout });
graph.output("output", layer.forward(graph.input("input", [4, 1, 3])).output);
const plan = await compile(graph, { machine, arenas: parameters.arenas });
plan.run();
const [first] = await plan.read("output");
const stages = [late()];
const product = new Graph({ machine });
product.output("y", matmul(product.input("a", [2, 3]), product.input("b", [3, 4])));
await compile(product, { machine });
stages.push(late());
let code;
try { tokenizerFromJSON("no tokenizer"); } catch (error) { code = error.code; }
stages.push(late());
adam();
console.log(JSON.stringify({ first: Number.isFinite(first), stages: [...stages, late()], code }));
process.exit();`);
    expect(found).toEqual({
      first: true,
      stages: [[], ["kernels.js"], ["kernels.js", "running.js"], ["kernels.js", "running.js", "training.js"]],
      code: expect.any(String),
    });
  });

  it("leave room for the message of an error that nobody catches: Node prints the line that it was thrown in", () => {
    const run = (script: string) =>
      spawnSync(process.execPath, ["--input-type=module", "--eval", script], { encoding: "utf8" }).stderr;
    for (const call of [
      `recurrent({ cell: "lstm", inputSize: 3, hiddenSize: 4 })`,
      `await openCorpus({ files: ["none"] })`,
      `adam({ beta: 1 })`,
    ]) {
      const said = run(
        `import * as longshort from ${url("node/index.js")}; const { adam, openCorpus, recurrent } = longshort; ${call};`,
      );
      expect(said).toMatch(/^UsageError: /m);
      const lines = said.split("\n");
      expect(Math.max(...lines.map((line) => line.length))).toBeLessThan(500);
      expect(lines.length).toBeLessThan(40);
    }
  });

  it("are the same exports, of the same kinds, with the same lists", () => {
    const [pieces, modules] = ["node/index.js", "index.js"].map((file) =>
      ask(`
const isClass = (value) => { try { Reflect.construct(Object, [], value); return /^class/.test(Function.prototype.toString.call(value.prototype.constructor)); } catch { return false; } };
const kind = (value) => typeof value !== "function" ? value : isClass(value) ? "class" : "function";
const all = await import(${url(file)});
console.log(JSON.stringify(Object.fromEntries(Object.entries(all).map(([name, value]) => [name, [kind(value), value.name?.replace(/[$]\\d+$/, "")]]))));`),
    );
    expect(pieces).toEqual(modules);
    expect(modules).toMatchObject({ Trainer: ["class", "Trainer"], trainText: ["function", "trainText"] });
  });

  it("share their classes with the other entries", () => {
    const found = ask(`
const { Session, UsageError, tokenizerFromJSON } = await import(${url("node/index.js")});
const { open } = await import(${url("node/formats.js")});
const errors = [];
for (const wrong of [() => tokenizerFromJSON("no tokenizer"), () => open("/nowhere/at-all.onnx")])
  try { await wrong(); } catch (error) { errors.push(error instanceof UsageError); }
console.log(JSON.stringify([...errors, {} instanceof Session]));`);
    expect(found).toEqual([true, true, false]);
  });

  it("are not what a bundler takes, which could not follow a file that is loaded late", () => {
    const folder = mkdtempSync(path.join(tmpdir(), "longshort-bundled-"));
    try {
      const outfile = path.join(folder, "program.mjs");
      buildSync({
        stdin: {
          contents: `import { classificationScores, tokenizerFromJSON } from "longshort";
let code; try { tokenizerFromJSON("no tokenizer"); } catch (error) { code = error.code; }
console.log(JSON.stringify([typeof code, classificationScores.name]));`,
          resolveDir: root,
        },
        ...{ outfile, bundle: true, platform: "node", format: "esm", tsconfigRaw: {}, logLevel: "error" },
      });
      expect(JSON.parse(execFileSync(process.execPath, [outfile], { encoding: "utf8" }))).toEqual([
        "string",
        "classificationScores",
      ]);
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  });
});

import { createContext, runInContext } from "node:vm";
import { buildSync } from "esbuild";
import { beforeAll, describe, expect, test, vi } from "vitest";
import { ensureBuilt } from "../../../scripts/bootstrap.mjs";
import { openMachine } from "../../../src/compute/open.ts";
import { compileLater, compileNow } from "../../../src/compute/wasm/compile.ts";
import type { WasmOptions } from "../../../src/compute/wasm/machine.ts";
import { moduleName } from "../../../src/compute/wasm/module-name.ts";

/** A program of a page, for a host that compiles no WebAssembly while it runs. */
type Program = (options: WasmOptions & { readonly quantized?: boolean }) => Promise<string>;

beforeAll(() => ensureBuilt());

/** The program in a realm of its own, as scripts have it there. */
function programIn({ compiles }: { readonly compiles: boolean }): Program {
  const { outputFiles } = buildSync({
    stdin: {
      resolveDir: import.meta.dirname,
      contents: `
        import { createParameters, languageModel, layoutParameters, openMachine, openSession, quantize } from "../../../dist/index.js";
        globalThis.program = async ({ quantized, ...options }) => {
          const machine = await openMachine("wasm", options);
          const model = languageModel({ vocabularySize: 11, hiddenSize: 8, embeddingSize: 5 });
          const parameters = await createParameters({ machine, layout: layoutParameters(model), seed: 3 });
          if (quantized) await quantize({ model, parameters });
          const session = await openSession({ model, parameters, machine });
          await session.next([4]);
          const scores = await session.next([7]);
          machine.close();
          return [...scores].join(" ");
        };`,
    },
    ...{ bundle: true, write: false, format: "iife", platform: "browser", logLevel: "silent" },
    // The browser's half of the platform, from dist/ and not through the paths of tsconfig.json.
    ...{ tsconfigRaw: {}, conditions: ["browser"] },
  });
  const realm = { performance, TextDecoder, TextEncoder, console };
  const context = createContext(realm, { codeGeneration: { wasm: compiles, strings: false } });
  runInContext(outputFiles[0]!.text, context);
  return (realm as unknown as { program: Program }).program;
}

describe("a host that does not compile", () => {
  const modules = new Map<string, WebAssembly.Module>();
  const find = (bytes: Uint8Array<ArrayBuffer>) => modules.get(moduleName(bytes));
  const save = (bytes: Uint8Array<ArrayBuffer>) => {
    const module = new WebAssembly.Module(bytes);
    modules.set(moduleName(bytes), module);
    return module;
  };

  test("runs what was compiled elsewhere, with the same bits", async () => {
    const options = [{}, { fused: false }, { quantized: true }];
    const recorded = await Promise.all(options.map((one) => programIn({ compiles: true })({ ...one, compile: save })));
    const there = programIn({ compiles: false });
    for (const [k, one] of options.entries()) expect(await there({ ...one, compile: find })).toBe(recorded[k]);
    expect(await programIn({ compiles: true })({ threads: 1 })).toBe(recorded[0]);
  });

  test("says so, and what to do", async () => {
    const there = programIn({ compiles: false });
    for (const options of [{}, { fused: false }])
      await expect(there(options)).rejects.toMatchObject({
        code: "wasm-forbidden",
        message: expect.stringContaining("wasm-unsafe-eval"),
      });
    const none = () => undefined;
    await expect(there({ compile: none })).rejects.toMatchObject({
      code: "module-missing",
      message: expect.stringMatching(/Module of \d+ bytes, got nothing/),
    });
    const late = (async () => undefined) as unknown as typeof none;
    await expect(there({ compile: late })).rejects.toMatchObject({ message: expect.stringContaining("got a Promise") });
  });
});

test("what a host refuses for another reason it does not forbid", async () => {
  const [broken, whole] = [Uint8Array.of(1, 2), Uint8Array.of(0, 0x61, 0x73, 0x6d, 1, 0, 0, 0)];
  expect(() => compileNow(broken)).toThrow(WebAssembly.CompileError);
  await expect(compileLater(broken)).rejects.toBeInstanceOf(WebAssembly.CompileError);
  vi.stubGlobal("WebAssembly", Object.create(WebAssembly));
  WebAssembly.Module = class {
    constructor() {
      throw new RangeError("too large for a page's own thread");
    }
  } as never;
  expect(() => compileNow(whole)).toThrow(RangeError);
  vi.unstubAllGlobals();
});

test("a machine that is given its modules has one thread, and measures no tiles", async () => {
  vi.stubEnv("NODE_OPTIONS", "--experimental-wasm-revectorize");
  const machine = await openMachine("wasm", { threads: 2, compile: (bytes) => new WebAssembly.Module(bytes) });
  expect(machine.limits.threads).toBe(1);
  machine.close();
  vi.unstubAllEnvs();
});

test("names of modules tell apart what differs in a byte, in its order or in zeros behind it", () => {
  const names = [[], [0], [0, 0], [1], [1, 2], [2, 1], [1, 2, 0]].map((bytes) => moduleName(Uint8Array.from(bytes)));
  expect(new Set(names).size).toBe(names.length);
  for (const name of names) expect(name).toMatch(/^[0-9a-f]{16}$/);
});

import { afterEach, expect, test, vi } from "vitest";
import { diagnoseWasm } from "../../../src/compute/diagnose.ts";
import { openMachine } from "../../../src/compute/open.ts";
import type { Kernel, Range } from "../../../src/compute/plan.ts";
import { hasDots } from "../../../src/compute/wasm/dots.ts";
import { openWasm } from "../../../src/compute/wasm/machine.ts";
import { chooseTiles, compareTrials, mayBeWide, type Trial } from "../../../src/compute/wasm/wide.ts";
import { numbers, type Operand, runKernel } from "../../machines/harness.ts";

afterEach(() => {
  vi.restoreAllMocks();
  vi.unstubAllGlobals();
  vi.unstubAllEnvs();
});

/** A host that refuses modules with relaxed SIMD: its instructions are those behind the prefix 0xfd with numbers from 0x100 on. */
function withoutRelaxedSimd(): void {
  const { validate } = WebAssembly;
  const [relaxedMadd, relaxedDot] = ["253,133,2", "253,147,2"];
  vi.spyOn(WebAssembly, "validate").mockImplementation((bytes) => {
    const code = new Uint8Array(bytes as Uint8Array<ArrayBuffer>).join();
    return validate(bytes) && !code.includes(relaxedMadd) && !code.includes(relaxedDot);
  });
}

test("without relaxed SIMD the machine multiplies, then adds; who asks for more is told", async () => {
  withoutRelaxedSimd();
  const machine = await openWasm({ threads: 1 });
  expect(machine.limits.family).toBe("portable");
  machine.close();
  await expect(openWasm({ fused: true })).rejects.toMatchObject({ code: "not-supported" });
});

test("without relaxed SIMD weights of 8 bits are widened, and what they give has the same bits", async () => {
  const kernel: Kernel = { op: "quantizedMatmul", m: 3, k: 37, n: 75, bias: true };
  const inputs: Record<string, Operand> = {
    ...{ a: { data: numbers(3 * 37, 1) }, scale: { data: numbers(75, 2) }, bias: { data: numbers(75, 3) } },
    weight: { data: Int32Array.from(numbers(75 * 10, 9), (v) => v * 2 ** 29), type: "int" },
  };
  const printed: string[] = [];
  const { compile } = WebAssembly;
  vi.spyOn(WebAssembly, "compile").mockImplementation((bytes) => {
    printed.push(new Uint8Array(bytes as Uint8Array<ArrayBuffer>).join());
    return compile(bytes);
  });
  const outcome = async () => {
    // Whether the host has the instruction is asked once.
    vi.resetModules();
    const { openWasm } = await import("../../../src/compute/wasm/machine.ts");
    const machine = await openWasm({ threads: 1 });
    const { out } = await runKernel(machine, kernel, inputs, { out: 3 * 75 });
    machine.close();
    return { out, dots: printed.at(-1)!.includes("253,147,2") };
  };
  // A clock that stands still finds neither way faster.
  vi.spyOn(performance, "now").mockReturnValue(0);
  const usual = await outcome();
  expect(usual.dots).toBe(hasDots());
  withoutRelaxedSimd();
  const widened = await outcome();
  expect(widened.dots).toBe(false);
  expect(widened.out).toEqual(usual.out);
});

test("a host without vectors is told apart, and what runs there is named", async () => {
  vi.spyOn(WebAssembly, "validate").mockReturnValue(false);
  const refusal = openMachine("wasm", { threads: 1 });
  await expect(refusal).rejects.toMatchObject({ name: "FailureError", code: "no-simd" });
  await expect(refusal).rejects.toThrow(/no WebAssembly with SIMD.*"reference" runs everywhere/);
  expect((await diagnoseWasm()).simd).toBe(false);
  (await openMachine("reference")).close();
});

test("so is one without WebAssembly", async () => {
  vi.stubGlobal("WebAssembly", undefined);
  await expect(openMachine("wasm", { threads: 1 })).rejects.toMatchObject({ code: "no-simd" });
});

test("a page whose policy forbids WebAssembly is told what to add", async () => {
  vi.spyOn(WebAssembly, "Module").mockImplementation(function refuse() {
    throw new WebAssembly.CompileError("because 'unsafe-eval' is not an allowed source of script");
  } as never);
  vi.resetModules();
  const { openWasm } = await import("../../../src/compute/wasm/machine.ts");
  await expect(openWasm({ threads: 1 })).rejects.toMatchObject({ name: "FailureError", code: "wasm-forbidden" });
  await expect(openWasm({ threads: 1 })).rejects.toThrow(/add 'wasm-unsafe-eval' to script-src/);
});

test("without the flag that joins vectors nothing is measured, and tiles are narrow", async () => {
  const flags = vi.spyOn(process, "execArgv", "get").mockReturnValue([]);
  vi.stubEnv("NODE_OPTIONS", "");
  expect(mayBeWide()).toBe(false);
  const choice = chooseTiles(true);
  expect(choice).toEqual({ asked: false, wide: false });
  // Once a process.
  expect(chooseTiles(true)).toBe(choice);
  flags.mockReturnValue(["--experimental-wasm-revectorize"]);
  expect(mayBeWide()).toBe(true);
});

test.each([
  [["--experimental-wasm-revectorize"], 2],
  [[], 0],
])(
  "where the engine may join vectors (%j) registers are cleaned after every run, also of one that was stopped",
  async (flags, cleaned) => {
    vi.spyOn(process, "execArgv", "get").mockReturnValue(flags);
    vi.stubEnv("NODE_OPTIONS", "");
    const machine = await openWasm({ threads: 1, wide: false });
    const arena = machine.arena("a", 9);
    const range = (offset: number, length: number, type: Range["type"] = "float"): Range => ({
      ...{ arena: "a", offset, length, type },
    });
    const prepared = await machine.prepare(
      {
        launches: [
          {
            kernel: { op: "gather", rows: 1, vocabulary: 4, columns: 1 },
            operands: { indices: range(0, 1, "int"), table: range(1, 4), out: range(5, 1) },
          },
        ],
        ...{ arenas: { a: 9 }, scalars: {} },
      },
      { a: arena },
    );
    // The host's own vector code, which reads a byte as text.
    const decode = vi.spyOn(TextDecoder.prototype, "decode");
    for (const index of [3, 4]) {
      machine.write(arena, range(0, 1, "int"), [index]);
      const run = () => machine.run(prepared);
      if (index === 4) expect(run).toThrow(expect.objectContaining({ code: "kernel-stopped" }));
      else run();
    }
    expect(decode).toHaveBeenCalledTimes(cleaned);
    machine.close();
  },
);

test("a wide build that is right at first and wrong once it is optimised is not taken", () => {
  const narrow: Trial = { run: () => wait(0.1), results: Uint32Array.of(1, 2, 3) };
  const results = Uint32Array.of(1, 2, 3);
  let calls = 0;
  const wide: Trial = {
    results,
    run() {
      wait(0.02);
      if (++calls > 50) results[1] = 4;
    },
  };
  expect(compareTrials(narrow, wide)).toMatchObject({ wide: false, right: false });
  expect(calls).toBeGreaterThan(50);
});

test("what is neither twice as fast nor slower is measured on: optimised code may come late", () => {
  let [clock, calls] = [0, 0];
  vi.spyOn(performance, "now").mockImplementation(() => clock);
  /** Milliseconds of a call: of the first ones, of those before optimised code, of all others. */
  const trial = (cold: number, early: number, late: number): Trial => {
    let own = 0;
    return {
      results: Uint32Array.of(1),
      run() {
        calls++;
        own++;
        clock += own <= 3 ? cold : own < 200 ? early : late;
      },
    };
  };
  expect(compareTrials(trial(1, 0.1, 0.1), trial(1, 0.095, 0.05))).toMatchObject({ asked: true, wide: true });
  calls = 0;
  // A host where nothing is joined is found out at once.
  expect(compareTrials(trial(1, 0.1, 0.1), trial(1, 0.2, 0.2)).wide).toBe(false);
  expect(calls).toBeLessThan(60);
});

function wait(milliseconds: number): void {
  const end = performance.now() + milliseconds;
  while (performance.now() < end);
}

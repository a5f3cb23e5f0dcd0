import { expect, test } from "vitest";
import { selfTest } from "../../src/cli/doctor/self-test.ts";
import { doctorText } from "../../src/cli/doctor/text.ts";
import type { Diagnosis } from "../../src/cli/doctor.ts";
import { doctorCommand, hostOf } from "../../src/cli/doctor.ts";
import { Ended } from "../../src/cli/failure.ts";
import type { SynchronousMachine } from "../../src/compute/machine.ts";
import { openMachine } from "../../src/compute/open.ts";
import { longshort } from "./fake-io.ts";

test("doctor says what was found, in words and as JSON", async () => {
  const { code, stdout } = await longshort(["doctor", "--json"]);
  expect(code).toBe(0);
  const found = JSON.parse(stdout) as Diagnosis;
  expect(found.selfTest.passed).toBe(true);
  expect(found.selfTest.checks.length).toBeGreaterThan(20);
  expect(found.machine!.family).toBe(found.wasm.fused ? "fused" : "portable");
  expect(found.speed!.share).toBeGreaterThan(0.02);
  const text = doctorText(found, "longshort");
  for (const word of ["self-test", "passed", "multiply-add", "cross-origin isolated", found.processor])
    expect(text).toContain(word);
});

test("doctor names the host that runs it, not the Node that it stands for", () => {
  const node = { node: "26.3.0", v8: "14.6" };
  expect([node, { ...node, bun: "1.4.5" }, { ...node, deno: "2.9.6" }].map(hostOf)).toEqual([
    "Node v26.3.0 (V8 14.6)",
    "Bun 1.4.5",
    "Deno 2.9.6 (V8 14.6)",
  ]);
});

/** A machine whose results are wrong by a little: every number read is one part in ten thousand too large. */
function wrongBy(machine: SynchronousMachine, part: number): SynchronousMachine {
  return new Proxy(machine, {
    get(target, key) {
      const value = Reflect.get(target, key, target) as unknown;
      if (key === "read")
        return async (...words: Parameters<SynchronousMachine["read"]>) =>
          (await target.read(...words)).map((x) => x * (1 + part));
      return typeof value === "function" ? value.bind(target) : value;
    },
  });
}

test("the self-test passes on both families and sees a kernel that is wrong", async () => {
  const reference = await openMachine("reference");
  for (const options of [{}, { fused: false }]) {
    const machine = await openMachine("wasm", options);
    expect((await selfTest(machine, reference)).filter((check) => !check.passed)).toEqual([]);
    machine.close();
  }
  const machine = await openMachine("wasm");
  const checks = await selfTest(wrongBy(machine, 1e-4), reference);
  expect(checks.filter((check) => check.passed).length).toBeLessThan(checks.length / 4);
  machine.close();
  reference.close();
});

test("a failed self-test ends with 1 and names what differs", async () => {
  let text = "";
  const output = {
    isTTY: false,
    columns: 80,
    async write(more: string) {
      text += more;
    },
  };
  const io = { stdout: output, stderr: output, program: "longshort" } as unknown as Parameters<typeof doctorCommand>[0];
  const command = doctorCommand(io, async () => [
    { name: "lstm layer: output", difference: 0.5, allowed: 2e-6, passed: false },
    { name: "product", difference: 1e-7, allowed: 2e-6, passed: true },
  ]);
  const error = await command.parseAsync([], { from: "user" }).catch((e: unknown) => e);
  expect(error).toBeInstanceOf(Ended);
  expect((error as Ended).exitCode).toBe(1);
  expect(text).toContain("FAILED: 1 of 2");
  expect(text).toContain("lstm layer: output");
});

test("bench measures here, and refuses what there is not", async () => {
  const { code, stdout } = await longshort([
    "bench",
    "--case",
    "stream-64,gemm-20x208x832",
    "--seconds",
    "0.02",
    "--threads",
    "1",
    "--json",
  ]);
  expect(code).toBe(0);
  const rows = stdout
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line));
  expect(rows.map((row) => row.case)).toEqual(["stream-64", "gemm-20x208x832"]);
  for (const row of rows) expect(row).toMatchObject({ system: "longshort", node: process.version, threads: 1 });
  expect(rows[0].timesBound).toBeGreaterThan(0);
  expect(rows[1].share).toBeGreaterThan(0);
  const wrong = await longshort(["bench", "--case", "lstm"]);
  expect(wrong.code).toBe(2);
  expect(wrong.stderr).toContain('got "lstm"');
});

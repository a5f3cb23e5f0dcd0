import { expect, test } from "vitest";
import type { Kernel } from "../../../src/compute/plan.ts";
import { numbers, type Operand, runKernel } from "../../machines/harness.ts";
import { difference } from "../../support/difference.ts";
import { everyWasm } from "./every-wasm.ts";

const machines = everyWasm();

const whole = (n: number, below: number): Operand => ({
  data: numbers(n, 4).map((v) => Math.min(below - 1, Math.floor(((v + 2) / 4) * below))),
  type: "int",
});
const quantized: Kernel = { op: "quantizedMatmul", m: 6, k: 37, n: 75, bias: true };
const data = (n: number, seed: number): Operand => ({ data: numbers(n, seed) });
type Case = [Kernel, Record<string, Operand>, Record<string, number>];
const crossEntropy =
  (rows: number, columns: number, classes: number, mean = true) =>
  (): Case => [
    {
      ...{ op: "linearCrossEntropy", rows, columns, classes, bias: true, weighted: true, masked: false, mean },
      ...{ labelSmoothing: 0.1, ignoreIndex: -100, gradients: ["x", "weight", "bias"] },
    },
    {
      ...{ x: data(rows * columns, 1), weight: data(classes * columns, 2), bias: data(classes, 3), seed: data(1, 6) },
      ...{ target: whole(rows, classes), classWeight: { data: numbers(classes, 5).map((v) => Math.fround(v + 3)) } },
    },
    { loss: 1, "d.x": rows * columns, "d.weight": classes * columns, "d.bias": classes },
  ];
const cases: Record<string, () => Case> = {
  "cross entropy, near weights": crossEntropy(150, 21, 1000),
  "cross entropy, near weights, few classes, many groups of rows": crossEntropy(1700, 21, 65),
  "cross entropy, weights from afar": crossEntropy(37, 64, 4111),
  "cross entropy, weights from afar, blocks of rows": crossEntropy(230, 7, 40_000),
  "quantized product": () => [
    quantized,
    {
      ...{ a: data(6 * 37, 1), scale: data(75, 2), bias: data(75, 3) },
      weight: { data: Int32Array.from(numbers(75 * 10, 9), (v) => v * 2 ** 29), type: "int" },
    },
    { out: 6 * 75 },
  ],
};

test.each(Object.keys(cases))("%s: 1, 2 and 3 threads, narrow and wide tiles give the same bits", async (name) => {
  const [kernel, inputs, outputs] = cases[name]!();
  const [expected, ...others] = await Promise.all(
    machines.map((machine) => runKernel(machine, kernel, inputs, outputs)),
  );
  for (const other of others) expect(other).toEqual(expected);
});

test.each([
  ["near", 1700, 21, 65],
  ["from afar", 230, 7, 40_000],
] as const)(
  "cross entropy, weights %s: blocks of rows give what their rows give alone",
  async (_, rows, columns, classes) => {
    const [kernel, inputs, outputs] = crossEntropy(rows, columns, classes, false)();
    const [machine] = machines as [(typeof machines)[number]];
    const all = await runKernel(machine, kernel, inputs, outputs);
    const sum = { "d.weight": new Float64Array(classes * columns), "d.bias": new Float64Array(classes) };
    for (let row = 0; row < rows; row += 100) {
      const here = Math.min(100, rows - row);
      const part = (name: string, width: number): Operand => ({
        ...inputs[name]!,
        data: Array.from(inputs[name]!.data).slice(row * width, (row + here) * width),
      });
      const some = await runKernel(
        ...[machine, { ...kernel, rows: here } as Kernel],
        { ...inputs, x: part("x", columns), target: part("target", 1) },
        { ...outputs, "d.x": here * columns },
      );
      expect(some["d.x"]).toEqual(all["d.x"]!.slice(row * columns, (row + here) * columns));
      for (const name of ["d.weight", "d.bias"] as const)
        for (const [k, d] of some[name]!.entries()) sum[name][k]! += d;
    }
    for (const name of ["d.weight", "d.bias"] as const) expect(difference(all[name]!, sum[name])).toBeLessThan(2e-6);
  },
);

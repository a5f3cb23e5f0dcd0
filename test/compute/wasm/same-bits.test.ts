import { expect, test } from "vitest";
import type { Kernel } from "../../../src/compute/plan.ts";
import { numbers, type Operand, runKernel } from "../../machines/harness.ts";
import { everyWasm } from "./every-wasm.ts";

const machines = everyWasm();

const [rows, columns, classes] = [150, 21, 1000];
const whole = (n: number, below: number): Operand => ({
  data: numbers(n, 4).map((v) => Math.min(below - 1, Math.floor(((v + 2) / 4) * below))),
  type: "int",
});
const crossEntropy: Kernel = {
  ...{ op: "linearCrossEntropy", rows, columns, classes, bias: true, weighted: true, masked: false, mean: true },
  ...{ labelSmoothing: 0.1, ignoreIndex: -100, gradients: ["x", "weight", "bias"] },
};
const quantized: Kernel = { op: "quantizedMatmul", m: 6, k: 37, n: 75, bias: true };
const data = (n: number, seed: number): Operand => ({ data: numbers(n, seed) });
const cases: Record<string, () => [Kernel, Record<string, Operand>, Record<string, number>]> = {
  "linear with cross entropy": () => [
    crossEntropy,
    {
      ...{ x: data(rows * columns, 1), weight: data(classes * columns, 2), bias: data(classes, 3), seed: data(1, 6) },
      ...{ target: whole(rows, classes), classWeight: { data: numbers(classes, 5).map((v) => Math.fround(v + 3)) } },
    },
    { loss: 1, "d.x": rows * columns, "d.weight": classes * columns, "d.bias": classes },
  ],
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

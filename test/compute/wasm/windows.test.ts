import { expect, test } from "vitest";
import { gru } from "../../../src/cells/gru.ts";
import { layerNormLstm } from "../../../src/cells/layer-norm-lstm.ts";
import { lstm } from "../../../src/cells/lstm.ts";
import { minGru } from "../../../src/cells/min-gru.ts";
import type { Kernel, ScanShape } from "../../../src/compute/plan.ts";
import { windowOf } from "../../../src/compute/wasm/scan-layout.ts";
import { parameterShapes, sizeOf } from "../../../src/scan/widths.ts";
import { size } from "../../../src/shared/shapes.ts";
import { numbers, type Operand, runKernel } from "../../machines/harness.ts";
import { everyWasm } from "./every-wasm.ts";

/*
 * A scan that nobody goes back through takes its input products window by window and keeps those of one, and of states in whole panels two
 * steps: the bits are those of a scan that keeps everything, on any number of threads.
 */

const machines = everyWasm();

const cells = {
  lstm: lstm(),
  "lstm projection, peephole": lstm({ projection: true, peephole: true }),
  gru: gru(),
  "gru reset before": gru({ resetAfter: false }),
  "min-gru": minGru(),
  "layer-norm-lstm": layerNormLstm(),
};
const shapes = [
  { steps: 35, batch: 5, reverse: false, masked: false },
  { steps: 35, batch: 5, reverse: true, masked: false },
  { steps: 11, batch: 20, reverse: true, masked: true },
  { steps: 5, batch: 33, reverse: false, masked: true },
  { steps: 70, batch: 1, reverse: true, masked: false },
  { steps: 3, batch: 100, reverse: false, masked: false },
  { steps: 1, batch: 20, reverse: false, masked: false },
];

const widths = [
  { hiddenSize: 37, projectionSize: 19, beside: 0 },
  // Whole panels, in rows of an output that hold something else besides.
  { hiddenSize: 32, projectionSize: 16, beside: 5 },
];

for (const [name, cell] of Object.entries(cells))
  test.each(widths.flatMap((width) => shapes.map((shape) => ({ ...width, ...shape }))))(
    `${name}: %j`,
    async ({ hiddenSize, projectionSize, beside, ...o }) => {
      const projects = cell.states.some((s) => s.width === "projection");
      const shape: ScanShape = {
        ...{ cell, ...o, inputSize: 7, hiddenSize, projectionSize: projects ? projectionSize : 0 },
        ...{ maskedOutput: "previous", outputStride: (projects ? projectionSize : hiddenSize) + beside },
      };
      if (o.steps > 1) expect(windowOf(shape), "several windows").toBeLessThan(o.steps);
      const rows = o.steps * o.batch;
      const operands: Record<string, Operand> = { input: { data: numbers(rows * 7, 1) } };
      for (const [key, s] of Object.entries(parameterShapes(cell, shape)))
        operands[key] = { data: numbers(size(s), 2).map((v) => v / 8) };
      for (const s of cell.states)
        operands[`initial.${s.name}`] = { data: numbers(o.batch * sizeOf(s.width, shape), 3).map((v) => v / 2) };
      if (o.masked) operands.mask = { data: numbers(rows, 4).map((v) => (v < -1 ? 0 : 1)) };
      const results = {
        output: rows * shape.outputStride,
        ...Object.fromEntries(cell.states.map((s) => [`final.${s.name}`, o.batch * sizeOf(s.width, shape)])),
      };
      const kernel: Kernel = { op: "scan", ...shape, save: false, trace: [] };
      const kept = await runKernel(machines[0]!, { ...kernel, save: true }, operands, {
        ...results,
        saved: machines[0]!.savedSize(shape),
      });
      for (const machine of machines) {
        const came = await runKernel(machine, kernel, operands, results);
        for (const key of Object.keys(results)) expect(came[key], key).toEqual(kept[key]);
      }
    },
  );

test("weights that a window would fetch from far away are gone through once", () => {
  const shape = { cell: lstm(), steps: 100, batch: 16, projectionSize: 0, reverse: false, masked: false } as const;
  const of = (width: number): number =>
    windowOf({ ...shape, maskedOutput: "zero", outputStride: width, inputSize: width, hiddenSize: width });
  expect([of(64), of(512), of(1024)]).toEqual([4, 4, 100]);
});

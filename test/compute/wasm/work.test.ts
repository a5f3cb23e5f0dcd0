import { expect, test } from "vitest";
import type { Plan } from "../../../src/compute/plan.ts";
import { sharedWork, WORTH } from "../../../src/compute/wasm/work.ts";

const crossEntropy = (classes: number): Plan => ({
  launches: [
    {
      kernel: {
        ...{ op: "linearCrossEntropy", rows: 2048, columns: 64, classes, bias: true },
        ...{ gradients: ["x", "weight", "bias"], mean: true, masked: false, weighted: false },
        ...{ labelSmoothing: 0, ignoreIndex: -100 },
      },
      operands: {},
    },
  ],
  arenas: {},
  scalars: {},
});

test("threads share the cross entropy of many classes: of few there is one slice, which one of them would take", () => {
  expect(sharedWork(crossEntropy(65), WORTH)).toBe(0);
  expect(sharedWork(crossEntropy(10_000), WORTH)).toBeGreaterThan(WORTH.plan);
});

import fc from "fast-check";
import { expect, test } from "vitest";
import { openMachine } from "../../src/compute/open.ts";
import { difference } from "../support/difference.ts";
import { cellOf, randomCells } from "../support/random-cell.ts";
import { type Named, type RecurrentCase, type RecurrentResult, runRecurrent } from "../support/recurrent.ts";
import { randomCase } from "../support/recurrent-cases.ts";

/* Cells that nobody wrote: what holds of the built-in ones holds of whatever can be said. */

const valuesOf = ({ output, final, gradients, traces }: RecurrentResult): Named => ({
  ...{ output, ...final, ...gradients, ...traces },
});

test("any cell is on WebAssembly what it is on the reference: trained, run and traced", async () => {
  const reference = await openMachine("reference");
  await fc.assert(
    fc.asyncProperty(
      randomCells,
      fc.record({
        steps: fc.integer({ min: 1, max: 4 }),
        batch: fc.integer({ min: 1, max: 4 }),
        inputSize: fc.integer({ min: 1, max: 4 }),
        hiddenSize: fc.integer({ min: 1, max: 20 }),
        reverse: fc.boolean(),
      }),
      fc.integer({ min: 1, max: 20 }),
      async (random, sizes, projectionSize) => {
        const cell = cellOf(random);
        const made = { name: cell.name, make: () => cell, drawsPerStep: true, minSize: 1 };
        const c = {
          ...randomCase({ ...made, projectionSize: random.projected ? projectionSize : 0 }, sizes, 3),
          ...{ seed: 4, update: 2 },
        };
        // A module is compiled for every cell.
        const wasm = await openMachine("wasm", { threads: 1 });
        for (const one of [c, { ...c, up: undefined }, { ...c, trace: ["seen"] }] as RecurrentCase[]) {
          const [came, expected] = [await runRecurrent(wasm, one), await runRecurrent(reference, one)];
          for (const [name, values] of Object.entries(valuesOf(expected))) {
            const scale = Math.max(1, ...Array.from(values, Math.abs));
            // Equations that nobody chose magnify rounding; what is wrong is further off.
            expect(difference(valuesOf(came)[name]!, values) / scale, `${cell.name}: ${name}`).toBeLessThan(1e-3);
          }
        }
        wasm.close();
      },
    ),
    { numRuns: 40 },
  );
  reference.close();
});

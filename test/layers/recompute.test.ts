import { test } from "vitest";
import { describeOnMachines } from "../support/machines.ts";
import { type RecurrentCase, runRecurrent } from "../support/recurrent.ts";
import { expectSameBits, randomCase, type Sizes } from "../support/recurrent-cases.ts";
import { lawCells } from "../support/recurrent-cells.ts";

const sizes: Sizes = { steps: 7, batch: 3, inputSize: 5, hiddenSize: 18 };
/** Sequences of 7, 2 and 0 steps, the last two in the middle. */
const mask = Float64Array.from({ length: 21 }, (_, k) => (k % 3 === 0 || (k % 3 === 1 && k > 6 && k < 12) ? 1 : 0));

describeOnMachines("a sequence recomputed in parts has the bits of one that is kept", (opened) => {
  const check = async (c: RecurrentCase, parts: readonly number[] = [3]): Promise<void> => {
    const kept = await runRecurrent(opened.machine, c);
    for (const recompute of parts) {
      const again = await runRecurrent(opened.machine, { ...c, recompute });
      for (const what of ["gradients", "final"] as const)
        expectSameBits(again[what], kept[what], `${recompute} parts, ${what}`);
      expectSameBits({ output: again.output }, { output: kept.output });
    }
  };
  test.each(lawCells.map((cell) => [cell.name, cell] as const))("%s", (_, cell) => check(randomCase(cell, sizes, 1)));

  const cell = lawCells[0]!;
  test("in any number of parts, over more rows than a block of a sum has", () =>
    check(randomCase(cell, { ...sizes, steps: 37, batch: 9, hiddenSize: 33 }, 2), [2, 5, 37, 100]));
  test("from the last step to the first", () => check(randomCase(cell, { ...sizes, reverse: true }, 3)));
  test("two layers in two directions", () =>
    check(randomCase(cell, { ...sizes, numLayers: 2, bidirectional: true }, 4)));
  test.each(["zero", "previous"] as const)("with masked steps, output %s", (maskedOutput) =>
    check({ ...randomCase(cell, sizes, 5), mask, maskedOutput }),
  );
  test("a single example", () => check(randomCase(cell, { ...sizes, batch: 1 }, 6)));
});

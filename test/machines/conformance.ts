import { afterAll, beforeAll, describe, it } from "vitest";
import type { SynchronousMachine } from "../../src/compute/machine.ts";
import type { Machine } from "./harness.ts";
import { linearCrossEntropyLaws } from "./linear-cross-entropy.ts";
import { matmulLaws } from "./matmul.ts";
import { memoryLaws } from "./memory.ts";
import { pointwiseLaws } from "./pointwise.ts";
import { quantizedMatmulLaws } from "./quantized-matmul.ts";
import { randomLaws } from "./random.ts";
import { reduceLaws } from "./reduce.ts";
import { refusalLaws } from "./refusals.ts";
import { rowLaws } from "./rows.ts";
import { scanLaws } from "./scan.ts";

/** One law: what it says, and a check on an open machine. */
export type Laws = Readonly<Record<string, (machine: SynchronousMachine, held: Machine) => Promise<void>>>;

const groups: Readonly<Record<string, Laws>> = {
  pointwise: pointwiseLaws,
  reduce: reduceLaws,
  matmul: matmulLaws,
  "gather and scatterAdd": rowLaws,
  random: randomLaws,
  "linear with cross entropy": linearCrossEntropyLaws,
  "quantized products": quantizedMatmulLaws,
  scan: scanLaws,
  memory: memoryLaws,
  refusals: refusalLaws,
};

/**
 * The laws that every machine is held to. Expectations are plain loops of the tests' own in float64; no code of any
 * machine is used for them.
 */
export function conformance(held: Machine): void {
  describe(`machine "${held.name}"`, () => {
    let machine: SynchronousMachine;
    beforeAll(async () => {
      machine = await held.open();
    });
    afterAll(() => machine.close());
    for (const [group, laws] of Object.entries(groups))
      describe(group, () => {
        for (const [title, law] of Object.entries(laws)) {
          const reason = held.skips[`${group}: ${title}`];
          it.skipIf(reason !== undefined)(reason ? `${title} (skipped: ${reason})` : title, () => law(machine, held));
        }
      });
  });
}

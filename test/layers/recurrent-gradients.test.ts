import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { SynchronousMachine } from "../../src/compute/machine.ts";
import { openMachine } from "../../src/compute/open.ts";
import { difference } from "../support/difference.ts";
import { type Numbers, prepareRecurrent, type RecurrentResult } from "../support/recurrent.ts";
import { type FullCase, randomCase, type Sizes } from "../support/recurrent-cases.ts";
import { lawCells } from "../support/recurrent-cells.ts";

/* Derived gradients against central differences of the results, in float64, with respect to everything a layer reads. */

const forms: Readonly<Record<string, Partial<Sizes> & Pick<FullCase, "maskedOutput">>> = {
  "one direction, masked, earlier outputs shown": { maskedOutput: "previous" },
  "two layers in two directions, masked": { numLayers: 2, bidirectional: true, maskedOutput: "zero" },
  reversed: { reverse: true },
};

describe("gradients are central differences", () => {
  let machine: SynchronousMachine;
  beforeAll(async () => {
    machine = await openMachine("reference");
  });
  afterAll(() => machine.close());

  describe.each(lawCells)("$name", (cell) => {
    test.each(Object.entries(forms))("%s", async (_, { maskedOutput, ...sizes }) => {
      const small = { steps: 3, batch: 2, inputSize: 2, hiddenSize: 3, ...sizes };
      const c: FullCase = {
        ...randomCase(cell, small, 5),
        ...(maskedOutput && { maskedOutput, mask: [1, 0, 0, 1, 1, 1] }),
        ...{ seed: 3, update: 4 },
      };
      const { output, final } = c.up;
      const dot = (a: Numbers, b: Numbers): number => Array.from(a).reduce((s, v, k) => s + v * b[k]!, 0);
      const loss = (r: RecurrentResult): number =>
        dot(r.output, output) + Object.entries(final).reduce((s, [name, v]) => s + dot(r.final[name]!, v), 0);
      const derived = await prepareRecurrent(machine, c);
      const { gradients } = await derived.run();
      derived.close();
      const { up: _up, ...forward } = c;
      // The masks that training draws, without the cost of a gradient.
      const plain = await prepareRecurrent(machine, { ...forward, training: true });

      /** ∂loss/∂ of an array that `changes` puts in its place, at 8 or a few more of its elements. */
      async function slopes(data: Numbers, changes: (v: Numbers) => object): Promise<[number, number][]> {
        const found: [number, number][] = [];
        const stride = Math.max(1, Math.floor(data.length / 8));
        const h = 1e-4;
        for (let k = 0; k < data.length; k += stride) {
          const at = async (d: number): Promise<number> =>
            loss(await plain.run(changes(Array.from(data, (v, i) => (i === k ? v + d : v)))));
          const slope = (8 * ((await at(h)) - (await at(-h))) - ((await at(2 * h)) - (await at(-2 * h)))) / (12 * h);
          found.push([k, slope]);
        }
        await plain.run(changes(data));
        return found;
      }
      async function compare(name: string, data: Numbers, changes: (v: Numbers) => object): Promise<void> {
        const found = await slopes(data, changes);
        const came = found.map(([k]) => gradients[name]![k]!);
        expect(
          difference(
            came,
            found.map(([, v]) => v),
          ),
          name,
        ).toBeLessThan(1e-7);
      }
      expect(Object.keys(gradients)).toHaveLength(1 + Object.keys(c.initial).length + Object.keys(c.parameters).length);
      await compare("input", c.input, (input) => ({ input }));
      for (const [s, data] of Object.entries(c.initial))
        await compare(`initial.${s}`, data, (v) => ({ initial: { [s]: v } }));
      for (const [name, data] of Object.entries(c.parameters))
        await compare(name, data, (v) => ({ parameters: { [name]: v } }));
      plain.close();
    });
  });
});

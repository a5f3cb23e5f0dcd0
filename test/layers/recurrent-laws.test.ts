import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { describeOnMachines } from "../support/machines.ts";
import { runRecurrent } from "../support/recurrent.ts";
import {
  concatenated,
  example,
  expectNear,
  expectSameBits,
  mapNamed,
  randomCase,
  rowsOf,
  smallSizes,
  splitGradients,
  sum,
} from "../support/recurrent-cases.ts";
import { lawCells } from "../support/recurrent-cells.ts";
import { flipped } from "../support/recurrent-layouts.ts";

/* Laws that every cell obeys on every machine. What is computed by the same arithmetic is compared bit for bit. */

const runs = { numRuns: 2 };
const seeds = fc.nat(1e6);

describeOnMachines("laws of recurrent layers", (m) => {
  describe.each(lawCells)("$name", (cell) => {
    const training = !cell.drawsPerStep;

    test("two halves, the state handed over, are the whole", async () => {
      await fc.assert(
        fc.asyncProperty(smallSizes, fc.boolean(), seeds, async (sizes, reverse, seed) => {
          const { steps: T } = sizes;
          const cut = 1 + (seed % (T - 1));
          const whole = { ...randomCase(cell, { ...sizes, reverse }, seed), training };
          const part = (from: number, to: number) => ({
            ...whole,
            steps: to - from,
            input: rowsOf(whole.input, T, from, to),
            up: { output: rowsOf(whole.up.output, T, from, to), final: whole.up.final },
          });
          const [a, b] = [part(0, cut), part(cut, T)];
          const [first, second] = reverse ? [b, a] : [a, b];
          const state = (await runRecurrent(m.machine, first)).final;
          const late = await runRecurrent(m.machine, { ...second, initial: state });
          const final = Object.fromEntries(Object.keys(state).map((s) => [s, late.gradients[`initial.${s}`]!]));
          const early = await runRecurrent(m.machine, { ...first, up: { ...first.up, final } });
          const came = await runRecurrent(m.machine, whole);
          const [left, right] = reverse ? [late, early] : [early, late];
          expectSameBits(
            { output: concatenated(left.output, right.output), ...late.final },
            { output: came.output, ...came.final },
          );
          const input = concatenated(left.gradients.input!, right.gradients.input!);
          const gradients = splitGradients(came);
          expectNear({ ...splitGradients(early).rest, input }, gradients.rest, m.gradients);
          const parts = [splitGradients(early).parameters, splitGradients(late).parameters];
          expectNear(sum(parts), gradients.parameters, m.gradients);
        }),
        runs,
      );
    });

    test("a row of a batch is the row alone, bit for bit; gradients of weights are the sum over the rows", async () => {
      await fc.assert(
        fc.asyncProperty(smallSizes, fc.boolean(), seeds, async (sizes, bidirectional, seed) => {
          const whole = randomCase(cell, { ...sizes, bidirectional }, seed);
          const { steps: T, batch: B } = sizes;
          const came = await runRecurrent(m.machine, whole);
          const L = sizes.numLayers * (bidirectional ? 2 : 1);
          const parts = [];
          for (let b = 0; b < B; b++) {
            const alone = await runRecurrent(m.machine, {
              ...whole,
              ...{ batch: 1, firstExample: b, input: example(whole.input, T, B, b) },
              initial: mapNamed(whole.initial, (s) => example(s, L, B, b)),
              up: {
                output: example(whole.up.output, T, B, b),
                final: mapNamed(whole.up.final, (s) => example(s, L, B, b)),
              },
            });
            const row = { output: example(came.output, T, B, b), ...mapNamed(came.final, (s) => example(s, L, B, b)) };
            expectSameBits(row, { output: alone.output, ...alone.final });
            const { input, ...states } = splitGradients(came).rest;
            expectSameBits(
              { input: example(input!, T, B, b), ...mapNamed(states, (s) => example(s, L, B, b)) },
              splitGradients(alone).rest,
            );
            parts.push(splitGradients(alone).parameters);
          }
          expectNear(sum(parts), splitGradients(came).parameters, m.gradients);
        }),
        runs,
      );
    });

    test("an absent state is a state of zeros", async () => {
      await fc.assert(
        fc.asyncProperty(smallSizes, fc.boolean(), seeds, async (sizes, bidirectional, seed) => {
          const { initial, ...rest } = randomCase(cell, { ...sizes, bidirectional }, seed);
          const [absent, zeros] = [
            await runRecurrent(m.machine, rest),
            await runRecurrent(m.machine, { ...rest, initial: mapNamed(initial, (v) => new Float64Array(v.length)) }),
          ];
          expectSameBits({ output: absent.output, ...absent.final }, { output: zeros.output, ...zeros.final });
          const shared = Object.keys(absent.gradients);
          expect(shared).toHaveLength(Object.keys(zeros.gradients).length - Object.keys(initial).length);
          expectSameBits(absent.gradients, Object.fromEntries(shared.map((name) => [name, zeros.gradients[name]!])));
        }),
        runs,
      );
    });

    test("reversed twice is not reversed", async () => {
      await fc.assert(
        fc.asyncProperty(smallSizes, seeds, async (sizes, seed) => {
          const { steps: T } = sizes;
          const forward = { ...randomCase(cell, sizes, seed), training };
          const turned = await runRecurrent(m.machine, {
            ...forward,
            options: { ...forward.options, reverse: true },
            input: flipped(forward.input, T),
            up: { ...forward.up, output: flipped(forward.up.output, T) },
          });
          const came = await runRecurrent(m.machine, forward);
          expectSameBits(
            { output: flipped(turned.output, T), ...turned.final },
            { output: came.output, ...came.final },
          );
          const gradients = { ...turned.gradients, input: flipped(turned.gradients.input!, T) };
          expectNear(gradients, came.gradients, m.gradients);
        }),
        runs,
      );
    });
  });
});

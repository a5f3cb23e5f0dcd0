import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { gru } from "../../src/cells/gru.ts";
import { lstm } from "../../src/cells/lstm.ts";
import { difference } from "../support/difference.ts";
import { describeOnMachines } from "../support/machines.ts";
import { type Numbers, type RecurrentCase, type RecurrentResult, runRecurrent } from "../support/recurrent.ts";
import { concatenated, expectSameBits, randomCase, rowsOf, smallSizes } from "../support/recurrent-cases.ts";
import { lawCells } from "../support/recurrent-cells.ts";

const values = (r: RecurrentResult) => ({ output: r.output, ...r.final });
const zip = (f: (...v: number[]) => number, ...arrays: readonly Numbers[]): number[] =>
  Array.from(arrays[0]!, (_, k) => f(...arrays.map((a) => a[k]!)));

describeOnMachines("traces", (m) => {
  describe.each(lawCells)("$name", (cell) => {
    test("a traced run is the untraced one, bit for bit, and traces the state that it shows", async () => {
      await fc.assert(
        fc.asyncProperty(smallSizes, fc.boolean(), fc.nat(1e6), async (sizes, masked, seed) => {
          const { steps: T, batch: B } = sizes;
          const mask = Array.from({ length: T * B }, (_, k) => ((k * 7 + seed) % 3 === 0 ? 0 : 1));
          const c: RecurrentCase = {
            ...randomCase(cell, { ...sizes, reverse: seed % 2 === 1 }, seed),
            ...(masked && { mask }),
          };
          const names = Object.keys(c.options.cell.named);
          const [plain, traced] = [
            await runRecurrent(m.machine, c),
            await runRecurrent(m.machine, { ...c, trace: names }),
          ];
          expectSameBits(values(traced), values(plain));
          expectSameBits(traced.gradients, plain.gradients);
          const L = sizes.numLayers;
          expect(Object.keys(traced.traces)).toHaveLength(names.length * L);
          for (const all of [traced.traces, traced.traceGradients])
            for (const [name, v] of Object.entries(all)) expect(Array.from(v).every(Number.isFinite), name).toBe(true);
          const shown = `${c.options.cell.states[0]!.name}_l${L - 1}`;
          expectSameBits({ shown: traced.traces[shown]! }, { shown: traced.output });
        }),
        { numRuns: 3 },
      );
    });
  });

  const sizes = { steps: 5, batch: 3, inputSize: 2, hiddenSize: 4 };
  const plainCell = { projectionSize: 0, drawsPerStep: false, minSize: 1 };
  /** A trace of a state, and the one before it, at every step. */
  const before = (initial: Numbers, trace: Numbers): Numbers =>
    concatenated(initial, rowsOf(trace, sizes.steps, 0, sizes.steps - 1));
  const near = (came: Numbers, expected: Numbers, what: string, tolerance = m.outputs): void =>
    expect(difference(came, expected), what).toBeLessThanOrEqual(tolerance);
  /** Sum over steps and examples of [T, B, H]. */
  const overRows = (v: Numbers): number[] =>
    Array.from({ length: sizes.hiddenSize }, (_, j) =>
      Array.from(v).reduce((s, x, k) => s + (k % sizes.hiddenSize === j ? x : 0), 0),
    );

  test("an LSTM's output follows from its traced gates, its bias gradients from the traced adjoints", async () => {
    const c = randomCase({ name: "lstm", make: () => lstm(), ...plainCell }, sizes, 3);
    const { output, traces, traceGradients, gradients } = await runRecurrent(m.machine, {
      ...c,
      trace: ["i", "f", "g", "o", "c"],
    });
    const [i, f, g, o, cell] = ["i", "f", "g", "o", "c"].map((n) => traces[`${n}_l0`]!) as [
      Numbers,
      Numbers,
      Numbers,
      Numbers,
      Numbers,
    ];
    near(
      zip((f, c, i, g) => f * c + i * g, f, before(c.initial.c!, cell), i, g),
      cell,
      "c",
    );
    near(
      zip((o, c) => o * Math.tanh(c), o, cell),
      output,
      "h",
    );
    // ∂L/∂b of a gate is the sum of its adjoint times the slope of its activation.
    const sigmoidSlope = (y: number): number => y * (1 - y);
    const slopes = [i, f, g, o].map((gate, k) => zip(k === 2 ? (y) => 1 - y * y : sigmoidSlope, gate));
    const bias = ["i", "f", "g", "o"].flatMap((n, k) =>
      overRows(zip((d, s) => d * s, traceGradients[`${n}_l0`]!, slopes[k]!)),
    );
    near(bias, gradients.bias_ih_l0!, "bias", m.gradients);
    // ∂L/∂c at the first step, through the forget gate, is what reaches the initial c.
    const first = sizes.batch * sizes.hiddenSize;
    const dc = traceGradients.c_l0!;
    near(
      zip((d, f) => d * f, Array.from(dc).slice(0, first), Array.from(f).slice(0, first)),
      gradients["initial.c"]!,
      "initial c",
      m.gradients,
    );
  });

  test.each([true, false])(
    "a GRU's output follows from its traced gates, reset after the product: %s",
    async (resetAfter) => {
      const c = randomCase({ name: "gru", make: () => gru({ resetAfter }), ...plainCell }, sizes, 4);
      const { output, traces, traceGradients, gradients } = await runRecurrent(m.machine, {
        ...c,
        trace: ["r", "z", "n", "h"],
      });
      const [z, n, h] = ["z", "n", "h"].map((name) => traces[`${name}_l0`]!) as [Numbers, Numbers, Numbers];
      expectSameBits({ h }, { h: output });
      near(
        zip((z, n, h) => (1 - z) * n + z * h, z, n, before(c.initial.h!, h)),
        output,
        "h",
      );
      const H = sizes.hiddenSize;
      const bias = overRows(zip((d, z) => d * z * (1 - z), traceGradients.z_l0!, z));
      near(bias, Array.from(gradients.bias_ih_l0!).slice(H, 2 * H), "bias of z", m.gradients);
    },
  );
});

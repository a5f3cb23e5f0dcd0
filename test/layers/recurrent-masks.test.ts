import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { describeOnMachines } from "../support/machines.ts";
import { type Numbers, type RecurrentResult, runRecurrent } from "../support/recurrent.ts";
import {
  example,
  expectNear,
  expectSameBits,
  type FullCase,
  mapNamed,
  randomCase,
  smallSizes,
  splitGradients,
  sum,
} from "../support/recurrent-cases.ts";
import { lawCells } from "../support/recurrent-cells.ts";

/*
 * A step whose mask is 0 is no step: every example of a padded batch gives, bit for bit, what its valid steps alone give.
 * The input is NaN wherever the mask is 0, so that anything that reads it shows.
 */

const kinds = ["lengths", "left padding", "holes"] as const;
type Kind = (typeof kinds)[number];

/** [T, B]; with more than one example one of them has no valid step at all. */
function maskOf(kind: Kind, T: number, B: number, seed: number): number[] {
  const random = (k: number): number => Math.abs(Math.sin((seed + 1) * 12.9898 + k * 78.233) * 43758.5453) % 1;
  return Array.from({ length: T * B }, (_, k) => {
    const [t, b] = [Math.floor(k / B), k % B];
    if (B > 1 && b === seed % B) return 0;
    const length = 1 + Math.floor(random(b) * T);
    if (kind === "lengths") return t < length ? 1 : 0;
    if (kind === "left padding") return t >= T - length ? 1 : 0;
    return random(k + 100) < 0.6 ? 1 : 0;
  });
}

interface Layout {
  /** Valid steps in the order of time. */
  readonly valid: readonly number[];
  /** For each direction: for each step the valid step whose output it shows, or −1. */
  readonly shown: readonly (readonly number[])[];
}

/** What becomes of the steps of one example. */
function layoutOf(mask: readonly number[], reversals: readonly boolean[], maskedOutput: "zero" | "previous"): Layout {
  const T = mask.length;
  const valid = mask.flatMap((seen, t) => (seen ? [t] : []));
  const shown = reversals.map((reverse) => {
    const from = new Array<number>(T).fill(-1);
    let last = -1;
    for (let s = 0; s < T; s++) {
      const t = reverse ? T - 1 - s : s;
      if (mask[t]) last = t;
      from[t] = mask[t] || maskedOutput === "previous" ? last : -1;
    }
    return from;
  });
  return { valid, shown };
}

/** The valid steps of an example's [T, row]. */
const compact = (data: Numbers, T: number, valid: readonly number[]): Float64Array => {
  const row = data.length / T;
  return Float64Array.from(
    { length: valid.length * row },
    (_, k) => data[valid[Math.floor(k / row)]! * row + (k % row)]!,
  );
};

async function check(
  run: (c: FullCase) => Promise<RecurrentResult>,
  whole: FullCase,
  kind: Kind,
  maskedOutput: "zero" | "previous",
  seed: number,
  tolerance: number,
): Promise<void> {
  const { steps: T, batch: B, options } = whole;
  const mask = maskOf(kind, T, B, seed);
  const D = options.inputSize;
  const input = Float64Array.from(whole.input, (v, k) => (mask[Math.floor(k / D)] ? v : Number.NaN));
  const came = await run({ ...whole, input, mask, maskedOutput });
  for (const [name, v] of Object.entries({ ...came.final, ...came.gradients, output: came.output }))
    expect(Array.from(v).every(Number.isFinite), `${name} is finite`).toBe(true);

  const reversals = options.bidirectional ? [false, true] : [options.reverse ?? false];
  const width = whole.up.output.length / (T * B * reversals.length);
  const N = (options.numLayers ?? 1) * reversals.length;
  const parts = [];
  for (let b = 0; b < B; b++) {
    const { valid, shown } = layoutOf(
      mask.filter((_, k) => k % B === b),
      reversals,
      maskedOutput,
    );
    const column = (k: number): number => Math.floor((k % (width * reversals.length)) / width);
    const row = width * reversals.length;
    // The adjoint of a step that shows an earlier one belongs to that one.
    const up = new Float64Array(T * row);
    example(whole.up.output, T, B, b).forEach((v, k) => {
      const from = shown[column(k)]![Math.floor(k / row)]!;
      if (from >= 0) up[from * row + (k % row)]! += v;
    });
    const states = mapNamed(whole.initial, (s) => example(s, N, B, b));
    const final = mapNamed(whole.up.final, (s) => example(s, N, B, b));
    const dense = new Float64Array(T * row);
    const dInput = new Float64Array(T * D);
    const { input: cameInput, ...cameStates } = splitGradients(came).rest;
    const got = { output: example(came.output, T, B, b), ...mapNamed(came.final, (s) => example(s, N, B, b)) };
    const gotRest = { input: example(cameInput!, T, B, b), ...mapNamed(cameStates, (s) => example(s, N, B, b)) };
    if (valid.length === 0) {
      expectSameBits(got, { output: dense, ...states });
      expectSameBits(gotRest, {
        input: dInput,
        ...Object.fromEntries(Object.entries(final).map(([s, v]) => [`initial.${s}`, v])),
      });
      continue;
    }
    const alone = await run({
      ...whole,
      ...{ steps: valid.length, batch: 1, firstExample: b, initial: states },
      input: compact(example(whole.input, T, B, b), T, valid),
      up: { output: compact(up, T, valid), final },
    });
    dense.forEach((_, k) => {
      const from = shown[column(k)]![Math.floor(k / row)]!;
      if (from >= 0) dense[k] = alone.output[valid.indexOf(from) * row + (k % row)]!;
    });
    expectSameBits(got, { output: dense, ...alone.final }, `example ${b}`);
    const { input: aloneInput, ...aloneStates } = splitGradients(alone).rest;
    valid.forEach((t, k) => {
      dInput.set(Array.from(aloneInput!).slice(k * D, (k + 1) * D), t * D);
    });
    expectNear(gotRest, { input: dInput, ...aloneStates }, tolerance, `example ${b}`);
    parts.push(splitGradients(alone).parameters);
  }
  const total = { ...mapNamed(splitGradients(came).parameters, (v) => new Float64Array(v.length)), ...sum(parts) };
  expectNear(splitGradients(came).parameters, total, tolerance);
}

describeOnMachines("masks of recurrent layers", (m) => {
  describe.each(lawCells)("$name", (cell) => {
    test.each(kinds)("%s", async (kind) => {
      await fc.assert(
        fc.asyncProperty(
          smallSizes,
          fc.constantFrom("forward", "reverse", "bidirectional"),
          fc.constantFrom("zero" as const, "previous" as const),
          fc.nat(1e6),
          async (sizes, direction, maskedOutput, seed) => {
            const more = { bidirectional: direction === "bidirectional", reverse: direction === "reverse" };
            const whole = { ...randomCase(cell, { ...sizes, ...more }, seed), training: !cell.drawsPerStep };
            await check((c) => runRecurrent(m.machine, c), whole, kind, maskedOutput, seed, m.gradients);
          },
        ),
        { numRuns: 2 },
      );
    });
  });
});

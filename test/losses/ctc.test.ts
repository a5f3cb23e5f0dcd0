import { expect, it } from "vitest";
import { connectionistTemporalClassification } from "../../src/losses/ctc.ts";
import { evaluate, onMachines } from "../layers/on-machines.ts";
import { difference } from "../support/difference.ts";
import { distinct, expectGradients } from "../tensor/gradients.ts";

const [T, B, V, L] = [5, 4, 3, 3];
/** Labels that repeat (a blank must stand between), that differ, none, and more than there are steps for. */
const TARGETS = Int32Array.from([0, 0, 0, 0, 2, 0, 1, 1, 1, 2, 2, 2]);
const TARGET_LENGTHS = [2, 2, 0, 3];
const INPUT_LENGTHS = [5, 3, 4, 4];
const X = distinct(T * B * V, 5);
const BLANK = 1;

/** Labels of a sequence of classes: repeated ones once, then without blanks. */
const collapse = (path: readonly number[]): string => path.filter((c, t) => c !== path[t - 1] && c !== BLANK).join();

function* sequences(length: number): Generator<number[]> {
  if (length === 0) yield [];
  else for (const rest of sequences(length - 1)) for (let c = 0; c < V; c++) yield [...rest, c];
}

function enumerated(b: number): number {
  const labels = Array.from(TARGETS.subarray(b * L, b * L + TARGET_LENGTHS[b]!)).join();
  const at = (t: number): number[] => X.slice((t * B + b) * V, (t * B + b + 1) * V);
  let sum = 0;
  for (const path of sequences(INPUT_LENGTHS[b]!))
    if (collapse(path) === labels)
      sum += path.reduce((p, c, t) => (p * Math.exp(at(t)[c]!)) / at(t).reduce((s, v) => s + Math.exp(v), 0), 1);
  return -Math.log(sum);
}

const inputs = {
  // Behind the end there may be anything.
  x: {
    shape: [T, B, V],
    data: Float64Array.from(X, (v, i) =>
      Math.floor(i / (B * V)) < INPUT_LENGTHS[Math.floor(i / V) % B]! ? v : Number.NaN,
    ),
  },
  y: { shape: [B, L], data: TARGETS },
  inputLengths: { shape: [B], data: Int32Array.from(INPUT_LENGTHS) },
  targetLengths: { shape: [B], data: Int32Array.from(TARGET_LENGTHS) },
};

onMachines("connectionist temporal classification", (machine, tolerance) => {
  const run = (options: { zeroInfinity?: boolean; reduction?: "none" | "mean" } = {}) =>
    evaluate({
      ...{ machine: machine(), inputs },
      build: ({ x, y, inputLengths, targetLengths }) =>
        connectionistTemporalClassification(x!, y!, {
          ...{ inputLengths: inputLengths!, targetLengths: targetLengths!, blank: BLANK, reduction: "none" },
          ...options,
        }),
    });

  it("sums over all ways to write the labels", async () => {
    const { output } = await run();
    // Three equal labels need five steps: four are too few.
    expect(output[3]).toBe(Number.POSITIVE_INFINITY);
    expect(difference(Array.from(output).slice(0, 3), [0, 1, 2].map(enumerated))).toBeLessThan(tolerance.output);
  });

  it("labels that do not fit have no gradient, and with zeroInfinity no loss", async () => {
    const { output, gradients } = await run({ zeroInfinity: true });
    expect(output[3]).toBe(0);
    for (let t = 0; t < T; t++)
      expect(Array.from(gradients.x!).slice((t * B + 3) * V, (t * B + 4) * V)).toEqual([0, 0, 0]);
    expect(Array.from(gradients.x!).every(Number.isFinite)).toBe(true);
  });
});

onMachines("labels of connectionist temporal classification", (machine) => {
  const run = (y: readonly number[]) =>
    evaluate({
      machine: machine(),
      inputs: { ...inputs, y: { ...inputs.y, data: Int32Array.from(y) } },
      build: ({ x, y, inputLengths, targetLengths }) =>
        connectionistTemporalClassification(x!, y!, {
          ...{ inputLengths: inputLengths!, targetLengths: targetLengths!, blank: BLANK, reduction: "none" },
        }),
    });

  it("may be anything behind the labels of a sequence", async () => {
    const behind = (k: number): boolean => k % L >= TARGET_LENGTHS[Math.floor(k / L)]!;
    const expected = await run([...TARGETS]);
    for (const other of [-1, -100, V, 2 ** 30])
      expect(await run(Array.from(TARGETS, (label, k) => (behind(k) ? other : label)))).toEqual(expected);
  });

  it("are impossible where they are no class", async () => {
    const expected = await run([...TARGETS]);
    for (const wrong of [-1, V, 2 ** 30]) {
      const { output, gradients } = await run([wrong, ...TARGETS.slice(1)]);
      expect(Array.from(output)).toEqual([Number.POSITIVE_INFINITY, ...Array.from(expected.output).slice(1)]);
      expect(Array.from(gradients.x!)).toEqual(
        Array.from(expected.gradients.x!, (g, i) => (Math.floor(i / V) % B === 0 ? 0 : g)),
      );
    }
  });
});

it("has the gradient of central differences", () =>
  expectGradients(
    { x: [T, 3, V] },
    {
      x: distinct(T * 3 * V, 6),
      ...{ y: Array.from(TARGETS.subarray(0, 3 * L)), n: INPUT_LENGTHS.slice(0, 3), m: TARGET_LENGTHS.slice(0, 3) },
    },
    ({ x, y, n, m }) =>
      connectionistTemporalClassification(x!, y!, {
        ...{ inputLengths: n!, targetLengths: m!, blank: BLANK, reduction: "none" },
      }),
    { y: [3, L], n: [3], m: [3] },
  ));

it("says what is wrong with shapes and the blank", () => {
  const shaped = (blank: number, lengths: number) =>
    expectGradients(
      { x: [2, 1, V] },
      { x: distinct(2 * V, 1), y: [0], n: new Array(lengths).fill(2), m: [1] },
      ({ x, y, n, m }) => connectionistTemporalClassification(x!, y!, { inputLengths: n!, targetLengths: m!, blank }),
      { y: [1, 1], n: [lengths], m: [1] },
    );
  return Promise.all([
    expect(shaped(V, 1)).rejects.toThrow(expect.objectContaining({ code: "out-of-range" })),
    expect(shaped(0, 2)).rejects.toThrow(expect.objectContaining({ code: "shape-mismatch" })),
  ]);
});

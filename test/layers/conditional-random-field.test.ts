import { describe, expect, it } from "vitest";
import { openReference } from "../../src/compute/reference/machine.ts";
import {
  type ConditionalRandomField,
  conditionalRandomField,
  type TagConstraints,
} from "../../src/layers/conditional-random-field.ts";
import { compile } from "../../src/tensor/executable.ts";
import { Graph } from "../../src/tensor/graph.ts";
import { bestPath } from "../../src/tensor/lattice.ts";
import { difference } from "../support/difference.ts";
import { distinct, expectGradients } from "../tensor/gradients.ts";
import { evaluate, onMachines } from "./on-machines.ts";

const [T, B, C] = [4, 3, 3];
const LENGTHS = [4, 1, 3];
const MASK = Float64Array.from({ length: T * B }, (_, i) => (Math.floor(i / B) < LENGTHS[i % B]! ? 1 : 0));
const TAGS = Int32Array.from([2, 0, 1, 1, 0, 1, 0, 0, 2, 2, 0, 0]);
const VALUES = {
  transitions: { shape: [C, C], data: Float64Array.from(distinct(C * C, 1)) },
  start: { shape: [C], data: Float64Array.from(distinct(C, 2)) },
  end: { shape: [C], data: Float64Array.from(distinct(C, 3)) },
};
const X = distinct(T * B * C, 4);

/** All sequences of tags of a length. */
function* sequences(length: number): Generator<number[]> {
  if (length === 0) yield [];
  else for (const rest of sequences(length - 1)) for (let c = 0; c < C; c++) yield [...rest, c];
}

/** What the documentation says, over every sequence of tags of row b. */
function enumerate(b: number, allowed: (path: readonly number[]) => boolean = () => true) {
  const { transitions, start, end } = VALUES;
  const score = (path: readonly number[]): number =>
    path.reduce(
      (sum, tag, t) => sum + X[(t * B + b) * C + tag]! + (t > 0 ? transitions.data[path[t - 1]! * C + tag]! : 0),
      start.data[path[0]!]! + end.data[path.at(-1)!]!,
    );
  const paths = [...sequences(LENGTHS[b]!)].filter(allowed).map((path) => ({ path, weight: Math.exp(score(path)) }));
  const whole = paths.reduce((sum, { weight }) => sum + weight, 0);
  return { paths, whole, score, best: paths.reduce((a, b) => (b.weight > a.weight ? b : a)).path };
}

/** Tag 1 may not begin, tag 2 does not follow tag 0, tag 0 does not end. */
const constraints: TagConstraints = {
  start: (tag) => tag !== 1,
  follow: (before, tag) => !(before === 0 && tag === 2),
  end: (tag) => tag !== 0,
};
const keeps = (path: readonly number[]): boolean =>
  constraints.start(path[0]!) &&
  constraints.end(path.at(-1)!) &&
  path.every((tag, t) => t === 0 || constraints.follow(path[t - 1]!, tag));

const x = { shape: [T, B, C], data: Float64Array.from(X) };
// What lies at steps that are not there must not matter.
const ragged = { ...x, data: x.data.map((v, i) => (MASK[Math.floor(i / C)] ? v : Number.NaN)) };
const mask = { shape: [T, B], data: MASK };
const tags = { shape: [T, B], data: TAGS };

onMachines("a conditional random field beside all its sequences", (machine, tolerance) => {
  const run = (model: ConditionalRandomField, what: "loss" | "marginals" | "best") =>
    evaluate({
      ...{ machine: machine(), model, parameters: VALUES, training: what === "loss" },
      inputs: { x: ragged, mask, ...(what === "loss" && { tags }) },
      build: (t) =>
        what === "loss"
          ? model.negativeLogLikelihood(t.x!, t.tags!, { mask: t.mask })
          : what === "marginals"
            ? model.lattice(t.x!, { mask: t.mask }).lattice.marginals()
            : model.lattice(t.x!, { mask: t.mask }).lattice.best(),
    });

  it("−log p of the tags, and its gradients: probabilities less what was", async () => {
    const { output, gradients } = await run(conditionalRandomField({ tags: C }), "loss");
    const d = { x: new Float64Array(T * B * C), transitions: new Float64Array(C * C), end: new Float64Array(C) };
    const losses = LENGTHS.map((length, b) => {
      const { paths, whole, score } = enumerate(b);
      const truth = Array.from({ length }, (_, t) => TAGS[t * B + b]!);
      const add = (path: readonly number[], p: number): void => {
        for (const [t, tag] of path.entries()) {
          d.x[(t * B + b) * C + tag]! += p;
          if (t > 0) d.transitions[path[t - 1]! * C + tag]! += p;
        }
        d.end[path.at(-1)!]! += p;
      };
      for (const { path, weight } of paths) add(path, weight / whole);
      add(truth, -1);
      return Math.log(whole) - score(truth);
    });
    expect(difference(output, losses)).toBeLessThan(tolerance.output);
    for (const name of ["x", "transitions", "end"] as const)
      expect(difference(gradients[name]!, d[name]), name).toBeLessThan(tolerance.gradient);
  });

  it.each([undefined, constraints])("the probability of each tag (constraints: %o)", async (limits) => {
    const { output } = await run(conditionalRandomField({ tags: C, constraints: limits }), "marginals");
    const expected = new Float64Array(T * B * C);
    for (const b of LENGTHS.keys()) {
      const { paths, whole } = enumerate(b, limits && keeps);
      for (const { path, weight } of paths)
        for (const [t, tag] of path.entries()) expected[(t * B + b) * C + tag]! += weight / whole;
    }
    expect(difference(output, expected)).toBeLessThan(tolerance.output);
    if (limits) expect(output[0 * C + 1]).toBe(0);
  });

  it.each([undefined, constraints])("the best sequence (constraints: %o)", async (limits) => {
    const model = conditionalRandomField({ tags: C, constraints: limits });
    const { output } = await run(model, "best");
    const weights = Float64Array.from(VALUES.transitions.data, (w, k) =>
      limits && !limits.follow(Math.floor(k / C), k % C) ? -1e30 : w,
    );
    for (const [b, steps] of LENGTHS.entries())
      expect(bestPath({ steps, states: C, weights, scores: (t, j) => output[(t * B + b) * C + j]! })).toEqual(
        enumerate(b, limits && keeps).best,
      );
  });

  it("tags that are forbidden are infinitely unlikely and teach nothing; the others are what they were", async () => {
    const model = conditionalRandomField({ tags: C, constraints });
    // Row 0 goes from 0 to 2, row 1 is of one step and begins with 1, row 2 keeps to the constraints.
    const data = Int32Array.from([0, 1, 0, 2, 0, 0, 1, 0, 1, 1, 0, 0]);
    const { output, gradients } = await evaluate({
      ...{ machine: machine(), model, parameters: VALUES, inputs: { x: ragged, mask, tags: { ...tags, data } } },
      build: (t) => model.negativeLogLikelihood(t.x!, t.tags!, { mask: t.mask }),
    });
    const { whole, score } = enumerate(2, keeps);
    expect([output[0], output[1]]).toEqual([Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY]);
    expect(Math.abs(output[2]! - (Math.log(whole) - score([0, 0, 1])))).toBeLessThan(tolerance.output);
    for (let k = 0; k < T * B * C; k++)
      if (Math.floor(k / C) % B !== 2) expect(Object.is(Math.abs(gradients.x![k]!), 0), `${k}`).toBe(true);
    const sum = Array.from(gradients.start!).reduce((a, b) => a + b, 0);
    expect(Math.abs(sum)).toBeLessThan(tolerance.gradient);
    expect(Array.from(gradients.transitions!).every(Number.isFinite)).toBe(true);
  });

  it("long sequences of large scores neither overflow nor vanish", async () => {
    const steps = 100;
    const model = conditionalRandomField({ tags: C });
    const data = Float64Array.from({ length: steps * C }, (_, i) => (i % C === 1 ? 90 : -90));
    const { output, gradients } = await evaluate({
      ...{ machine: machine(), model, parameters: VALUES },
      inputs: { x: { shape: [steps, 1, C], data }, tags: { shape: [steps, 1], data: new Int32Array(steps).fill(1) } },
      build: (t) => model.negativeLogLikelihood(t.x!, t.tags!),
    });
    // Rounding of float32 additions to a sum of some hundreds.
    expect(Math.abs(output[0]!)).toBeLessThan(5e-3);
    expect(Array.from(gradients.x!).every((v) => Math.abs(v) < 5e-3)).toBe(true);
  });

  it("a single step is a softmax; no step at all costs nothing", async () => {
    const model = conditionalRandomField({ tags: C });
    const one = { shape: [1, 2, C], data: x.data.slice(0, 2 * C) };
    const { output, gradients } = await evaluate({
      ...{ machine: machine(), model, parameters: VALUES },
      inputs: {
        x: one,
        tags: { shape: [1, 2], data: Int32Array.of(2, 0) },
        mask: { shape: [1, 2], data: Float64Array.of(1, 0) },
      },
      build: (t) => model.negativeLogLikelihood(t.x!, t.tags!, { mask: t.mask }),
    });
    const logits = [0, 1, 2].map((c) => X[c]! + VALUES.start.data[c]! + VALUES.end.data[c]!);
    const expected = Math.log(logits.reduce((sum, v) => sum + Math.exp(v), 0)) - logits[2]!;
    expect(difference(output, [expected, 0])).toBeLessThan(tolerance.output);
    expect(Array.from(gradients.transitions!)).toEqual(new Array(C * C).fill(0));
    expect(Array.from(gradients.x!).slice(C)).toEqual([0, 0, 0]);
  });
});

describe("gradients are those of central differences", () => {
  it("of every score", () =>
    expectGradients(
      { x: [T, B, C], transitions: [C, C], start: [C], end: [C] },
      Object.fromEntries([
        ["x", X],
        ["tags", Array.from(TAGS)],
        ...Object.entries(VALUES).map(([name, { data }]) => [name, Array.from(data)] as const),
      ]),
      (t, graph) => {
        const model = conditionalRandomField({ tags: C });
        for (const name of ["transitions", "start", "end"] as const) graph.substitute(model.parts[name], t[name]!);
        return model.negativeLogLikelihood(t.x!, t.tags!, { mask: graph.constant([T, B], MASK) });
      },
      { tags: [T, B] },
    ));
});

it("refuses constraints that no sequence can begin under, and wrong shapes", async () => {
  const start = () => false;
  expect(() => conditionalRandomField({ tags: 2, constraints: { ...constraints, start } })).toThrow(
    expect.objectContaining({ code: "bad-option" }),
  );
  using machine = openReference();
  const graph = new Graph({ machine });
  const [emissions, tags] = [graph.input("x", [3, 1, 2]), graph.input("tags", [3, 1], { type: "int" })];
  const model = conditionalRandomField({ tags: 2 });
  for (const name of ["transitions", "start", "end"] as const)
    graph.substitute(model.parts[name], graph.input(name, model.parts[name].shape));
  model.negativeLogLikelihood(emissions, tags);
  using executable = await compile(graph, { machine });
  expect(() => executable.write("tags", [0, 2, 1])).toThrow("element 1 is 2, expected a whole number from 0 to 1");
  expect(() => conditionalRandomField({ tags: 0 })).toThrow(expect.objectContaining({ code: "out-of-range" }));
});

import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { Bench, type Letters } from "../../playground/src/cell/bench.ts";
import { stagesOf } from "../../playground/src/cell/stages.ts";
import type { SynchronousMachine } from "../../src/compute/machine.ts";
import { openMachine } from "../../src/compute/open.ts";
import { trace } from "../../src/explain/trace.ts";
import { languageModel } from "../../src/models/language-model.ts";
import { layoutParameters } from "../../src/tensor/parameter.ts";
import { createParameters } from "../../src/tensor/parameter-store.ts";
import { trainTokenizer } from "../../src/text/train-tokenizer.ts";

vi.hoisted(() => {
  Object.defineProperty(globalThis, "navigator", { value: { language: "en" }, configurable: true });
});
vi.mock("../../playground/src/update.ts", () => ({ update: () => undefined }));

let machine: SynchronousMachine;
beforeAll(async () => {
  machine = await openMachine("reference");
});
afterAll(() => machine.close());

/** A bench of three units with weights drawn from a seed, which has read its line. */
async function benchOf(cell: "lstm" | "gru" | "rnn"): Promise<Bench> {
  const tokenizer = await trainTokenizer("A....?A\nB", { kind: "grapheme" });
  const model = languageModel({ vocabularySize: tokenizer.vocabularySize, embeddingSize: 2, hiddenSize: 3, cell });
  const parameters = await createParameters({ machine, layout: layoutParameters(model), seed: 5 });
  const bench = new Bench(async () => ({ model, tokenizer, parameters }));
  await expect.poll(() => bench.ready).toBe(true);
  return bench;
}
const close = (a: ArrayLike<number>, b: ArrayLike<number>): void => {
  expect(a).toHaveLength(b.length);
  for (let k = 0; k < b.length; k++) expect(a[k]).toBeCloseTo(b[k]!, 10);
};

test("a value of one's own changes its step as the equations say, and what follows as the network goes on from there", async () => {
  const bench = await benchOf("lstm");
  const tokens = bench.opened!.tokenizer.encode(bench.line);
  const was = (name: string, t: number) => bench.whole!.values[`${name}_l0`]!.data.slice(3 * t, 3 * t + 3);
  bench.goTo(2);
  const said = await bench.probabilities(2);
  const { output } = await trace(bench.opened!, { data: tokens });
  const logits = Array.from(output.data.slice(2 * said.length, 3 * said.length));
  const sum = logits.reduce((all, v) => all + Math.exp(v), 0);
  close(
    said,
    logits.map((v) => Math.exp(v) / sum),
  );

  bench.setValue(bench.id("f")!, 1, 0.25);
  await expect.poll(() => Array.from(bench.at("c", 3))).not.toEqual(Array.from(was("c", 3)));
  const f = Array.from(was("f", 2), (v, unit) => (unit === 1 ? 0.25 : v));
  const c = f.map((v, u) => v * was("c", 1)[u]! + was("i", 2)[u]! * was("g", 2)[u]!);
  const h = c.map((v, u) => was("o", 2)[u]! * Math.tanh(v));
  for (const [name, values] of Object.entries({ f, c, h })) close(bench.at(name, 2), values);
  close(bench.at("c", 1), was("c", 1));
  const initial = { h: Float64Array.from(h), c: Float64Array.from(c) };
  const rest = await trace(bench.opened!, { data: tokens.slice(3), initial });
  for (const t of [3, 4]) close(bench.at("h", t), rest.values.h_l0!.data.slice(3 * (t - 3), 3 * (t - 2)));

  // Another bench at the same place shows the same; a step further nothing is left of it.
  const other = await benchOf("lstm");
  other.show({ ...bench.place, letters: "pytorch", looked: "o" });
  await expect.poll(() => Array.from(other.at("h", 4))).toEqual(Array.from(bench.at("h", 4)));
  expect(other.place).toEqual({ ...bench.place, letters: "pytorch", looked: "o" });
  expect(other.looked).toBe(other.id("o"));
  bench.goTo(99);
  expect([bench.step, bench.override.size]).toEqual([7, 0]);
  await expect.poll(() => Array.from(bench.at("c", 3))).toEqual(Array.from(was("c", 3)));
  for (const one of [bench, other]) one.close();
});

test("a state of one's own before a step changes what the gates of the step see; a weight all steps, until it is put back", async () => {
  const bench = await benchOf("gru");
  const { values: before } = bench.whole!;
  const tokens = bench.opened!.tokenizer.encode(bench.line);
  bench.show({ step: 2, set: [["previous.h", [0.5, -0.5, 0.25]]] });
  const initial = { h: Float64Array.of(0.5, -0.5, 0.25) };
  const anew = await trace(bench.opened!, { data: tokens.slice(2), initial });
  for (const name of ["z", "n", "h"])
    await expect.poll(() => Array.from(bench.at(name, 2))[1]).toBeCloseTo(anew.values[`${name}_l0`]!.data[1]!, 10);
  close(bench.at("h", 4), anew.values.h_l0!.data.slice(6, 9));
  close(bench.joined().h, initial.h);
  // Numbers of another width, and of what is not there, are not taken.
  bench.show({
    step: 2,
    set: [
      ["z", [1]],
      ["q", [1, 1, 1]],
    ],
  });
  expect(bench.override.size).toBe(0);
  await bench.setWeight("rnn.weight_hh_l0", 0, 3);
  expect(bench.whole!.values.h_l0!.data).not.toEqual(before.h_l0!.data);
  await bench.reset();
  expect(bench.whole!.values).toEqual(before);
  // Another cell may take its place while it reads.
  const reading = bench.refresh();
  bench.close();
  await reading;
});

test("stages light what they are named after, together all that the states are made of", async () => {
  const lit = async (cell: "lstm" | "gru" | "rnn") => {
    const bench = await benchOf(cell);
    const all = stagesOf(bench).map(({ key, ids }) => [key, ids()] as const);
    const names = ["i", "f", "g", "o", "c", "h", "r", "z", "n", "previous.c", "previous.h"];
    const { nodes } = bench.graph!;
    const made = bench.below(...bench.cell.states.map(({ name }) => bench.id(name)));
    if (all.length > 0) expect(new Set(all.flatMap(([, ids]) => [...ids]))).toEqual(made);
    bench.close();
    return Object.fromEntries(
      all.map(([key, ids]) => [key, names.filter((name) => nodes.some((one) => one.name === name && ids.has(one.id)))]),
    );
  };
  expect(await lit("lstm")).toEqual({
    forget: ["f", "previous.c"],
    select: ["i", "g", "c"],
    output: ["o", "c", "h"],
  });
  expect(await lit("gru")).toEqual({
    reset: ["r"],
    candidate: ["r", "n"],
    mix: ["h", "z", "n", "previous.h"],
  });
  expect(await lit("rnn")).toEqual({});
});

test("letters are PyTorch's, or one z with the gate's above it", async () => {
  const bench = await benchOf("lstm");
  const letters = (kind: Letters) => {
    bench.letters = kind;
    return Object.fromEntries(
      ["i", "g", "c", "h"].map((name) => [name, bench.letter(bench.graph!.nodes[bench.id(name)!]!)]),
    );
  };
  expect(letters("pytorch")).toEqual({ i: ["i", ""], g: ["g", ""], c: ["c", ""], h: ["h", ""] });
  expect(letters("note")).toEqual({ i: ["z", "i"], g: ["z", ""], c: ["c", ""], h: ["h", ""] });
  const sum = bench.graph!.nodes.find(({ kind, symbol }) => kind === "sum" && symbol.startsWith("f"))!;
  expect(bench.letter(sum)).toEqual(["W", "f", ""]);
  expect(bench.lineOf(bench.graph!.nodes[bench.id("c")!])).toMatch(/^c_t =/);
  bench.close();
});

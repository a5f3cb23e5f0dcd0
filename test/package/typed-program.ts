import {
  type Cell,
  createParameters,
  defineCell,
  Graph,
  gru,
  languageModel,
  layoutParameters,
  lstm,
  openMachine,
  openSession,
  recurrent,
  type Tensor,
  tanh,
  trainText,
} from "longshort";
import { trace } from "longshort/explain";

// What the types promise a strict program, checked with each compiler and library of types (hosts.test.ts). It is not run.

const machine = await openMachine("wasm");
const model = languageModel({ vocabularySize: 65, cell: "gru", hiddenSize: 32 });
const parameters = await createParameters({ machine, layout: layoutParameters(model) });

// States are known by their names, from the cell to whatever holds them.
using session = await openSession({ model, parameters, machine });
const { h } = await session.state();
session.step([1], new Float32Array(65));
// @ts-expect-error: a GRU has no c
(await session.state()).c;
const last: ArrayLike<number> = (await trace({ model, parameters }, { data: [1, 2] })).final.h;
const own = defineCell({ name: "own", gates: { a: tanh }, state: ["slow"], step: ({ a }) => ({ slow: a }) });
export const slow = (x: Tensor): Tensor => recurrent({ cell: own, inputSize: 1, hiddenSize: 1 }).forward(x).final.slow;
const cells: readonly Cell<"h">[] = [gru(), lstm()];

// Numbers lie in memory of their own.
new Blob([h]);

// Trainings are read as they go, by what happened.
const { trainer } = await trainText({ model, machine, train: [1, 2, 3, 4], epochs: 1 });
for await (const event of trainer) if (event.type === "epoch") console.log(event.epoch, event.trainLoss);

// Options that are misspelled, or left open by a flag.
// @ts-expect-error: did you mean cell?
languageModel({ vocabularySize: 65, cel: "gru" });
const flags: { readonly cell?: string; readonly layers: number | undefined } = { layers: undefined };
languageModel({ vocabularySize: 65, cell: flags.cell, numLayers: flags.layers });

// A library of one's own, whose declarations name what it got from this one.
export const layers = recurrent({ cell: gru(), inputSize: 1, hiddenSize: 1 });
export const { options, directions } = layers;
export const { range } = new Graph({ machine }).input("x", [1]);
export const { hidden } = model;

export { cells, last };

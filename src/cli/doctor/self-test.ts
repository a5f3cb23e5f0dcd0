import { type CellSpec, cellByName } from "../../cells/registry.ts";
import type { SynchronousMachine } from "../../compute/machine.ts";
import { recurrent } from "../../layers/recurrent.ts";
import { languageModel } from "../../models/language-model.ts";
import { languageModelLoss } from "../../models/language-model-loss.ts";
import { adam } from "../../optimizers/adam.ts";
import { size } from "../../shared/shapes.ts";
import { compile } from "../../tensor/executable.ts";
import { Graph } from "../../tensor/graph.ts";
import { matmul } from "../../tensor/operations.ts";
import { layoutParameters } from "../../tensor/parameter.ts";
import { createParameters } from "../../tensor/parameter-store.ts";
import { openTrainingStep } from "../../train/step.ts";

/** One comparison of a machine with the float64 reference. */
export interface Check {
  readonly name: string;
  /** Largest difference, relative to the largest number of the reference (at least 0.001). */
  readonly difference: number;
  readonly allowed: number;
  readonly passed: boolean;
}

type Results = Readonly<Record<string, { readonly data: ArrayLike<number>; readonly allowed: number }>>;
type Experiment = (machine: SynchronousMachine) => Promise<Results>;

/** Float32 beside float64, as docs/architecture.md holds every kernel to. */
const OUTPUTS = 2e-6;
const GRADIENTS = 1e-5;
const AFTER_UPDATES = 1e-4;

/** Widths and batches that fill tiles and that do not. */
const layers: readonly { cell: CellSpec; batch: number; hiddenSize: number }[] = [
  { cell: { name: "lstm" }, batch: 5, hiddenSize: 19 },
  { cell: { name: "lstm" }, batch: 16, hiddenSize: 64 },
  { cell: { name: "lstm" }, batch: 1, hiddenSize: 48 },
  { cell: { name: "gru" }, batch: 6, hiddenSize: 33 },
  { cell: { name: "rnn" }, batch: 12, hiddenSize: 32 },
];

const experiments: Readonly<Record<string, Experiment>> = {
  ...Object.fromEntries(
    layers.map((o) => [
      `${o.cell.name} layer, H ${o.hiddenSize}, B ${o.batch}`,
      (m: SynchronousMachine) => layer(m, o),
    ]),
  ),
  "product 37 × 131 · 131 × 45": product,
  "language model, three updates": training,
};

/** Kernels of `machine` beside those of `reference`: layers forward and backward, a product, a whole training. */
export async function selfTest(machine: SynchronousMachine, reference: SynchronousMachine): Promise<Check[]> {
  const checks: Check[] = [];
  for (const [name, run] of Object.entries(experiments)) {
    const [ours, theirs] = [await run(machine), await run(reference)];
    for (const [part, { data, allowed }] of Object.entries(theirs)) {
      const difference = relativeDifference(ours[part]!.data, data);
      checks.push({ name: `${name}: ${part}`, difference, allowed, passed: difference <= allowed });
    }
  }
  return checks;
}

/** NaN on one side only is as different as can be. */
function relativeDifference(a: ArrayLike<number>, b: ArrayLike<number>): number {
  if (a.length !== b.length) return Number.POSITIVE_INFINITY;
  let [largest, scale] = [0, 1e-3];
  for (let k = 0; k < b.length; k++) {
    const d = Math.abs(a[k]! - b[k]!);
    if (Number.isNaN(d)) return Number.POSITIVE_INFINITY;
    largest = Math.max(largest, d);
    scale = Math.max(scale, Math.abs(b[k]!));
  }
  return largest / scale;
}

/** Numbers that float32 holds exactly, so that both machines begin with the same. */
const waves = (count: number, step: number): Float32Array =>
  Float32Array.from({ length: count }, (_, k) => Math.sin(step * (k + 1)));

async function layer(machine: SynchronousMachine, o: (typeof layers)[number]): Promise<Results> {
  const [steps, inputSize] = [4, 7];
  const rnn = recurrent({ cell: cellByName(o.cell), inputSize, hiddenSize: o.hiddenSize });
  const parameters = await createParameters({ machine, layout: layoutParameters(rnn), initialize: false });
  for (const [k, name] of parameters.names.entries()) {
    parameters.write(
      name,
      waves(size(parameters.shape(name)), 0.7 + k).map((x) => Math.fround(x / Math.sqrt(o.hiddenSize))),
    );
  }
  const graph = new Graph({ machine, parameters: parameters.layout, training: true });
  const input = graph.input("input", [steps, o.batch, inputSize], { differentiable: true });
  const { output } = rnn.forward(input);
  graph.output("output", output);
  graph.backward([[output, 0.125]]);
  const arenas = { parameters: parameters.arena("parameters"), gradients: parameters.arena("gradients") };
  const plan = await compile(graph, { machine, arenas });
  plan.write("input", waves(steps * o.batch * inputSize, 3));
  plan.run();
  const gradients = await Promise.all(parameters.names.map((name) => parameters.read(name, "gradients")));
  const results = {
    output: { data: await plan.read("output"), allowed: OUTPUTS },
    "gradient of the input": { data: await plan.readAdjoint(input), allowed: GRADIENTS },
    ...Object.fromEntries(
      gradients.map((data, k) => [`gradient of ${parameters.names[k]}`, { data, allowed: GRADIENTS }]),
    ),
  };
  plan.close();
  parameters.close();
  return results;
}

async function product(machine: SynchronousMachine): Promise<Results> {
  const [m, k, n] = [37, 131, 45];
  const graph = new Graph({ machine });
  graph.output("product", matmul(graph.input("a", [m, k]), graph.input("b", [k, n])));
  const plan = await compile(graph, { machine });
  plan.write("a", waves(m * k, 1));
  plan.write("b", waves(k * n, 2));
  plan.run();
  const data = await plan.read("product");
  plan.close();
  return { product: { data, allowed: OUTPUTS } };
}

async function training(machine: SynchronousMachine): Promise<Results> {
  const [V, T, B] = [21, 6, 5];
  const model = languageModel({ vocabularySize: V, embeddingSize: 8, hiddenSize: 16, numLayers: 2 });
  const parameters = await createParameters({ machine, layout: layoutParameters(model), seed: 1 });
  const step = await openTrainingStep({
    ...{ machine, parameters, optimizer: adam(), clipNorm: 1 },
    record(graph) {
      const [tokens, targets] = ["tokens", "targets"].map((name) => graph.input(name, [T, B], { type: "int" }));
      return languageModelLoss(model, tokens!, targets!);
    },
  });
  step.executable.write(
    "tokens",
    Int32Array.from({ length: T * B }, (_, k) => (k * 5) % V),
  );
  step.executable.write(
    "targets",
    Int32Array.from({ length: T * B }, (_, k) => (k * 5 + 7) % V),
  );
  const losses: number[] = [];
  for (let k = 1; k <= 3; k++) {
    step.run(k, 1e-3);
    losses.push((await step.read()).lossSum);
  }
  const results = {
    losses: { data: losses, allowed: GRADIENTS },
    embedding: { data: await parameters.read("embedding.weight"), allowed: AFTER_UPDATES },
  };
  step.close();
  parameters.close();
  return results;
}

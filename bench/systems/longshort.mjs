/** usage: node longshort.mjs FOLDER. Runs a case on the built library, through what it offers in public. */
import { readFileSync } from "node:fs";
import {
  adam,
  compile,
  createParameters,
  crossEntropy,
  Graph,
  gru,
  languageModel,
  layoutParameters,
  linear,
  lstm,
  matmul,
  meanSquaredError,
  openMachine,
  openTrainingStep,
  recurrent,
  reshape,
  rnn,
} from "../../dist/index.js";
import { readData } from "../data.mjs";
import { measure } from "../measure.mjs";

const { c, tensors } = readData(process.argv[2]);
const { version } = JSON.parse(readFileSync(new URL("../../package.json", import.meta.url), "utf8"));
const machine = await openMachine("wasm");
const cells = { lstm, gru, rnn };
const say = { version, more: { family: machine.limits.family, wide: machine.wide, threads: machine.limits.threads } };

async function parametersOf(model) {
  const parameters = await createParameters({ machine, layout: layoutParameters(model), seed: 0, initialize: false });
  for (const name of parameters.names) parameters.write(name, tensors[name].data);
  return parameters;
}

/** Losses of three updates must agree; then updates are timed. */
async function training(model, record, inputs) {
  const parameters = await parametersOf(model);
  const step = await openTrainingStep({ machine, parameters, optimizer: adam(), clipNorm: 5, record });
  for (const [name, data] of Object.entries(inputs)) step.executable.write(name, data);
  let done = 0;
  const run = () => step.run(++done, 1e-3);
  const check = async () => {
    const losses = [];
    for (let k = 0; k < 3; k++) {
      run();
      losses.push((await step.read()).lossSum);
    }
    return losses;
  };
  await measure(run, check, say);
}

if (c.kind === "train") {
  const model = languageModel({
    vocabularySize: c.V,
    embeddingSize: c.E,
    hiddenSize: c.H,
    numLayers: c.L,
    cell: c.cell,
  });
  const record = (graph) => {
    const tokens = graph.input("tokens", [c.T, c.B], { type: "int" });
    const targets = graph.input("targets", [c.T, c.B], { type: "int" });
    return { loss: crossEntropy(model.forward(tokens).logits, targets) };
  };
  await training(model, record, { tokens: tensors.tokens.data, targets: tensors.targets.data });
} else if (c.kind === "regress") {
  const layer = recurrent({ cell: cells[c.cell](), inputSize: c.D, hiddenSize: c.H });
  const head = linear({ inputSize: c.H, outputSize: c.D });
  const record = (graph) => {
    const [input, target] = ["input", "target"].map((name) => graph.input(name, [c.T, c.B, c.D]));
    return { loss: meanSquaredError(head.forward(layer.forward(input).output), target) };
  };
  await training({ parts: { rnn: layer, head } }, record, { input: tensors.input.data, target: tensors.target.data });
} else if (c.kind === "sequence" || c.kind === "stream") {
  const layer = recurrent({ cell: lstm(), inputSize: c.H, hiddenSize: c.H });
  const parameters = await parametersOf({ parts: { rnn: layer } });
  const [T, B] = c.kind === "stream" ? [1, 1] : [c.T, c.B];
  const graph = new Graph({ machine, parameters: parameters.layout });
  const input = graph.input("input", [T, B, c.H]);
  const states = c.kind === "stream" ? ["h", "c"] : [];
  const initial = Object.fromEntries(states.map((name) => [name, graph.state(name, [1, B, c.H])]));
  const { output, final } = layer.forward(input, { initial });
  graph.output("output", output);
  for (const name of states) graph.copy(final[name].range, initial[name].range);
  const plan = await compile(graph, { machine, arenas: { parameters: parameters.arena("parameters") } });
  const result = new Float32Array(T * B * c.H);
  const run = () => {
    plan.write("input", tensors.input.data);
    plan.run();
    plan.readInto("output", result);
  };
  const check = () => {
    run();
    return [...result.subarray(0, 3), result.reduce((a, b) => a + b, 0)];
  };
  await measure(run, check, { ...say, together: c.kind === "stream" ? 20 : 1 });
} else {
  const graph = new Graph({ machine });
  const [a, b] = [graph.input("a", [c.m, c.k]), graph.input("b", [c.k, c.n])];
  const product = matmul(a, b);
  graph.output("product", reshape(product, [c.m * c.n]));
  const plan = await compile(graph, { machine });
  for (const name of ["a", "b"]) plan.write(name, tensors[name].data);
  const check = async () => {
    plan.run();
    return [...(await plan.read("product")).subarray(0, 4)];
  };
  await measure(() => plan.run(), check, say);
}

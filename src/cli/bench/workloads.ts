import type { SynchronousMachine } from "../../compute/machine.ts";
import type { Graph, Tensor } from "../../tensor/graph.ts";
import type { HasParameters } from "../../tensor/parameter.ts";
import type { ParameterStore } from "../../tensor/parameter-store.ts";
import type { Case, Gemm, Sequence, SeriesStep, Stream, TextStep } from "./cases.ts";
import type { Library } from "./library.ts";
import type { Start } from "./numbers.ts";

/** A case made ready on one machine. */
export interface Workload {
  /** One repetition. */
  run(): void;
  /** Numbers that every system must agree on. Called once, before `run`. */
  check(): Promise<number[]>;
  /** Bytes of all arenas, where it is a training step. */
  readonly bytes?: number;
}

type Numbers = Readonly<Record<string, Start>>;

interface Setting<C extends Case> {
  readonly library: Library;
  readonly machine: SynchronousMachine;
  readonly numbers: Numbers;
  readonly c: C;
}

/** What a case has learned parameters of; nothing for a product of matrices. */
export function modelOf(library: Library, c: Case): HasParameters {
  switch (c.kind) {
    case "train":
      return textModel(library, c);
    case "stream":
      return streamModel(library, c);
    case "regress":
      return seriesModel(library, c);
    case "sequence":
      return { parts: { rnn: library.recurrent({ cell: library.lstm(), inputSize: c.H, hiddenSize: c.H }) } };
    case "gemm":
      return { parts: {} };
  }
}

/** Names and shapes of a case's parameters, named as PyTorch names them. */
export function shapesOf(library: Library, c: Case): Record<string, readonly number[]> {
  const { names } = library.layoutParameters(modelOf(library, c));
  return Object.fromEntries([...names].map(([name, { shape }]) => [name, shape]));
}

const textModel = (library: Library, c: TextStep) =>
  library.languageModel({
    vocabularySize: c.V,
    embeddingSize: c.E,
    hiddenSize: c.H,
    numLayers: c.L,
    cell: c.resetAfter === false ? library.gru({ resetAfter: false }) : c.cell,
  });

/** Sessions are of language models: here one of two tokens, whose embeddings are the inputs of the layer. */
const streamModel = (library: Library, { H }: Stream) =>
  library.languageModel({ vocabularySize: 2, embeddingSize: H, hiddenSize: H });

function seriesModel({ recurrent, lstm, linear }: Library, { D, H }: SeriesStep) {
  const rnn = recurrent({ cell: lstm(), inputSize: D, hiddenSize: H });
  return { parts: { rnn, head: linear({ inputSize: H, outputSize: D }) } };
}

/** Makes a case ready, with the numbers of `numbersOf`. */
export async function openWorkload(setting: Setting<Case>): Promise<Workload> {
  switch (setting.c.kind) {
    case "train":
      return openText(setting as Setting<TextStep>);
    case "regress":
      return openSeries(setting as Setting<SeriesStep>);
    case "sequence":
      return openSequence(setting as Setting<Sequence>);
    case "stream":
      return openStream(setting as Setting<Stream>);
    case "gemm":
      return openGemm(setting as Setting<Gemm>);
  }
}

async function parametersOf({ library, machine, numbers }: Setting<Case>, model: HasParameters) {
  const layout = library.layoutParameters(model);
  const parameters = await library.createParameters({ machine, layout, initialize: false });
  for (const name of parameters.names) parameters.write(name, numbers[name]!.data);
  return parameters;
}

/** The losses of three updates must agree. */
async function openTraining(
  setting: Setting<Case>,
  model: HasParameters,
  inputs: readonly string[],
  record: (graph: Graph) => { loss: Tensor },
): Promise<Workload> {
  const { library, machine, numbers } = setting;
  const parameters = await parametersOf(setting, model);
  const step = await library.openTrainingStep({ machine, parameters, optimizer: library.adam(), clipNorm: 5, record });
  for (const name of inputs) step.executable.write(name, numbers[name]!.data);
  let done = 0;
  const run = () => step.run(++done, 1e-3);
  return {
    run,
    bytes: step.bytes,
    async check() {
      const losses = [];
      for (let k = 0; k < 3; k++) {
        run();
        losses.push((await step.read()).lossSum);
      }
      return losses;
    },
  };
}

function openText(setting: Setting<TextStep>): Promise<Workload> {
  const { library, c } = setting;
  const model = textModel(library, c);
  return openTraining(setting, model, ["tokens", "targets"], (graph) => {
    const [tokens, targets] = ["tokens", "targets"].map((name) => graph.input(name, [c.T, c.B], { type: "int" }));
    return library.languageModelLoss(model, tokens!, targets!);
  });
}

function openSeries(setting: Setting<SeriesStep>): Promise<Workload> {
  const { library, c } = setting;
  const model = seriesModel(library, c);
  return openTraining(setting, model, ["input", "target"], (graph) => {
    const [input, target] = ["input", "target"].map((name) => graph.input(name, [c.T, c.B, c.D]));
    const { rnn, head } = model.parts;
    return { loss: library.meanSquaredError(head.forward(rnn.forward(input!).output), target!) };
  });
}

async function openSequence(setting: Setting<Sequence>): Promise<Workload> {
  const { library, machine, numbers, c } = setting;
  const rnn = library.recurrent({ cell: library.lstm(), inputSize: c.H, hiddenSize: c.H });
  const parameters = await parametersOf(setting, { parts: { rnn } });
  const graph = new library.Graph({ machine, parameters: parameters.layout });
  const input = graph.input("input", [c.T, c.B, c.H]);
  graph.output("output", rnn.forward(input).output);
  const plan = await library.compile(graph, { machine, arenas: parameters.arenas });
  const result = new Float32Array(c.T * c.B * c.H);
  const run = () => {
    plan.write("input", numbers.input!.data);
    plan.run();
    plan.readInto("output", result);
  };
  return {
    run,
    async check() {
      run();
      return [...result.subarray(0, 3), result.reduce((a, b) => a + b, 0)];
    },
  };
}

/** The state after three steps must agree. */
async function openStream(setting: Setting<Stream>): Promise<Workload> {
  const { library, machine, c } = setting;
  const model = streamModel(library, c);
  const parameters: ParameterStore = await parametersOf(setting, model);
  if (c.int8) await library.quantize({ model, parameters });
  const session = await library.openSession({ model, parameters, machine });
  const tokens = [new Int32Array([0]), new Int32Array([1])];
  const logits = new Float32Array(2);
  let done = 0;
  const run = () => session.step(tokens[done++ & 1]!, logits);
  return {
    run,
    async check() {
      for (let k = 0; k < 3; k++) run();
      const h = Array.from((await session.state()).h!);
      return [...h.slice(0, 3), h.reduce((a, b) => a + b, 0)];
    },
  };
}

async function openGemm({ library, machine, numbers, c }: Setting<Gemm>): Promise<Workload> {
  const graph = new library.Graph({ machine });
  const [a, b] = [graph.input("a", [c.m, c.k]), graph.input("b", [c.k, c.n])];
  graph.output("product", library.reshape(library.matmul(a, b), [c.m * c.n]));
  const plan = await library.compile(graph, { machine });
  for (const name of ["a", "b"]) plan.write(name, numbers[name]!.data);
  const run = () => plan.run();
  return {
    run,
    async check() {
      run();
      return [...(await plan.read("product")).subarray(0, 4)];
    },
  };
}

import fc from "fast-check";
import { makeLayer } from "../../src/formats/canonical/layers.ts";
import type {
  BidirectionalSpec,
  CanonicalModel,
  CanonicalNode,
  LayerSpec,
  RecurrentSpec,
} from "../../src/formats/canonical.ts";
import type { NamedActivation } from "../../src/math/activations.ts";
import { RandomStream } from "../../src/shared/random.ts";
import { size } from "../../src/shared/shapes.ts";
import { namedParameters } from "../../src/tensor/parameter.ts";
import type { NamedTensor } from "../../src/tensor/parameter-store.ts";

/** A random model that Keras can hold, with an input for it. */
export interface RandomNetwork {
  readonly model: CanonicalModel;
  readonly input: { readonly shape: readonly number[]; readonly data: Float32Array };
}

interface Wishes {
  /** Only what TensorFlow.js computes too. */
  readonly tfjs: boolean;
}

/** One layer of a sequence, and what it leaves of the axes. */
type Step =
  | {
      readonly kind: "recurrent";
      readonly cell: "rnn" | "lstm" | "gru";
      readonly units: number;
      readonly bias: boolean;
      readonly reverse: boolean;
      readonly after: boolean;
      readonly activation: string;
      readonly gate: string;
    }
  | {
      readonly kind: "bidirectional";
      readonly cell: "rnn" | "lstm" | "gru";
      readonly units: number;
      readonly merge: "concat" | "sum" | "mul" | "ave";
      readonly after: boolean;
    }
  | {
      readonly kind: "dense";
      readonly units: number;
      readonly activation: string;
      readonly bias: boolean;
      readonly each: boolean;
    }
  | {
      readonly kind: "convolution";
      readonly units: number;
      readonly size: number;
      readonly padding: "same" | "causal";
    }
  | { readonly kind: "pooling"; readonly of: "max" | "mean" }
  | { readonly kind: "layer-norm" }
  | { readonly kind: "batch-norm" }
  | { readonly kind: "dropout" }
  | { readonly kind: "residual"; readonly by: "add" | "multiply" | "average" | "concatenate" };

const units = fc.integer({ min: 1, max: 5 });
const cell = fc.constantFrom("rnn", "lstm", "gru");
const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({
      kind: fc.constant("recurrent"),
      cell,
      units,
      bias: fc.boolean(),
      reverse: fc.boolean(),
      after: fc.boolean(),
      activation: fc.constantFrom("tanh", "relu", "softsign"),
      gate: fc.constantFrom("sigmoid", "tanh"),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constant("bidirectional"),
      cell,
      units,
      merge: fc.constantFrom("concat", "sum", "mul", "ave"),
      after: fc.boolean(),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constant("dense"),
      units,
      activation: fc.constantFrom("identity", "relu", "softmax", "elu", "selu", "softplus", "gelu"),
      bias: fc.boolean(),
      each: fc.boolean(),
    }),
  },
  fc.record({
    kind: fc.constant("convolution"),
    units,
    size: fc.integer({ min: 1, max: 3 }),
    padding: fc.constantFrom("same", "causal"),
  }),
  fc.record({ kind: fc.constant("pooling"), of: fc.constantFrom("max", "mean") }),
  fc.record({ kind: fc.constantFrom("layer-norm", "batch-norm", "dropout") }),
  fc.record({ kind: fc.constant("residual"), by: fc.constantFrom("add", "multiply", "average", "concatenate") }),
) as fc.Arbitrary<Step>;

/** Models of a handful of layers: chains, chains with a way around a layer, tokens or vectors, with masks or without. */
export const randomNetwork = ({ tfjs }: Wishes): fc.Arbitrary<RandomNetwork> =>
  fc
    .record({
      begin: fc.constantFrom("vectors", "vectors", "tokens", "masked tokens", "masked vectors"),
      steps: fc.array(step, { minLength: 1, maxLength: 5 }),
      last: fc.boolean(),
      width: fc.integer({ min: 1, max: 4 }),
      time: fc.integer({ min: 4, max: 7 }),
      batch: fc.integer({ min: 1, max: 3 }),
      seed: fc.nat(),
    })
    .map((choice) => build(choice, tfjs));

function build(
  choice: {
    begin: string;
    steps: readonly Step[];
    last: boolean;
    width: number;
    time: number;
    batch: number;
    seed: number;
  },
  tfjs: boolean,
): RandomNetwork {
  const { begin, steps, last, time, batch, seed } = choice;
  const masked = begin.startsWith("masked");
  const tokens = begin.endsWith("tokens");
  const layers = new Map<string, LayerSpec>();
  const nodes: CanonicalNode[] = [];
  let [value, width] = ["input", choice.width];
  const add = (name: string, spec: LayerSpec, inputs: readonly string[] = [value]): void => {
    layers.set(name, spec);
    nodes.push({ name, layer: name, inputs, outputs: [name] });
    value = name;
  };
  if (tokens) add("embedding", { kind: "embedding", vocabularySize: 6, embeddingSize: width, maskZero: masked });
  else if (masked) add("masking", { kind: "masking", value: 0 });
  for (const [k, wish] of steps.entries()) {
    const made = layerFor(wish, width, { masked, tfjs });
    if (!made) continue;
    const before = value;
    if (wish.kind === "residual") {
      const wide = { inputSize: width, outputSize: width, bias: true, activation: { name: "tanh" } };
      add(`way_${k}`, { kind: "dense", ...wide });
      add(`joined_${k}`, made.spec, [before, value]);
    } else add(`${wish.kind.replace("-", "_")}_${k}`, made.spec);
    width = made.width;
  }
  const head = last ? recurrentSpec("lstm", width, 3, { tfjs, all: false }) : undefined;
  if (head) add("last", head);
  add("head", {
    kind: "dense",
    inputSize: head ? 3 : width,
    outputSize: 2,
    bias: true,
    activation: { name: "identity" },
  });
  const random = new RandomStream(seed, "input");
  const shape = tokens ? [batch, time] : [batch, time, choice.width];
  const data = Float32Array.from(random.uniform(size(shape)), (x) => (tokens ? Math.floor(x * 6) : 2 * x - 1));
  if (masked && !tokens) for (let t = 0; t < time; t += 3) data.fill(0, t * choice.width, (t + 1) * choice.width);
  return {
    model: {
      name: "random",
      inputs: [{ name: "input", shape: tokens ? [null] : [null, choice.width], type: tokens ? "int" : "float" }],
      ...{ layers, nodes, outputs: [{ name: value, value }], weights: weightsFor(layers, seed) },
    },
    input: { shape, data },
  };
}

function layerFor(
  wish: Step,
  width: number,
  { masked, tfjs }: { masked: boolean; tfjs: boolean },
): { spec: LayerSpec; width: number } | undefined {
  switch (wish.kind) {
    case "recurrent":
      return { spec: recurrentSpec(wish.cell, width, wish.units, { ...wish, tfjs, all: true }), width: wish.units };
    case "bidirectional": {
      // With masks Keras and TensorFlow.js differ here.
      if (masked) return undefined;
      const one = recurrentSpec(wish.cell, width, wish.units, { after: wish.after, tfjs, all: true });
      const zero: RecurrentSpec = tfjs ? one : { ...one, maskedOutput: "zero" };
      const spec: BidirectionalSpec = {
        kind: "bidirectional",
        forward: zero,
        backward: { ...zero, reverse: true },
        merge: wish.merge,
      };
      return { spec, width: wish.merge === "concat" ? 2 * wish.units : wish.units };
    }
    case "dense": {
      const activation: NamedActivation = { name: wish.activation };
      const dense: LayerSpec = { kind: "dense", inputSize: width, outputSize: wish.units, bias: wish.bias, activation };
      return { spec: wish.each ? { kind: "time-distributed", layer: dense } : dense, width: wish.units };
    }
    case "convolution":
      if (masked) return undefined;
      return {
        spec: {
          kind: "convolution",
          ...{ inputSize: width, outputSize: wish.units, kernelSize: wish.size, stride: 1, dilation: 1 },
          // Valid ones in a row would leave no step; TensorFlow.js has no causal ones.
          ...{ padding: wish.padding === "causal" && !tfjs ? "causal" : "same", bias: true },
          activation: { name: "relu" },
        },
        width: wish.units,
      };
    case "pooling":
      if (masked) return undefined;
      return { spec: { kind: "pooling", of: wish.of, window: { size: 2, stride: 1, padding: "same" } }, width };
    case "layer-norm":
      // Over one element everything becomes 0, and rounding everything.
      return width < 2 ? undefined : { spec: { kind: "layer-norm", size: width, axis: -1, epsilon: 0.1 }, width };
    case "batch-norm":
      return { spec: { kind: "batch-norm", size: width, axis: -1, epsilon: 1e-3 }, width };
    case "dropout":
      return { spec: { kind: "dropout", rate: 0.5, per: "step" }, width };
    case "residual":
      // TensorFlow.js fails where it adds up sequences with masks.
      if (tfjs && masked && wish.by !== "concatenate") return undefined;
      return wish.by === "concatenate"
        ? { spec: { kind: "concatenate", axis: -1 }, width: 2 * width }
        : { spec: { kind: "combine", by: wish.by }, width };
  }
}

function recurrentSpec(
  name: "rnn" | "lstm" | "gru",
  inputSize: number,
  hiddenSize: number,
  o: {
    bias?: boolean;
    reverse?: boolean;
    after?: boolean;
    activation?: string;
    gate?: string;
    tfjs: boolean;
    all: boolean;
  },
): RecurrentSpec {
  const activation = { name: o.activation ?? "tanh" };
  const gate = { name: o.gate ?? "sigmoid" };
  const resetAfter = !o.tfjs && (o.after ?? false);
  const options = {
    rnn: { activation },
    lstm: { gate, candidate: activation, output: activation },
    gru: { gate, candidate: activation, resetAfter },
  }[name];
  const biases = o.bias === false ? 0 : name === "gru" && resetAfter ? 2 : 1;
  return {
    kind: "recurrent",
    cell: { name, options },
    ...{ inputSize, hiddenSize, biases, reverse: o.reverse ?? false, outputOrder: "computed" },
    ...{ returnSequences: o.all, returnState: false, stateful: false },
    ...{ maskedOutput: o.tfjs ? "previous-or-initial" : "previous", dropout: 0 },
  };
}

/** Weights for layers, none of them zero. */
export function weightsFor(layers: ReadonlyMap<string, LayerSpec>, seed: number): Map<string, NamedTensor> {
  const weights = new Map<string, NamedTensor>();
  for (const [name, spec] of layers) {
    const layer = makeLayer(spec, () => ({ shape: [], data: [] }));
    const shapes = [...namedParameters(layer)].map(([key, { shape }]): [string, readonly number[]] => [key, shape]);
    for (const [key, shape] of [...shapes, ...Object.entries(layer.buffers ?? {})]) {
      const random = new RandomStream(seed, `${name}.${key}`);
      // Variances are above 0; gains stay near 1.
      const data = Float32Array.from(random.uniform(size(shape)), (x) =>
        key === "running_var" ? 0.5 + x : 1.4 * x - 0.7,
      );
      weights.set(`${name}.${key}`, { shape, data });
    }
  }
  return weights;
}

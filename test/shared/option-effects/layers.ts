import { gru } from "../../../src/cells/gru.ts";
import { lstm } from "../../../src/cells/lstm.ts";
import { attentionPool } from "../../../src/layers/attention-pool.ts";
import {
  type ConditionalRandomFieldOptions,
  conditionalRandomField,
} from "../../../src/layers/conditional-random-field.ts";
import { type Convolution1dOptions, convolution1d } from "../../../src/layers/convolution.ts";
import { type DropoutOptions, dropout } from "../../../src/layers/dropout.ts";
import { type EmbeddingOptions, embedding } from "../../../src/layers/embedding.ts";
import type { HeldValues } from "../../../src/layers/held-values.ts";
import type { MaskInput } from "../../../src/layers/layer.ts";
import { type LayerNormOptions, layerNorm } from "../../../src/layers/layer-norm.ts";
import { type LinearOptions, linear } from "../../../src/layers/linear.ts";
import { type PoolInput, type PoolKind, poolOverTime } from "../../../src/layers/pool-over-time.ts";
import { type RecurrentInput, type RecurrentOptions, recurrent } from "../../../src/layers/recurrent.ts";
import { logSoftmax, type SoftmaxOptions, softmax } from "../../../src/layers/softmax.ts";
import { dropConnect, dropWords } from "../../../src/layers/weight-dropout.ts";
import type { Graph, Tensor } from "../../../src/tensor/graph.ts";
import type { HasParameters } from "../../../src/tensor/parameter.ts";
import { type EffectTable, type OptionEffects, shows } from "./effects.ts";
import { compute, given, numbers, whole } from "./on-reference.ts";

/** A layer in training on numbers of a shape. */
const over = (layer: HasParameters & { forward(x: Tensor): Tensor }, shape: readonly number[]) =>
  compute((graph) => layer.forward(given(graph, shape)), { of: layer, training: true });

/** Numbers that become a tensor where a graph is. */
export type Numbers = { readonly shape: readonly number[]; readonly data: readonly number[] };
const constant = (graph: Graph, { shape, data }: Numbers): Tensor => graph.constant(shape, data);
const field = conditionalRandomField({ tags: 2 });
/** What a mask [3, 2] changes in what the field of two tags says. */
const masked = (build: (graph: Graph, input: MaskInput) => Tensor): OptionEffects =>
  shows(
    (input: { mask?: Numbers }) =>
      compute((graph) => build(graph, input.mask ? { mask: constant(graph, input.mask) } : {}), { of: field }),
    {},
    { mask: [{ shape: [3, 2], data: [1, 1, 1, 1, 1, 0] }] },
  );

const mask: Numbers = { shape: [3, 2], data: [1, 1, 1, 0, 1, 0] };
const empty: Numbers = { shape: [3, 2], data: [1, 0, 1, 0, 1, 0] };
const start: Numbers = { shape: [1, 2, 3], data: numbers(6) };

type InNumbers = Omit<RecurrentInput, "mask" | "initial" | "hold"> & {
  readonly mask?: Numbers;
  readonly initial?: Readonly<Record<string, Numbers>>;
  readonly hold?: number;
};

/** Named values of a hold stand at a number. */
export const standing =
  (graph: Graph, value: number): HeldValues["hold"] =>
  (name, width) => ({
    keep: graph.constant([width], new Array(width).fill(name.startsWith("f") ? 0 : 1)),
    held: graph.constant([width], new Array(width).fill(name.startsWith("f") ? value : 0)),
  });

function runWith({ mask: seen, initial, hold, ...rest }: InNumbers) {
  const layer = recurrent({ cell: lstm(), inputSize: 2, hiddenSize: 3 });
  return compute(
    (graph) => {
      const { output, final, traces } = layer.forward(given(graph, [3, 2, 2]), {
        ...rest,
        ...(seen && { mask: constant(graph, seen) }),
        ...(initial && {
          initial: Object.fromEntries(Object.entries(initial).map(([name, value]) => [name, constant(graph, value)])),
        }),
        ...(hold !== undefined && { hold: standing(graph, hold) }),
      });
      return { output, ...final, ...traces };
    },
    { of: layer },
  );
}

const runAs = (options: RecurrentOptions) => {
  const layer = recurrent(options);
  return compute(
    (graph) => {
      const { output, final } = layer.forward(given(graph, [3, 2, 2]));
      return { output, ...final };
    },
    { of: layer, training: true },
  );
};

const pooled = (kind: PoolKind, input?: { mask?: Numbers; lengths?: Numbers }) =>
  compute((graph) =>
    poolOverTime({ kind }).forward(
      given(graph, [3, 2, 2]),
      Object.fromEntries(
        Object.entries(input ?? {}).map(([name, value]) => [name, value && constant(graph, value)]),
      ) as PoolInput,
    ),
  );

export const layers: EffectTable = {
  recurrent: shows(
    runAs,
    { cell: lstm(), inputSize: 2, hiddenSize: 3 },
    {
      ...{ cell: [gru()], hiddenSize: [4], numLayers: [2], bidirectional: [true], reverse: [true] },
      inputSize: async () => [
        (await recurrent({ cell: gru(), inputSize: 2, hiddenSize: 3 })).parts,
        recurrent({ cell: gru(), inputSize: 3, hiddenSize: 3 }).parts,
      ],
      projectionSize: [2, { cell: lstm({ projection: true }), projectionSize: 1 }],
      dropout: [0.5, { numLayers: 2 }],
      dropoutPer: ["sequence", { numLayers: 2, dropout: 0.5 }],
      weightDropout: [0.5],
      batchFirst: [true],
      initialize: ["keras"],
      memorySteps: [20],
    },
  ),
  "new Recurrent": { sameAs: "recurrent", because: "recurrent(…) is new Recurrent(…)" },
  "Recurrent.forward": shows(
    runWith,
    {},
    {
      initial: [{ h: start }],
      mask: [mask],
      maskedOutput: ["previous", { mask }],
      emptyState: ["zero", { mask: empty, initial: { h: start } }],
      trace: [["f"]],
      hold: [0.25],
    },
  ),
  softmax: shows(
    (options: SoftmaxOptions) => compute((graph) => softmax(given(graph, [2, 3]), options)),
    {},
    { axis: [0] },
  ),
  logSoftmax: shows(
    (options: SoftmaxOptions) => compute((graph) => logSoftmax(given(graph, [2, 3]), options)),
    {},
    { axis: [0] },
  ),
  attentionPool: shows(
    (options: { inputSize: number }) => over(attentionPool(options), [3, 2, 2]),
    { inputSize: 2 },
    {},
  ),
  "AttentionPool.forward": shows(
    (input: { mask?: Numbers }) => {
      const pool = attentionPool({ inputSize: 2 });
      return compute(
        (graph) => pool.forward(given(graph, [3, 2, 2]), input.mask && { mask: constant(graph, input.mask) }),
        { of: pool },
      );
    },
    {},
    { mask: [mask] },
  ),
  poolOverTime: shows(({ kind }: { kind: PoolKind }) => pooled(kind), { kind: "mean" }, { kind: ["last"] }),
  "PoolOverTime.forward": shows(
    (input: { mask?: Numbers; lengths?: Numbers }) => pooled("mean", input),
    {},
    {
      mask: [mask],
      lengths: [{ shape: [2], data: [3, 2] }],
    },
  ),
  conditionalRandomField: shows(
    (options: ConditionalRandomFieldOptions) => {
      const field = conditionalRandomField(options);
      return compute(
        (graph) =>
          field.negativeLogLikelihood(given(graph, [3, 2, 2]), whole(graph, [3, 2], [0, 1, 1, 0, 1, 1]), {
            mask: graph.constant([3, 2], [1, 1, 1, 1, 1, 0]),
          }),
        { of: field, training: true },
      );
    },
    { tags: 2 },
    { constraints: [{ start: () => true, follow: (before, tag) => before === 0 || tag === 1, end: () => true }] },
  ),
  "ConditionalRandomField.negativeLogLikelihood": masked((graph, input) =>
    field.negativeLogLikelihood(given(graph, [3, 2, 2]), whole(graph, [3, 2], [0, 1, 1, 0, 1, 1]), input),
  ),
  "ConditionalRandomField.lattice": masked((graph, input) =>
    field.lattice(given(graph, [3, 2, 2]), input).lattice.marginals(),
  ),
  "new ConditionalRandomField": { sameAs: "conditionalRandomField", because: "the function is the constructor" },
  convolution1d: shows(
    (options: Convolution1dOptions) => over(convolution1d(options), [5, 2, 2]),
    { inputSize: 2, outputSize: 3, kernelSize: 2 },
    { outputSize: [2], kernelSize: [3], stride: [2], padding: [1], dilation: [2], bias: [false] },
  ),
  dropout: shows(
    (options: DropoutOptions) => over(dropout(options), [3, 2, 2]),
    { rate: 0.5 },
    { rate: [0.1], per: ["sequence"] },
  ),
  dropConnect: shows(
    (options: { rate: number }) => compute((graph) => dropConnect(given(graph, [3, 2]), options), { training: true }),
    { rate: 0.5 },
    { rate: [0.1] },
  ),
  dropWords: shows(
    (options: { rate: number; vocabularySize: number }) =>
      compute((graph) => dropWords(given(graph, [3, 2, 2]), whole(graph, [3, 2], [0, 1, 2, 3, 4, 5]), options), {
        training: true,
      }),
    { rate: 0.5, vocabularySize: 6 },
    { rate: [0.1] },
  ),
  embedding: shows(
    (options: EmbeddingOptions) => {
      const layer = embedding(options);
      return compute((graph) => layer.forward(whole(graph, [3], [0, 1, 2])), { of: layer, training: true });
    },
    { vocabularySize: 3, embeddingSize: 2 },
    {
      vocabularySize: [4],
      embeddingSize: [3],
      paddingIndex: [1],
      initialize: [(shape) => numbers(shape[0]! * shape[1]!)],
    },
  ),
  layerNorm: shows((options: LayerNormOptions) => over(layerNorm(options), [3, 2, 2]), { size: 2 }, { epsilon: [0.5] }),
  linear: shows(
    (options: LinearOptions) => over(linear(options), [3, 2, 2]),
    { inputSize: 2, outputSize: 3 },
    {
      ...{ outputSize: [2], bias: [false], initialize: ["orthogonal"] },
      weight: [{ shape: [3, 2], initialize: () => numbers(6) }],
    },
  ),
};

import { defineCell } from "../../../src/cells/define.ts";
import { lstm } from "../../../src/cells/lstm.ts";
import type { CellSpec } from "../../../src/cells/registry.ts";
import { tanh } from "../../../src/math/expression.ts";
import {
  type LanguageModelOptions,
  languageModel,
  languageModelFromConfig,
} from "../../../src/models/language-model.ts";
import { type LanguageModelLossInput, languageModelLoss } from "../../../src/models/language-model-loss.ts";
import type { FromConfigOptions } from "../../../src/models/model-config.ts";
import {
  type SequenceClassifierOptions,
  sequenceClassifier,
  sequenceClassifierFromConfig,
} from "../../../src/models/sequence-classifier.ts";
import {
  type SequenceForecasterOptions,
  sequenceForecaster,
  sequenceForecasterFromConfig,
} from "../../../src/models/sequence-forecaster.ts";
import {
  type SequenceTaggerOptions,
  sequenceTagger,
  sequenceTaggerFromConfig,
} from "../../../src/models/sequence-tagger.ts";
import type { Graph, Tensor } from "../../../src/tensor/graph.ts";
import { type EffectTable, type OptionEffects, outcomeOf, shows } from "./effects.ts";
import { type Numbers, standing } from "./layers.ts";
import { compute, given, numbers, whole } from "./on-reference.ts";

const projecting = lstm({ projection: true });
const tokens = [0, 1, 2, 3, 4, 3];

/** The cell of a model as a config says it. */
const ofCell = (observe: (cell: CellSpec) => unknown): OptionEffects =>
  shows(observe, { name: "lstm" }, { name: ["gru"], options: [{ coupled: true }] });

const ownCell = defineCell({ name: "own", gates: { a: tanh }, state: ["h"], step: ({ a }) => ({ h: a }) });
/** A model with a cell of one's own, made again from its config: without the cell it cannot be. */
const again = (
  make: (config: unknown, options: FromConfigOptions) => { readonly config: object },
  { config }: { readonly config: object },
): OptionEffects =>
  shows(
    (options: FromConfigOptions) => outcomeOf(() => make(config, options).config),
    {},
    { cells: [{ own: ownCell }] },
  );

const write = (options: LanguageModelOptions) => {
  const model = languageModel(options);
  return compute(
    (graph) => {
      const { logits, final, penalty } = model.forward(whole(graph, [3, 2], tokens));
      return { logits, ...final, ...(penalty && { penalty }) };
    },
    { of: model, training: true },
  );
};

type Input = Omit<LanguageModelLossInput, "mask" | "initial" | "hold" | "weight"> & {
  readonly mask?: Numbers;
  readonly weight?: Numbers;
  readonly initial?: Readonly<Record<string, Numbers>>;
  readonly hold?: number;
};
const constant = (graph: Graph, { shape, data }: Numbers): Tensor => graph.constant(shape, data);

function inGraph(graph: Graph, { mask, initial, hold, weight, ...rest }: Input): LanguageModelLossInput {
  return {
    ...rest,
    ...(mask && { mask: constant(graph, mask) }),
    ...(weight && { weight: constant(graph, weight) }),
    ...(hold !== undefined && { hold: standing(graph, hold) }),
    ...(initial && {
      initial: Object.fromEntries(Object.entries(initial).map(([name, value]) => [name, constant(graph, value)])),
    }),
  };
}
const small = languageModel({ vocabularySize: 5, embeddingSize: 2, hiddenSize: 3 });
const given5 = {
  initial: [{ h: { shape: [1, 2, 3], data: numbers(6) } }],
  mask: [{ shape: [3, 2], data: [1, 1, 1, 0, 1, 0] }],
  trace: [["f"]],
  hold: [0.25],
} as const;

const classify = ({ mask, ...options }: SequenceClassifierOptions & { mask?: Numbers }) => {
  const model = sequenceClassifier(options);
  return Promise.all([
    model.config,
    compute(
      (graph) =>
        model.forward(
          options.channels === undefined ? whole(graph, [3, 2], tokens) : given(graph, [3, 2, options.channels]),
          mask ? { mask: constant(graph, mask) } : {},
        ),
      { of: model, training: true },
    ),
  ]);
};

const masking = shows(
  (input: { readonly mask?: Numbers }) =>
    classify({ vocabularySize: 5, embeddingSize: 2, hiddenSize: 3, classes: ["a", "b"], ...input }),
  {},
  { mask: [{ shape: [3, 2], data: [1, 1, 1, 1, 1, 0] }] },
);

const tagging = { vocabularySize: 5, tags: ["O", "B-A", "I-A"], embeddingSize: 2, hiddenSize: 3, dropout: 0 };
interface Tagged {
  readonly intents?: boolean;
  readonly mask?: Numbers;
  readonly lengths?: Numbers;
  readonly characters?: readonly number[];
}
const everything: Numbers = { shape: [3, 2], data: [1, 1, 1, 1, 1, 1] };
const letters = { characters: [1, 2, 1, 2, 1, 2, 1, 1, 2, 2, 1, 1], lengths: { shape: [6], data: [2, 2, 2, 2, 2, 2] } };

const tag = (
  options: SequenceTaggerOptions,
  { mask = everything, intents = true, lengths = letters.lengths, characters = letters.characters }: Tagged = {},
) => {
  const model = sequenceTagger(options);
  const length = options.wordLength ?? 16;
  const record = (graph: Graph) => {
    const input = {
      words: whole(graph, [3, 2], tokens),
      mask: constant(graph, mask),
      ...(options.characters && {
        characters: whole(
          graph,
          [length, 6],
          Array.from({ length: 6 * length }, (_, k) => characters[k] ?? 1),
        ),
        lengths: constant(graph, lengths),
      }),
    };
    const targets = {
      tags: whole(graph, [3, 2], [0, 0, 1, 0, 2, 0]),
      ...(options.intents && intents && { intents: whole(graph, [2], [0, 1]) }),
    };
    const { emissions } = model.forward(input);
    return { loss: model.loss(input, targets), emissions };
  };
  return Promise.all([model.config, compute(record, { of: model, training: true })]);
};
const spelled = { characters: ["a", "b"], characterEmbeddingSize: 2, characterHiddenSize: 2, wordLength: 2 };
const spelling = { ...tagging, ...spelled, intents: ["x", "y"] };

const forecast = ({
  base,
  scale,
  initial,
  future = numbers(4),
  kinds = [1, 2],
  x,
  mask,
  ...options
}: SequenceForecasterOptions & {
  readonly x?: readonly number[];
  readonly base?: Numbers;
  readonly scale?: Numbers;
  readonly initial?: Numbers;
  readonly future?: readonly number[];
  /** Of the one category of both examples. */
  readonly kinds?: readonly number[];
  readonly mask?: Numbers;
}) => {
  const network = sequenceForecaster(options);
  const { channels, known = 0, horizon, targets } = options;
  return compute(
    (graph) => {
      const inputs = {
        x: given(graph, [3, 2, channels], x ?? numbers(6 * channels)),
        ...(known > 0 && { future: given(graph, [horizon, 2, known], future) }),
        ...(base && { base: constant(graph, base) }),
        scale: constant(graph, scale ?? { shape: [1, 2, targets], data: [1, 1] }),
        ...(initial && { initial: { h: constant(graph, initial) } }),
        ...(options.categories && { categories: [whole(graph, [2], kinds)] }),
      };
      const y = graph.constant([horizon, 2, targets], numbers(2 * horizon * targets, 5).map(Math.abs));
      const loss = network.loss(inputs, y, mask ? { mask: constant(graph, mask) } : {});
      return { loss, ...network.forward(inputs).prediction };
    },
    { of: network, training: true },
  );
};
const simple = { channels: 2, targets: 1, horizon: 2, hiddenSize: 3, cell: "gru" } as const;
const kinds = { ...simple, categories: [3] };
const inputsOfForecast = shows(
  forecast,
  { ...simple, known: 1, future: numbers(4) },
  {
    x: [numbers(12, 3)],
    future: [numbers(4, 3)],
    base: [{ shape: [1, 2, 1], data: [1, 2] }],
    scale: [{ shape: [1, 2, 1], data: [2, 3] }, { head: "negative-binomial" }],
    initial: [{ shape: [1, 2, 3], data: numbers(6) }],
    categories: () => Promise.all([forecast({ ...kinds, kinds: [1, 2] }), forecast({ ...kinds, kinds: [2, 2] })]),
  },
);

const made = (what: string) => ({ sameAs: what, because: "the function is the constructor" });

export const models: EffectTable = {
  languageModel: shows(
    write,
    { vocabularySize: 5, embeddingSize: 2, hiddenSize: 3 },
    {
      ...{
        vocabularySize: [6],
        embeddingSize: [3],
        cell: ["gru"],
        hiddenSize: [4],
        numLayers: [2],
        initialize: ["keras"],
      },
      projectionSize: [2, { cell: projecting, projectionSize: 1 }],
      tied: [true, { embeddingSize: 3 }],
      ...{ dropout: [0.5], inputDropout: [0.5], outputDropout: [0.5], embeddingDropout: [0.5], weightDropout: [0.5] },
      layerDropout: [0.5, { numLayers: 2 }],
      dropoutPer: ["sequence", { dropout: 0.5 }],
      ...{ activationPenalty: [2], changePenalty: [2] },
    },
  ),
  "languageModel cell": ofCell((cell) => write({ vocabularySize: 5, embeddingSize: 2, hiddenSize: 3, cell })),
  "new LanguageModel": made("languageModel"),
  "new LanguageModel cell": made("languageModel cell"),
  "LanguageModel.forward": shows(
    (input: Input) =>
      compute(
        (graph) => {
          const { logits, final, traces } = small.forward(whole(graph, [3, 2], tokens), inGraph(graph, input));
          return { logits, ...final, ...traces };
        },
        { of: small },
      ),
    {},
    given5,
  ),
  "LanguageModel.hidden": shows(
    (input: Input) =>
      compute(
        (graph) => {
          const { output, final, traces } = small.hidden(whole(graph, [3, 2], tokens), inGraph(graph, input));
          return { output, ...final, ...traces };
        },
        { of: small },
      ),
    {},
    given5,
  ),
  languageModelLoss: shows(
    (input: Input) =>
      compute(
        (graph) => {
          const read = inGraph(graph, input);
          const { loss, final, traces } = languageModelLoss(
            small,
            whole(graph, [3, 2], tokens),
            whole(graph, [3, 2], [1, 2, 3, 4, 0, 1]),
            read,
          );
          return { loss, ...final, ...traces };
        },
        { of: small, training: true },
      ),
    {},
    {
      ...given5,
      ...{
        reduction: ["sum"],
        labelSmoothing: [0.1],
        ignoreIndex: [2],
        weight: [{ shape: [5], data: [1, 2, 3, 4, 5] }],
      },
    },
  ),
  sequenceClassifier: shows(
    classify,
    { vocabularySize: 5, embeddingSize: 2, hiddenSize: 3, classes: ["a", "b"] },
    {
      vocabularySize: [6],
      ...{ embeddingSize: [3], classes: [["a", "b", "c"]], cell: ["gru"], hiddenSize: [4], numLayers: [2] },
      channels: () => Promise.all([classify({ channels: 1 }), classify({ channels: 2 })]),
      projectionSize: [2, { cell: projecting, projectionSize: 1 }],
      ...{ bidirectional: [true], pooling: ["mean"], dropout: [0.5], initialize: ["keras"], memorySteps: [20] },
      // What divides and adds is known to those who write the inputs and read the outputs: src/run/classifier.
      inputScaling: () =>
        Promise.all([
          classify({ channels: 1 }),
          classify({ channels: 1, inputScaling: { mean: [1], deviation: [2] } }),
        ]),
      targetScaling: [{ mean: [1], deviation: [2] }],
      calibration: [{ temperature: 2 }],
    },
  ),
  "sequenceClassifier cell": ofCell((cell) => classify({ vocabularySize: 5, embeddingSize: 2, hiddenSize: 3, cell })),
  "SequenceClassifier.forward": masking,
  "SequenceClassifier.answer": { sameAs: "SequenceClassifier.forward", because: "forward hands its input on" },
  "SequenceModel.forward": { sameAs: "SequenceClassifier.forward", because: "a classifier is one" },
  "new SequenceClassifier": made("sequenceClassifier"),
  "new SequenceClassifier cell": made("sequenceClassifier cell"),
  sequenceTagger: shows((options: SequenceTaggerOptions) => tag(options), tagging, {
    ...{ vocabularySize: [6], embeddingSize: [3], tags: [["O", "B-A", "I-B"]] },
    ...{ intents: [["x", "y"]], head: ["softmax"], cell: ["gru"], hiddenSize: [4], numLayers: [2] },
    ...{
      bidirectional: [false],
      initialize: ["keras"],
      dropout: [0.5],
      inputDropout: [0.5],
      outputDropout: [0.5],
      scheme: ["iob2"],
    },
    characters: [["a", "b"], { ...spelled, characters: undefined }],
    characterEmbeddingSize: [3, spelled],
    characterHiddenSize: [3, spelled],
    // How many are cut off: src/run/sentence-reader.
    wordLength: [3, spelled],
    writtenScheme: ["bioes", { scheme: "iob2" }],
    projectionSize: [2, { cell: projecting, projectionSize: 1 }],
  }),
  "sequenceTagger cell": ofCell((cell) => tag({ ...tagging, cell })),
  "new SequenceTagger": made("sequenceTagger"),
  "new SequenceTagger cell": made("sequenceTagger cell"),
  "SequenceTagger.forward": shows(
    (input: Tagged) => tag(spelling, input),
    {},
    {
      mask: [{ shape: [3, 2], data: [1, 1, 1, 1, 1, 0] }],
      characters: [[1, 2, 1, 1, 1, 2, 1, 1, 2, 2, 1, 1]],
      lengths: [{ shape: [6], data: [2, 1, 2, 2, 2, 2] }],
    },
  ),
  "SequenceTagger.answer": { sameAs: "SequenceTagger.forward", because: "forward hands its mask on" },
  "SequenceTagger.embed": { sameAs: "SequenceTagger.forward", because: "forward reads what it makes" },
  "SequenceTagger.loss": shows(
    (input: Tagged) => tag(spelling, input),
    {},
    {
      mask: [{ shape: [3, 2], data: [1, 1, 1, 1, 1, 0] }],
      characters: [[1, 2, 1, 1, 1, 2, 1, 1, 2, 2, 1, 1]],
      lengths: [{ shape: [6], data: [2, 1, 2, 2, 2, 2] }],
      intents: [false],
    },
  ),
  sequenceForecaster: shows(forecast, simple, {
    ...{ channels: [1], horizon: [3], known: [1], categories: [[3]], autoregressive: [true, { channels: 1 }] },
    targets: [2, { scale: { shape: [1, 2, 2], data: [1, 1, 1, 1] } }],
    ...{ head: ["gaussian"], cell: ["lstm"], hiddenSize: [4], numLayers: [2], initialize: ["keras"], dropout: [0.5] },
    linearSteps: [3],
    projectionSize: [2, { cell: projecting, projectionSize: 1 }],
    pointLoss: ["absolute", { head: "point" }],
    levels: [[0.25, 0.75]],
  }),
  "sequenceForecaster cell": ofCell((cell) => forecast({ ...simple, cell })),
  "new SequenceForecaster": made("sequenceForecaster"),
  "new SequenceForecaster cell": made("sequenceForecaster cell"),
  "SequenceForecaster.forward": inputsOfForecast,
  "SequenceForecaster.answer": { sameAs: "SequenceForecaster.forward", because: "forward hands its inputs on" },
  "SequenceForecaster.loss": {
    ...inputsOfForecast,
    options: { ...inputsOfForecast.options, mask: [{ shape: [2, 2, 1], data: [1, 1, 0, 1] }] },
  },
  languageModelFromConfig: again(languageModelFromConfig, languageModel({ vocabularySize: 5, cell: ownCell })),
  sequenceClassifierFromConfig: again(
    sequenceClassifierFromConfig,
    sequenceClassifier({ vocabularySize: 5, classes: ["a", "b"], cell: ownCell }),
  ),
  sequenceTaggerFromConfig: again(sequenceTaggerFromConfig, sequenceTagger({ ...tagging, cell: ownCell })),
  sequenceForecasterFromConfig: again(sequenceForecasterFromConfig, sequenceForecaster({ ...simple, cell: ownCell })),
};

import { cellsInWords } from "../cells/cells-in-words.ts";
import type { Cell } from "../cells/define.ts";
import type { RunConfig } from "../checkpoint/run-folder.ts";
import { type ModelMakers, readModelOfKind } from "../checkpoint/run-kinds.ts";
import { forecastLayoutFromConfig } from "../data/forecast-layout.ts";
import { languageModelFromConfig } from "../models/language-model.ts";
import type { FromConfigOptions } from "../models/model-config.ts";
import { sequenceClassifierFromConfig } from "../models/sequence-classifier.ts";
import { sequenceForecasterFromConfig } from "../models/sequence-forecaster.ts";
import { sequenceTaggerFromConfig } from "../models/sequence-tagger.ts";
import { FailureError, within } from "../shared/errors.ts";
import { formatShape, sameShape } from "../shared/shapes.ts";
import type { Abortable } from "../shared/signal.ts";
import { type HasParameters, layoutParameters } from "../tensor/parameter.ts";
import { networkOfClassifier } from "./classifier-network.ts";
import { networkOfForecaster } from "./forecaster-network.ts";
import type { ModelFile } from "./model-file.ts";
import type { DescribedModel, Weights } from "./network-builder.ts";
import { networkOfTagger } from "./tagger-network.ts";

/** What a run holds. */
export type RunContent = Pick<ModelFile, "content" | "conventions">;

/** The model of a run, and what it is as the content of a file, once it has weights. */
interface MadeModel {
  readonly model: HasParameters;
  content(weights: Weights): RunContent;
}

const described = ({ network, conventions }: DescribedModel): RunContent => ({
  ...{ conventions, content: { kind: "network", network } },
});

const made = <M extends HasParameters>(model: M, content: (model: M, weights: Weights) => RunContent): MadeModel => ({
  ...{ model, content: (weights) => content(model, weights) },
});

/** By the kinds of models that are read; of the others a format has no form. */
const makers: Readonly<Record<string, (said: unknown, options: FromConfigOptions, run: RunConfig) => MadeModel>> = {
  "language-model": (said, options) =>
    made(languageModelFromConfig(said, options), (model, weights) => ({
      ...{ conventions: [], content: { kind: "text", text: { model, weights } } },
    })),
  "sequence-classifier": (said, options) =>
    made(sequenceClassifierFromConfig(said, options), (model, weights) =>
      described(networkOfClassifier(model, weights)),
    ),
  tagger: (said, options) =>
    made(sequenceTaggerFromConfig(said, options), (model, weights) => described(networkOfTagger(model, weights))),
  forecaster: (said, options, { data }) => {
    const forecaster = sequenceForecasterFromConfig(said, options);
    const layout = forecastLayoutFromConfig(data, forecaster.config);
    return made(forecaster, (model, weights) => described(networkOfForecaster(model, weights, layout)));
  },
};

/**
 * Reads the folder of a run: a language model as it is, a classifier, a tagger or a forecaster as a network of layers.
 * @param options.cells by name, for a model that was made with cells of code
 * @throws UsageError "not-a-run", "other-task", "unknown-cell", "not-convertible"; FailureError "bad-run" and what `loadRun` throws; the
 *   reason of `signal`
 */
export async function readRunModel(
  folder: string,
  { cells, signal }: { readonly cells?: Readonly<Record<string, Cell>> | undefined } & Abortable = {},
): Promise<RunContent> {
  const asked: ModelMakers<MadeModel> = Object.fromEntries(
    Object.entries(makers).map(([kind, make]) => [
      kind,
      (said: object, run: RunConfig) => make(said, { cells: cellsInWords(said, cells) }, run),
    ]),
  );
  const { model, weights } = await readModelOfKind(folder, asked, signal);
  for (const [name, { shape }] of layoutParameters(model.model).names) {
    const given = weights.get(name);
    if (!given || !sameShape(given.shape, shape))
      throw new FailureError(
        "bad-run",
        `${folder}/model.safetensors: parameter "${name}" is ${given ? `of shape ${formatShape(given.shape)}, not ${formatShape(shape)}` : "missing"}`,
      );
  }
  return within(folder, () => model.content(weights));
}

import { cellsInWords } from "../cells/cells-in-words.ts";
import { readRunConfig } from "../checkpoint/read-run.ts";
import { readConfig, readTokenizer } from "../checkpoint/run-folder.ts";
import { ofKind } from "../checkpoint/run-kinds.ts";
import type { Machine } from "../compute/machine.ts";
import type { CellConfig } from "../models/cell-choice.ts";
import { type SequenceClassifier, sequenceClassifierFromConfig } from "../models/sequence-classifier.ts";
import { type SequenceTagger, sequenceTaggerFromConfig } from "../models/sequence-tagger.ts";
import { loadClassifier } from "../run/load-classifier.ts";
import { loadRun } from "../run/load-run.ts";
import { loadTagger } from "../run/load-tagger.ts";
import { type Fields, flagName, type ValuesOf } from "../schema/fields.ts";
import type { pretrainedFields } from "../schema/pretrained.ts";
import type { Closeable } from "../shared/closing.ts";
import { UsageError } from "../shared/errors.ts";
import { defined } from "../shared/records.ts";
import { layoutParameters } from "../tensor/parameter.ts";
import { createParameters } from "../tensor/parameter-store.ts";
import { tokenizerFromJSON } from "../text/tokenizer-from-json.ts";
import type { Pretrained, PretrainedOptions, TakenOver } from "../train/pretrained.ts";
import type { TrainingOptions, TrainingTools } from "./recorded-training.ts";

export type PretrainedSettings = ValuesOf<typeof pretrainedFields>;

/** What the library is asked to begin with, and what then becomes of other settings. */
export interface Beginning {
  readonly options: PretrainedOptions;
  /** Whether the tokenizer is that of the pretrained run. */
  readonly embeds: boolean;
  /** Of the settings that a pretrained run decides those that were given: they have to be the same there. */
  given<K extends string, S extends Readonly<Record<K, unknown>>>(settings: S, keys: readonly K[]): Partial<Pick<S, K>>;
}

/**
 * Opens a training with the run that it begins with, which is closed as soon as that is there. A training that goes on needs it no more:
 * its own folder says what was taken, and its checkpoint has the weights.
 *
 * @param fields of the command
 * @throws UsageError "other-task" for a run of something else, "bad-option" for a tokenizer that is asked for beside one that is taken
 */
export async function beginningWith<T>(
  settings: PretrainedSettings,
  fields: Fields,
  { folder }: TrainingOptions,
  { machine, goesOn }: TrainingTools,
  open: (beginning: Beginning) => Promise<T>,
): Promise<T> {
  const { pretrained: path, pretrainedParts, pretrainedRate } = settings;
  if (path === undefined) return open({ options: {}, embeds: false, given: (all, keys) => picked(all, keys) });
  const { source, taken } = goesOn
    ? await ownModel(folder, machine)
    : { source: await openSource(path, machine), taken: pretrainedParts };
  try {
    const options = { pretrained: source, pretrainedParts: taken, pretrainedRate };
    const embeds = source.tokenizer !== undefined && (taken?.some((one) => /^embedding(\.|$)/.test(one)) ?? true);
    if (embeds && !goesOn) expectNoTokenizer(settings, fields, source);
    const isGiven = (key: string, value: unknown): boolean => !goesOn && value !== fields[key]!.default;
    return await open({
      ...{ options, embeds },
      given: (all, keys) =>
        picked(
          all,
          keys.filter((key) => isGiven(key, all[key])),
        ),
    });
  } finally {
    source.close();
  }
}

/** What a run notes of its beginning. */
export const noteOf = ({ pretrained: run }: PretrainedSettings, taken: TakenOver | undefined) =>
  taken && { pretrained: { run, taken: taken.taken } };

/** What a training with a pretrained run says of it: "Pretrained: runs/novel (embedding, rnn); head begins anew". */
export function pretrainedLine({ pretrained: run }: PretrainedSettings, over: TakenOver | undefined): string[] {
  if (!over) return [];
  const parts = (names: readonly string[]): string => [...new Set(names.map((name) => name.split(".")[0]))].join(", ");
  const fresh = parts(over.fresh.filter((name) => !name.startsWith("rnn.") || !over.taken.some(isLayer)));
  const reverse = over.fresh.some(isLayer) && over.taken.some(isLayer) ? ["further recurrent layers"] : [];
  const anew = [fresh, ...reverse].filter(Boolean).join(", ");
  return [`Pretrained: ${run} (${parts(over.taken)})${anew === "" ? "" : `; anew: ${anew}`}`];
}

/** What a pretrained run decides of a model, as settings for those who read them; a cell of one's own is in the model's config, in words. */
export const structureOf = <C extends { readonly cell: CellConfig }>(config: C, names: readonly (keyof C & string)[]) =>
  defined({
    ...Object.fromEntries(names.map((name) => [name, config[name]])),
    cell: config.cell.custom ? undefined : config.cell.name,
  });

const isLayer = (name: string): boolean => name.startsWith("rnn.");

const picked = <K extends string, S extends Readonly<Record<K, unknown>>>(all: S, keys: readonly K[]) =>
  Object.fromEntries(keys.map((key) => [key, all[key]])) as Partial<Pick<S, K>>;

const LOADERS: Readonly<
  Record<string, (run: string, options: { readonly machine: Machine }) => Promise<Pretrained & Closeable>>
> = {
  "language-model": loadRun,
  "sequence-classifier": loadClassifier,
  tagger: loadTagger,
};

async function openSource(run: string, machine: Machine): Promise<Pretrained & Closeable> {
  const load = ofKind(await readRunConfig(run), LOADERS);
  if (load) return load(run, { machine });
  throw new UsageError(
    "other-task",
    `--pretrained ${run}: expected a run of a language model (train text), a classifier or a tagger; this one is of another kind`,
  );
}

/** The model that a training has had since it began, with no weights yet. */
async function ownModel(folder: string, machine: Machine) {
  const config = await readConfig(folder);
  const { taken } = config.pretrained as { readonly taken: readonly string[] };
  const cells = { cells: cellsInWords(config.model) };
  const model: SequenceClassifier | SequenceTagger =
    (config.model as { readonly kind?: unknown }).kind === "tagger"
      ? sequenceTaggerFromConfig(config.model, cells)
      : sequenceClassifierFromConfig(config.model, cells);
  const { vocabularySize } = model.config;
  const tokenizer = vocabularySize === undefined ? undefined : tokenizerFromJSON(await readTokenizer(folder));
  const parameters = await createParameters({ machine, layout: layoutParameters(model), initialize: false });
  return { source: { model, parameters, tokenizer, close: () => parameters.close() }, taken };
}

const OF_TOKENIZERS = ["tokenizer", "vocabularySize", "minCount", "alphabet", "normalize"];

function expectNoTokenizer(settings: object, fields: Fields, { tokenizer }: Pretrained): void {
  const values = settings as Readonly<Record<string, unknown>>;
  for (const key of OF_TOKENIZERS) {
    const field = fields[key];
    if (field && values[key] !== field.default && values[key] !== tokenizer!.kind)
      throw new UsageError(
        "bad-option",
        `--${flagName(key, field)}: the tokenizer is that of the pretrained run, whose vectors are of its tokens; leave it out, or take other parts (--pretrained-parts)`,
      );
  }
}

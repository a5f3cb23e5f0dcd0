import type { Machine } from "../compute/machine.ts";
import { bucketedBatches } from "../data/bucketed-batches.ts";
import { classesOf, placeOf } from "../data/examples.ts";
import { stratifiedSplit } from "../data/stratified-split.ts";
import { expectSentences, pickSentences, type TaggedSentences } from "../data/tagged-sentences.ts";
import {
  type SequenceTagger,
  type SequenceTaggerOptions,
  sequenceTaggerNames,
  sequenceTagger as taggerModel,
} from "../models/sequence-tagger.ts";
import { inScheme } from "../run/evaluate-tagger.ts";
import { SentenceReader } from "../run/sentence-reader.ts";
import { declareSentences, Tagger } from "../run/tagger.ts";
import { checkOptions } from "../schema/check.ts";
import { expectInteger, expectOneOf, UsageError } from "../shared/errors.ts";
import { defined } from "../shared/records.ts";
import { schemeOf, TAG_SCHEMES, type TagScheme } from "../shared/tag-schemes.ts";
import type { Tokenizer } from "../text/tokenizer.ts";
import { type TrainTokenizerOptions, trainTokenizer } from "../text/train-tokenizer.ts";
import { byCodePoint } from "../text/vocabulary.ts";
import { monitored } from "./best.ts";
import {
  type PretrainedOptions,
  pretrainedOptions,
  sameNames,
  type TakenOver,
  type Transfer,
  transferOf,
} from "./pretrained.ts";
import { TAG_METRICS, taggerEvaluator } from "./tagger-evaluator.ts";
import { type TrainingOptions, trainingOptions } from "./trainer-options.ts";
import { openTraining, type Training, unlessAborted } from "./training.ts";
import { silenceUnseen } from "./unseen-tokens.ts";

/** What the model is made of; what it reads and tells apart comes from the sentences. */
export type TaggerModelOptions = Omit<
  SequenceTaggerOptions,
  "vocabularySize" | "characters" | "tags" | "scheme" | "writtenScheme" | "intents"
>;

/** For `expectOptions`. */
const {
  vocabularySize: _1,
  characters: _2,
  tags: _3,
  scheme: _4,
  writtenScheme: _5,
  intents: _6,
  ...modelNames
} = sequenceTaggerNames;

/** Which words get vectors of their own. */
export type TaggerWords = Pick<TrainTokenizerOptions, "minCount" | "vocabularySize" | "normalize">;

/** Options of `trainTagger`. */
export interface TrainTaggerOptions extends TrainingOptions, PretrainedOptions {
  readonly machine: Machine;
  /** Sentences with tags, and optionally intents. */
  readonly sentences: TaggedSentences;
  /** Validation sentences, or the share of `sentences` to keep for validation (by `seed`). Default 0.1. */
  readonly validation?: TaggedSentences | number | undefined;
  /** The scheme of spans in the tags: "auto" (default) detects it, "none" treats tags as unrelated labels. */
  readonly scheme?: TagScheme | "auto" | "none" | undefined;
  /** The scheme in which the model learns spans; predictions have the scheme of the sentences. Default "bioes", the most informative. */
  readonly encoding?: TagScheme | undefined;
  /** Default: words that occur at least twice, in lower case if characters are read too. */
  readonly words?: TaggerWords | undefined;
  /** Whether words are also read by their characters. Default: yes, unless every token is a single character. */
  readonly characters?: boolean | undefined;
  /** Options of the model. Default: a CRF on an LSTM of 100 units in both directions, dropout 0.5. */
  readonly model?: TaggerModelOptions | undefined;
  /** B: sentences per update. Default 16. */
  readonly batchSize?: number | undefined;
  /**
   * The metric of the validation sentences that decides which weights are best and when to stop early; of equal values that of the lower
   * loss is better. Default "score": the F1 of spans, for other tags the accuracy, with intents the mean of that and their accuracy.
   */
  readonly monitor?: keyof typeof TAG_METRICS | undefined;
  /** Whether the last two batches of an epoch share the remaining sentences evenly (see `bucketedBatches`). Default true. */
  readonly evenBatches?: boolean | undefined;
}

/** Further facts in the start event of a tagger's training. */
export interface TaggerFacts {
  readonly trainSentences: number;
  readonly trainTokens: number;
  readonly validationSentences: number;
  readonly batchSize: number;
}

/** What `trainTagger` gives. */
export interface TaggerTraining extends Training<TaggerFacts, SequenceTagger> {
  /** The tagger with the current weights; closed with the trainer, as are the weights. */
  readonly tagger: Tagger;
  /** The training sentences. */
  readonly train: TaggedSentences;
  /** The validation sentences. */
  readonly validation: TaggedSentences | undefined;
  /** What was taken of the pretrained model; undefined without one. */
  readonly pretrained: TakenOver | undefined;
}

/**
 * Trains a tagger of sentences, and of their intents if they have any. Nothing runs until the trainer is iterated or `run` is called.
 * @example
 * ```ts no-run
 * const sentences = await readTokenColumns("train.txt", { token: 1, tag: 4 });
 * const { trainer, tagger } = await trainTagger({ machine, sentences, epochs: 10 });
 * await trainer.run({ epoch: ({ epoch, metrics }) => console.log(epoch, metrics) });
 * const [{ tags, spans }] = await tagger.predict([["Ada", "lives", "in", "London"]]);
 * ```
 * @throws UsageError for wrong options, "no-examples", "one-class", "tag-count", "wrong-scheme"; FailureError "out-of-memory" before
 *   anything is allocated; while training "diverged"
 */
export async function trainTagger(options: TrainTaggerOptions): Promise<TaggerTraining> {
  checkOptions("trainTagger", options, {
    ...trainingOptions,
    ...pretrainedOptions,
    machine: "required",
    sentences: "required",
    validation: 1,
    scheme: 1,
    encoding: 1,
    words: { minCount: 1, vocabularySize: 1, normalize: 1 },
    characters: 1,
    monitor: 1,
    model: modelNames,
    batchSize: 1,
    evenBatches: 1,
  });
  const { machine, batchSize = 16 } = options;
  const seed = expectInteger("seed", options.seed ?? 0, { min: 0 });
  const { train, validation } = divide(options, seed);
  const { scheme, writtenScheme } = schemesOf(options, train);
  const labels = inScheme(train, scheme);
  // What could not be measured is told before anything is learned.
  if (validation) inScheme(validation, scheme);
  const tags = classesOf({ labels: labels.flat() });
  const intents = train.intents && classesOf({ labels: train.intents });
  const transfer = transferOf(options);
  transfer?.expectReads("");
  const characters = alphabetFor(options, train, transfer);
  const tokenizer = wordsOf(transfer, options) ?? (await tokenizerFor(options, characters !== undefined, train));
  const model = taggerModel({
    ...{ ...transfer?.structure, ...defined(options.model ?? {}) },
    ...{ vocabularySize: tokenizer.vocabularySize, tags, characters, scheme, writtenScheme, intents },
  });
  const { config: before } = transfer ?? {};
  const sameTags = before?.kind === "tagger" && sameNames(before.tags, tags) && before.scheme === scheme;
  const begun = transfer?.into(
    model,
    (part) => part in model.parts && (part === "intent" ? sameNames(before!.intents, intents) : sameTags),
  );
  const tagIds = new Map(tags.map((name, k) => [name, k]));
  const targets = labels.map((own) => Int32Array.from(own, (tag) => tagIds.get(tag)!));
  const lengths = targets.map(({ length }) => length);
  const reader = new SentenceReader(model.config, tokenizer);
  const read = train.tokens.map((tokens) => reader.read(tokens));
  const batches = bucketedBatches({
    ...{ lengths, batchSize, evenBatches: options.evenBatches, seed },
    inputs: (chosen, steps) => ({
      ...reader.inputs(
        Array.from(chosen, (k) => read[k]!),
        steps,
      ),
      tags: sideBySide(
        Array.from(chosen, (k) => targets[k]!),
        steps,
      ),
      ...(intents && { intents: Int32Array.from(chosen, (k) => intents.indexOf(train.intents![k]!)) }),
    }),
    weight: (chosen) => chosen.reduce((sum, k) => sum + lengths[k]!, 0),
    identity: { tags: tags.join("\n"), intents: intents?.join("\n") ?? null },
  });
  const { f1, intentAccuracy, ...always } = TAG_METRICS;
  const modes = { ...always, ...(scheme && { f1 }), ...(intents && { intentAccuracy }) };
  const { runner: tagger, ...training } = await openTraining<TaggerFacts, SequenceTagger, Tagger>(
    {
      ...options,
      ...(begun && { optimizer: begun.optimizer(options.optimizer) }),
      ...{ model, batches, monitor: monitored(options.monitor ?? (validation ? "score" : "loss"), modes) },
      facts: {
        ...{ trainSentences: train.tokens.length, trainTokens: lengths.reduce((a, b) => a + b, 0), batchSize },
        validationSentences: validation?.tokens.length ?? 0,
      },
    },
    async (parameters) => {
      const words = read.map((sentence) => sentence.words);
      await begun?.fill(parameters);
      // A vector that was learned elsewhere means something.
      if (!transfer?.takes("embedding")) await silenceUnseen(parameters, "embedding.weight", words);
      const runner = new Tagger({ model, machine, parameters, tokenizer });
      return {
        runner,
        evaluator: validation && taggerEvaluator(runner, validation),
        record: (graph, { steps = 1, rows }) => ({
          loss: model.loss(declareSentences(graph, model, steps, rows), {
            tags: graph.input("tags", [steps, rows], { type: "int", below: tags.length }),
            ...(intents && { intents: graph.input("intents", [rows], { type: "int", below: intents.length }) }),
          }),
        }),
      };
    },
  );
  return { ...training, tagger, train, validation, pretrained: begun && { taken: begun.taken, fresh: begun.fresh } };
}

/** [T, B], 0 behind the end of a sentence. */
function sideBySide(rows: readonly Int32Array[], steps: number): Int32Array {
  const all = new Int32Array(steps * rows.length);
  for (const [b, row] of rows.entries()) for (const [t, value] of row.entries()) all[t * rows.length + b] = value;
  return all;
}

function divide({ sentences, validation = 0.1 }: TrainTaggerOptions, seed: number) {
  expectSentences("sentences", sentences);
  if (typeof validation !== "number") {
    expectSentences("validation", validation);
    return { train: sentences, validation };
  }
  const split = stratifiedSplit(sentences.intents ?? sentences.tokens.map(() => ""), { validation, seed });
  return {
    train: pickSentences(sentences, split.train),
    validation: split.validation.length > 0 ? pickSentences(sentences, split.validation) : undefined,
  };
}

/** The scheme that the model learns and the one that answers are written in; none where tags are no spans. */
function schemesOf(
  { scheme: given = "auto", encoding = "bioes" }: TrainTaggerOptions,
  { tags, places }: TaggedSentences,
) {
  expectOneOf("scheme", given, ["auto", "none", ...TAG_SCHEMES]);
  expectOneOf("encoding", encoding, TAG_SCHEMES);
  if (given === "none") return {};
  const found = schemeOf(tags);
  if (given === "auto") return found ? { scheme: encoding, writtenScheme: found } : {};
  if (found === undefined) {
    const bad = tags.findIndex((own) => schemeOf([own, ["B-X"]]) === undefined);
    const tag = tags[bad]?.find((one) => schemeOf([[one], ["B-X"]]) === undefined);
    throw new UsageError(
      "wrong-scheme",
      `${placeOf(places, Math.max(bad, 0))}: expected tags of spans as in ${given} (B-LABEL, …, O), got ${tag === undefined ? 'nothing but "O"' : JSON.stringify(tag)}; give the scheme none for tags that are no spans`,
    );
  }
  return { scheme: encoding, writtenScheme: given };
}

/** The characters of the words to learn from, in the order of their code points. */
function alphabetOf({ characters }: TrainTaggerOptions, { tokens }: TaggedSentences): string[] | undefined {
  const several =
    characters ?? tokens.some((own) => own.some((token) => token.length > 1 && Array.from(token).length > 1));
  if (!several) return undefined;
  return [...new Set(tokens.flatMap((own) => own.flatMap((token) => Array.from(token))))].sort(byCodePoint);
}

/** The characters that a pretrained model reads, where it is taken over; else those of the words to learn from. */
function alphabetFor(options: TrainTaggerOptions, train: TaggedSentences, transfer: Transfer | undefined) {
  if (transfer?.takes("characters") && options.characters !== false) return transfer.config.characters;
  if (transfer?.takes("rnn") && !options.characters) return undefined;
  return alphabetOf(options, train);
}

/** The tokenizer of a pretrained model, which must know a token where a tagger looks one up. @throws UsageError "bad-option" */
function wordsOf(transfer: Transfer | undefined, { words }: TrainTaggerOptions): Tokenizer | undefined {
  const tokenizer = transfer?.tokenizer("words", words);
  if (
    tokenizer === undefined ||
    (["word", "grapheme", "character"].includes(tokenizer.kind) && tokenizer.unknownToken === 0)
  )
    return tokenizer;
  throw new UsageError(
    "bad-option",
    `pretrained: a tagger has one vector for each word: expected a model whose tokens are words (for Chinese also characters) and which has one for unknown words, got one of ${tokenizer.kind === "word" ? "words" : `${tokenizer.kind}s`}${tokenizer.unknownToken === undefined ? " that has none" : ""}; take other parts (pretrainedParts), or train one on words`,
  );
}

async function tokenizerFor(
  { words = {}, signal }: TrainTaggerOptions,
  cased: boolean,
  { tokens }: TaggedSentences,
): Promise<Tokenizer> {
  const { minCount = 2, normalize = cased ? ["lowercase"] : [], ...rest } = words;
  const lines = tokens.map((own) => `${own.join(" ")}\n`);
  return trainTokenizer(lines, {
    ...rest,
    kind: "word",
    segmentation: "space",
    unknown: true,
    minCount,
    normalize,
    signal: unlessAborted(signal),
  });
}

import type { Machine } from "../compute/machine.ts";
import { logSoftmax } from "../layers/softmax.ts";
import type { SequenceTagger, SequenceTaggerInput } from "../models/sequence-tagger.ts";
import { argmax } from "../shared/argmax.ts";
import { Closing } from "../shared/closing.ts";
import { describe, expectInteger, UsageError } from "../shared/errors.ts";
import { expectOptions } from "../shared/options.ts";
import { zipRecord } from "../shared/records.ts";
import type { Abortable } from "../shared/signal.ts";
import { type Span, spansOf, tagsOf } from "../shared/tag-schemes.ts";
import type { Executable } from "../tensor/executable.ts";
import { Executables } from "../tensor/executables.ts";
import type { Graph } from "../tensor/graph.ts";
import { bestPath, HOPELESS } from "../tensor/lattice.ts";
import type { ParameterStore } from "../tensor/parameter-store.ts";
import type { Tokenizer } from "../text/tokenizer.ts";
import { resultsByLength } from "./batches-by-length.ts";
import { type ReadSentence, SentenceReader } from "./sentence-reader.ts";

/** Options of `new Tagger`. */
export interface TaggerOptions {
  readonly model: SequenceTagger;
  readonly machine: Machine;
  readonly parameters: ParameterStore;
  /** A tokenizer of words, with one token per word. */
  readonly tokenizer: Tokenizer;
  /** B: sentences computed together. Does not change results. Default 32. */
  readonly batchSize?: number | undefined;
}

/** The prediction of a tagger for one sentence. */
export interface TagPrediction {
  /** The tag of each token. */
  readonly tags: readonly string[];
  /** The spans that the tags stand for, if they are spans. */
  readonly spans?: readonly Span[];
  /** The intent of the sentence, if the model predicts intents. */
  readonly intent?: string;
  /** Probability of each intent by name; they sum to 1. */
  readonly intentProbabilities?: Readonly<Record<string, number>>;
  /** For each token the probability of every tag, in the scheme of the model. Only if requested. */
  readonly probabilities?: readonly Readonly<Record<string, number>>[];
}

/** The prediction of a tagger for one sentence, in numbers. */
export interface SentenceReading {
  /** Number of the tag of each token. */
  readonly path: readonly number[];
  /**
   * log p of a sequence of tags, given by number, one for each token; −∞ for tags that the CRF forbids.
   * @throws UsageError "no-likelihood" for a CRF that was read without `likelihood`, "wrong-length", "out-of-range"
   */
  readonly logLikelihood: (tags: readonly number[]) => number;
  /** Log probabilities of the intents. */
  readonly intents: readonly number[] | undefined;
  /** [T][C], where `probabilities` were asked for. */
  readonly probabilities: readonly (readonly number[])[] | undefined;
}

/** What `Tagger.read` computes besides tags. */
export interface ReadingOptions extends Abortable {
  /** Whether to return the probability of every tag at every token. Default false. */
  readonly probabilities?: boolean | undefined;
  /** Whether `logLikelihood` is needed of a CRF, which then sums over all sequences of tags. Default false. */
  readonly likelihood?: boolean | undefined;
}

/** Declares the inputs of a tagger for a batch [T, B]. */
export function declareSentences(
  graph: Graph,
  { config }: SequenceTagger,
  steps: number,
  rows: number,
): SequenceTaggerInput {
  const { characters, wordLength, vocabularySize } = config;
  return {
    words: graph.input("words", [steps, rows], { type: "int", below: vocabularySize }),
    mask: graph.input("mask", [steps, rows]),
    ...(characters && {
      characters: graph.input("characters", [wordLength!, steps * rows], { type: "int", below: characters.length + 1 }),
      lengths: graph.input("lengths", [steps * rows]),
    }),
  };
}

/** A trained tagger: sentences in, tags out. Each call uses the current weights. */
export class Tagger extends Closing {
  readonly model: SequenceTagger;
  readonly parameters: ParameterStore;
  readonly tokenizer: Tokenizer;
  private readonly reader: SentenceReader;
  private readonly options: TaggerOptions;
  private readonly plans: Executables;

  constructor(options: TaggerOptions) {
    super();
    expectOptions("Tagger", options, {
      model: "required",
      machine: "required",
      parameters: "required",
      tokenizer: "required",
      batchSize: 1,
    });
    if (options.batchSize !== undefined) expectInteger("batchSize", options.batchSize, { min: 1 });
    this.options = options;
    this.model = options.model;
    this.parameters = options.parameters;
    this.plans = new Executables(options.machine, options.parameters);
    this.tokenizer = options.tokenizer;
    this.reader = new SentenceReader(options.model.config, options.tokenizer);
  }

  /** What a run saves of it (`saveRun`, `packRun`, `openRun`). */
  get config(): { readonly model: SequenceTagger["config"] } {
    return { model: this.model.config };
  }

  /**
   * Predicts the tags of tokenized sentences: with a CRF the most likely sequence, with a softmax the most likely tag of each token.
   * @param options.probabilities whether the probability of every tag at every token is told, too: of a CRF over all sequences
   * @throws UsageError "wrong-input"; the reason of `signal`
   */
  async predict(
    sentences: readonly (readonly string[])[],
    options: Pick<ReadingOptions, "probabilities" | "signal"> = {},
  ): Promise<TagPrediction[]> {
    expectOptions("Tagger.predict", options, { probabilities: 1, signal: 1 });
    const { tags: names, scheme, writtenScheme, intents } = this.model.config;
    return (await this.read(sentences, options)).map(({ path, intents: logs, probabilities }) => {
      const tags = path.map((tag) => names[tag]!);
      const spans = scheme && spansOf(tags);
      return {
        tags: spans ? tagsOf(spans, tags.length, writtenScheme ?? scheme) : tags,
        ...(spans && { spans }),
        ...(logs && {
          intent: intents![argmax(logs)]!,
          intentProbabilities: zipRecord(intents!, logs.map(Math.exp)),
        }),
        ...(probabilities && { probabilities: probabilities.map((row) => zipRecord(names, row)) }),
      };
    });
  }

  /** Predicts tags as numbers, with log-likelihoods and probabilities on request. */
  async read(sentences: readonly (readonly string[])[], options: ReadingOptions = {}): Promise<SentenceReading[]> {
    expectOptions("Tagger.read", options, { probabilities: 1, likelihood: 1, signal: 1 });
    const { batchSize = 32 } = this.options;
    if (!Array.isArray(sentences))
      throw new UsageError("wrong-input", `sentences: expected a list of lists of tokens, got ${describe(sentences)}`);
    return resultsByLength(
      sentences.map((tokens) => this.reader.read(tokens)),
      {
        ...{ batchSize, lengthOf: ({ words }) => words.length, signal: options.signal },
        run: (batch, steps) => this.readBatch(batch, steps, options),
      },
    );
  }

  /** Frees the plans, and the parameters if they were loaded with it; those that were given stay. */
  close(): void {
    this.plans.close();
  }

  private async readBatch(
    batch: readonly ReadSentence[],
    steps: number,
    options: ReadingOptions,
  ): Promise<SentenceReading[]> {
    const plan = await this.plan(steps, batch.length, options);
    for (const [name, numbers] of Object.entries(this.reader.inputs(batch, steps))) plan.write(name, numbers);
    plan.run();
    const found = await plan.readAll();
    const C = this.model.config.tags.length;
    return batch.map(({ words }, b) => {
      const at = (name: string) => (t: number, tag: number) => found[name]![(t * batch.length + b) * C + tag]!;
      const row = (name: string, t: number): number[] => Array.from({ length: C }, (_, tag) => at(name)(t, tag));
      const T = words.length;
      const { weights, logs, whole, probabilities, intents } = found;
      const tokens = Array.from({ length: T }, (_, t) => t);
      const I = this.model.config.intents?.length ?? 0;
      return {
        path: logs
          ? tokens.map((t) => argmax(row("logs", t)))
          : bestPath({ steps: T, states: C, scores: at("best"), weights: weights! }),
        logLikelihood: (tags) => {
          expectTags(tags, T, C);
          if (logs) return tags.reduce((sum, tag, t) => sum + at("logs")(t, tag), 0);
          if (!whole)
            throw new UsageError(
              "no-likelihood",
              "logLikelihood: a CRF computes the sum over all sequences of tags only where it is asked for; read with { likelihood: true }",
            );
          const arc = (t: number): number => (t === 0 ? 0 : weights![tags[t - 1]! * C + tags[t]!]!);
          const score = tags.reduce((sum, tag, t) => sum + at("scores")(t, tag) + arc(t), 0);
          return score > HOPELESS ? score - whole[b]! : Number.NEGATIVE_INFINITY;
        },
        intents: intents && Array.from(intents.slice(b * I, (b + 1) * I)),
        probabilities: !options.probabilities
          ? undefined
          : tokens.map((t) => (probabilities ? row("probabilities", t) : row("logs", t).map(Math.exp))),
      };
    });
  }

  private plan(steps: number, rows: number, { probabilities, likelihood }: ReadingOptions): Promise<Executable> {
    const { model } = this.options;
    return this.plans.of([steps, rows, probabilities, likelihood].join(), (graph) => {
      const input = declareSentences(graph, model, steps, rows);
      const { emissions, intents } = model.forward(input);
      const { field } = model.parts;
      if (field) {
        const { lattice, scores, weights } = field.lattice(emissions, { mask: input.mask });
        graph.output("best", lattice.best());
        graph.output("weights", weights);
        if (likelihood) {
          graph.output("scores", scores);
          graph.output("whole", lattice.logPartition());
        }
        if (probabilities) graph.output("probabilities", lattice.marginals());
      } else graph.output("logs", logSoftmax(emissions));
      if (intents) graph.output("intents", logSoftmax(intents));
    });
  }
}

function expectTags(tags: readonly number[], steps: number, states: number): void {
  if (tags.length !== steps)
    throw new UsageError(
      "wrong-length",
      `logLikelihood: expected ${steps} tags, one a token of the sentence, got ${tags.length}`,
    );
  const bad = tags.findIndex((tag) => !(Number.isInteger(tag) && tag >= 0 && tag < states));
  if (bad >= 0)
    throw new UsageError(
      "out-of-range",
      `logLikelihood: expected numbers of tags from 0 to ${states - 1}, tag ${bad} is ${describe(tags[bad])}`,
    );
}

import type { Cell } from "../cells/define.ts";
import { sameEquations } from "../cells/registry.ts";
import type { Series } from "../data/examples.ts";
import type { CellConfig } from "../models/cell-choice.ts";
import type { Pooling, SequenceClassifierConfig } from "../models/sequence-classifier.ts";
import type { SequenceTaggerConfig } from "../models/sequence-tagger.ts";
import { adam } from "../optimizers/adam.ts";
import {
  byParameter,
  eachOptimizer,
  frozen,
  type OptimizerChoice,
  optimizerOf,
  scaledRate,
} from "../optimizers/by-parameter.ts";
import type { OptionsTable } from "../schema/check.ts";
import { pretrainedFields } from "../schema/pretrained.ts";
import { describe, few, ShapeError, UsageError } from "../shared/errors.ts";
import { formatShape, sameShape } from "../shared/shapes.ts";
import { type HasParameters, namedParameters } from "../tensor/parameter.ts";
import type { ParameterStore } from "../tensor/parameter-store.ts";
import type { Tokenizer } from "../text/tokenizer.ts";

/** A model that says what it is made of. */
export interface PretrainedModel extends HasParameters {
  readonly config: object;
}

/** A trained model that another training begins with: what `loadRun`, `loadClassifier` and `loadTagger` give, as it is. */
export interface Pretrained {
  /** A language model, a sequence classifier (or regression) or a tagger. */
  readonly model: PretrainedModel;
  /** Copied before the first update, and then no more needed. */
  readonly parameters: ParameterStore;
  /** Of a model that reads text. */
  readonly tokenizer?: Tokenizer | undefined;
}

/** How a training begins with the weights of another. */
export interface PretrainedOptions {
  /**
   * A model whose weights are taken: a language model, or one of the same task. Its tokenizer (of series: its scaling), cell and sizes are
   * then those of the new model; what the new model has besides, such as the head of other classes, begins as usual. Default: everything
   * begins with `seed`.
   */
  readonly pretrained?: Pretrained | undefined;
  /**
   * What is taken: parts ("embedding", "characters", "rnn", "pool", "head", "field", "intent") or single parameters
   * ("rnn.weight_ih_l0"). Default: all that reads the input, and the head where it tells apart the same.
   */
  readonly pretrainedParts?: readonly string[] | undefined;
  /** What is taken learns with this multiple of the learning rate, from 0 (it is frozen) on. Default 1. */
  readonly pretrainedRate?: number | undefined;
}

/** What a training took over. */
export interface TakenOver {
  /** Names of the parameters whose values are those of the pretrained model. */
  readonly taken: readonly string[];
  /** Names of those that began as usual. */
  readonly fresh: readonly string[];
}

/** For `checkOptions`. */
export const pretrainedOptions: OptionsTable<Omit<PretrainedOptions, "pretrained">> & { readonly pretrained: 1 } = {
  pretrained: 1,
  pretrainedParts: pretrainedFields.pretrainedParts,
  pretrainedRate: pretrainedFields.pretrainedRate,
};

/** The parts that read the input, whatever is told apart. A model that takes one has to have all of it. */
const READING = ["embedding", "characters", "rnn"] as const;

/** What the configs of all of them say, and each of them may. */
interface Config
  extends Pick<SequenceClassifierConfig, "channels" | "classes" | "inputScaling" | "targetScaling">,
    Pick<SequenceTaggerConfig, "characters" | "scheme" | "intents">,
    Pick<SequenceTaggerConfig, "characterEmbeddingSize" | "characterHiddenSize" | "wordLength"> {
  readonly kind: string;
  readonly cell: CellConfig;
  readonly hiddenSize: number;
  readonly numLayers: number;
  readonly embeddingSize?: number;
  readonly projectionSize?: number;
  readonly bidirectional?: boolean;
  readonly pooling?: Pooling;
  readonly tags?: readonly string[];
}

/**
 * What a training takes over, where it takes over something.
 * @throws UsageError "bad-option", "unknown-parameter"
 */
export function transferOf(options: PretrainedOptions): Transfer | undefined {
  if (options.pretrained !== undefined) return new Transfer(options.pretrained, options);
  for (const name of ["pretrainedParts", "pretrainedRate"] as const)
    if (options[name] !== undefined)
      throw new UsageError("bad-option", `${name}: says what becomes of a pretrained model; give one as pretrained`);
  return undefined;
}

/** A pretrained model, and which parts of it another model is to begin with. */
export class Transfer {
  readonly #source: Pretrained;
  readonly #rate: number;
  /** Names and shapes of the wanted parameters of the pretrained model, those of a head of something else left out. */
  readonly #wanted: ReadonlyMap<string, readonly number[]>;
  readonly #asked: readonly string[] | undefined;

  constructor(pretrained: Pretrained, { pretrainedParts, pretrainedRate = 1 }: PretrainedOptions) {
    this.#source = expectPretrained(pretrained);
    this.#rate = pretrainedRate;
    this.#asked = pretrainedParts;
    const all = new Map([...namedParameters(this.#source.model)].map(([name, { shape }]) => [name, shape] as const));
    for (const part of pretrainedParts ?? [])
      if (![...all.keys()].some((name) => isOf(name, [part])))
        throw new UsageError(
          "unknown-parameter",
          `pretrainedParts: the pretrained model has no part ${JSON.stringify(part)}; it has ${[...new Set([...all.keys()].map((name) => name.split(".")[0]))].join(", ")}`,
        );
    this.#wanted = new Map([...all].filter(([name]) => isOf(name, pretrainedParts ?? [name])));
  }

  /** What the pretrained model is made of. */
  get config(): Config {
    return this.#source.model.config as Config;
  }

  /** @throws UsageError "bad-option" where the pretrained model reads something else than such an input */
  expectReads(input: string | Series): void {
    const { channels } = this.config;
    const [reads, came] = [channels, typeof input === "string" ? undefined : input?.channels].map((of) =>
      of === undefined ? "texts" : `series of ${of} channel${of === 1 ? "" : "s"}`,
    );
    if (reads !== came)
      throw new UsageError(
        "bad-option",
        `pretrained: this model reads ${reads}, but the examples are ${came}; take a model that was trained on such`,
      );
  }

  /** Whether something of this part is taken. */
  takes(part: string): boolean {
    return [...this.#wanted.keys()].some((name) => isOf(name, [part]));
  }

  /**
   * The tokenizer that the taken embedding belongs to; undefined where none is taken.
   * @param option what the training is asked for its tokenizer by, and what came there
   * @throws UsageError "bad-option"
   */
  tokenizer(option: string, given: unknown): Tokenizer | undefined {
    if (!this.takes("embedding")) return undefined;
    const { tokenizer } = this.#source;
    if (!tokenizer)
      throw new UsageError("bad-option", "pretrained: expected its tokenizer beside model and parameters, got none");
    if (given !== undefined && given !== tokenizer)
      throw new UsageError(
        "bad-option",
        `${option}: the embedding of the pretrained model is of its own tokens, so its tokenizer is used; leave this out, or take other parts (pretrainedParts)`,
      );
    return tokenizer;
  }

  /** Options of a model that the taken parts fit into. */
  get structure() {
    const { cell, hiddenSize, projectionSize = 0, numLayers, bidirectional = false } = this.config;
    const { embeddingSize, channels } = this.config;
    const { characterEmbeddingSize, characterHiddenSize, wordLength } = this.config;
    const layers = { cell: cell.custom ? cellOf(this.#source.model) : cell, hiddenSize, projectionSize, numLayers };
    const reads = this.takes("rnn") || this.takes("embedding");
    return {
      ...(reads && channels === undefined && { embeddingSize }),
      ...(this.takes("rnn") && { ...layers, bidirectional }),
      ...(this.takes("characters") && { characterEmbeddingSize, characterHiddenSize, wordLength }),
    };
  }

  /**
   * What of it goes into a model.
   * @param sameTask whether the head of a name tells apart the same in both
   * @throws ShapeError "shape-mismatch"; UsageError "other-cell", "bad-option"
   */
  into(model: HasParameters, sameTask: (part: string) => boolean): Begun {
    const there = namedParameters(model);
    const wrong: string[] = [];
    const taken = [...this.#wanted].flatMap(([name, shape]) => {
      const part = name.split(".")[0]!;
      const reads = READING.some((one) => one === part);
      if (!reads && !sameTask(part)) {
        if (!this.#asked) return [];
        throw new UsageError(
          "bad-option",
          `pretrainedParts: "${part}" of the pretrained model answers something else than this training asks (other classes, tags or another task); leave it out, and it begins as usual`,
        );
      }
      const own = there.get(name)?.shape;
      if (own && sameShape(own, shape)) return [name];
      wrong.push(`"${name}": expected ${own ? formatShape(own) : "none"}, got ${formatShape(shape)}`);
      return [];
    });
    if (wrong.length > 0)
      throw new ShapeError(
        "shape-mismatch",
        `pretrained: its parameters do not fit this model: ${few(wrong)}. Leave out the sizes of the model, which are then those of the pretrained one, or take other parts (pretrainedParts)`,
      );
    const [from, to] = [cellOf(this.#source.model), cellOf(model)];
    if (this.takes("rnn") && from && to && !sameEquations(from, to))
      throw new UsageError(
        "other-cell",
        `pretrained: its recurrent layers are of the cell "${from.name}", this model has "${to.name}"${from.name === to.name ? " with other options" : ""}; leave the cell out, or take other parts (pretrainedParts)`,
      );
    const known = new Set(taken);
    const fresh = [...there.keys()].filter((name) => !known.has(name));
    return new Begun(this.#source, this.#rate, { taken, fresh });
  }
}

/** What a training begins with: parameters of a pretrained model. */
export class Begun implements TakenOver {
  readonly taken: readonly string[];
  readonly fresh: readonly string[];
  readonly #source: Pretrained;
  readonly #rate: number;

  constructor(source: Pretrained, rate: number, { taken, fresh }: TakenOver) {
    this.taken = taken;
    this.fresh = fresh;
    this.#source = source;
    this.#rate = rate;
    if (rate === 0 && fresh.length === 0)
      throw new UsageError(
        "bad-option",
        "pretrainedRate: 0 freezes what was taken, which is all that this model has: nothing is left to learn",
      );
  }

  /** The optimizer of a training in which they learn by the rate that was asked for. */
  optimizer(given: OptimizerChoice = adam()): OptimizerChoice {
    const rate = this.#rate;
    if (rate === 1) return given;
    const slower = eachOptimizer(given, (one) => (rate === 0 ? frozen() : scaledRate(one, rate)));
    const known = new Set(this.taken);
    return byParameter((name) => optimizerOf(known.has(name) ? slower : given, name));
  }

  /** Copies them. */
  async fill(parameters: ParameterStore): Promise<void> {
    const { parameters: from } = this.#source;
    for (const name of this.taken) parameters.write(name, { shape: from.shape(name), data: await from.read(name) });
  }
}

/** Whether two models have the same names of classes, tags or intents, or none, in the same order. */
export const sameNames = (a: readonly string[] = [], b: readonly string[] = []): boolean =>
  a.length === b.length && a.every((name, k) => name === b[k]);

/** Whether a parameter is one of these, or belongs to one of these parts. */
const isOf = (name: string, parts: readonly string[]): boolean =>
  parts.some((part) => name === part || name.startsWith(`${part}.`));

/** The cell of recurrent layers; undefined for a model of one's own whose layers are called otherwise. */
const cellOf = (model: HasParameters): Cell | undefined =>
  (model.parts.rnn as { readonly options?: { readonly cell?: Cell } } | undefined)?.options?.cell;

const KINDS = ["language-model", "sequence-classifier", "tagger"];

function expectPretrained(given: Pretrained): Pretrained {
  const kind = (given?.model?.config as { readonly kind?: string } | undefined)?.kind;
  if (kind !== undefined && KINDS.includes(kind) && typeof given.parameters?.read === "function") return given;
  throw new UsageError(
    "bad-option",
    `pretrained: expected a language model, a classifier or a tagger with its parameters, as loadRun, loadClassifier and loadTagger give one, got ${kind === undefined ? describe(given) : `one of kind ${JSON.stringify(kind)}`}`,
  );
}

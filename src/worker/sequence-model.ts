import type { Machine } from "../compute/machine.ts";
import { effectOn } from "../explain/effect.ts";
import { passagesOf } from "../explain/nearest-passages.ts";
import { nearestPlaces, type StatePiece } from "../explain/nearest-places.ts";
import { countWeights } from "../formats/count-weights.ts";
import { type Model, open } from "../formats/open.ts";
import { withoutStates } from "../formats/runnable.ts";
import type { HeldPlace } from "../layers/held-values.ts";
import { expectInteger, FailureError, UsageError } from "../shared/errors.ts";
import { mapValues } from "../shared/records.ts";
import type { Abortable } from "../shared/signal.ts";
import type { Tokenizer } from "../text/tokenizer.ts";
import { tokenizerFromJSON } from "../text/tokenizer-from-json.ts";
import { encoded } from "./encode.ts";
import { APART, MAXIMUM_CORPUS, nearTo } from "./nearest.ts";
import type { OpenedModel } from "./opened-model.ts";
import { lossOf, predictionsOf } from "./predictions.ts";
import { type Calls, type Given, MAX_TOKENS, type Reading, type ReadOutput, type TokenPrediction } from "./protocol.ts";
import { cellsOf } from "./sequence-facts.ts";
import {
  boundOf,
  carriesOn,
  notOne,
  probe,
  probedSteps,
  type SequencePort,
  statesAfter,
  type Traced,
  traceOf,
} from "./sequence-port.ts";
import { keyOf, labelsOf, logitsOf, outputOf, type Probed, placeOf, valuesOf } from "./sequence-values.ts";

export interface OpenSequenceModelOptions extends Abortable {
  readonly file: Uint8Array | Blob;
  readonly name: string;
  /** The content of a tokenizer.json, for a model of tokens that is to read text. */
  readonly tokenizer?: string | undefined;
  readonly machine: Machine;
}

/**
 * Opens a model file of any format as a model of one sequence. How it wants the sequence is found by running it once: what its
 * recurrent layers see must be one example.
 *
 * @throws UsageError "not-a-sequence-model", "bad-tokenizer"; FailureError "bad-model"; what `open` of `longshort/formats` throws
 */
export async function openSequenceModel(options: OpenSequenceModelOptions): Promise<OpenedModel> {
  const { file, name, machine, signal } = options;
  const tokenizer = options.tokenizer === undefined ? undefined : parsedTokenizer(options.tokenizer);
  const model = await open(file instanceof Blob && !(file instanceof File) ? new File([file], name) : file, {
    machine,
    signal,
  });
  try {
    const { port, first } = await probe(model);
    const bound = port.whole ? await boundOf(model, port) : undefined;
    if (tokenizer && (!port.whole || (bound !== undefined && bound !== tokenizer.vocabularySize)))
      throw new FailureError(
        "bad-model",
        port.whole
          ? `its tokenizer has ${tokenizer.vocabularySize} tokens, its model ${bound}: they do not belong to one model`
          : "this model reads numbers: it has no use for a tokenizer",
      );
    return new SequenceModel(model, port, { first, tokenizer, bound });
  } catch (error) {
    model.close();
    throw error;
  }
}

function parsedTokenizer(text: string): Tokenizer {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw new UsageError("bad-tokenizer", "the tokenizer's file is not JSON", { cause });
  }
  return tokenizerFromJSON(value);
}

type Cut = Calls["cut"];
type Nearest = Calls["nearest"];

/** What is read: whole steps, no more than the model takes. */
interface Input {
  readonly data: readonly number[];
  readonly steps: number;
  readonly leftOut: readonly string[];
  readonly cut: boolean;
}

/** Steps of a piece of a corpus. */
const PIECE = 1024;
/** Tokens, or numbers, shown on either side of a place. */
const AROUND = { text: 32, numbers: 6 };

class SequenceModel implements OpenedModel {
  readonly facts: OpenedModel["facts"];
  private readonly model: Model;
  private readonly port: SequencePort;
  private readonly tokenizer: Tokenizer | undefined;
  /** What tokens are shown as. */
  private readonly tokens: readonly string[] | undefined;
  /** Of each layer the value that others read: the cell's first state, the last that is named. */
  private readonly shown = new Map<string, string>();
  /** The outputs of the first run. */
  private readonly probed: Readonly<Record<string, Probed>>;
  private carries: Promise<boolean> | undefined;

  constructor(
    model: Model,
    port: SequencePort,
    { first, tokenizer, bound }: { first: Traced; tokenizer: Tokenizer | undefined; bound: number | undefined },
  ) {
    this.model = model;
    this.port = port;
    this.tokenizer = tokenizer;
    this.probed = mapValues(first.outputs, ({ shape }) => ({ steps: probedSteps(port), shape }));
    this.tokens = tokenizer?.vocabulary ?? (bound ? Array.from({ length: bound }, (_, k) => String(k)) : undefined);
    const keys = Object.keys(first.values).map(placeOf);
    for (const { layer, name } of keys) this.shown.set(layer, name);
    const layers = [...this.shown.keys()];
    const last = Object.values(first.values).at(-1)!;
    this.facts = {
      ...{ format: model.format, channels: port.channels, steps: port.steps, conventions: model.conventions },
      ...{ layers, vocabularySize: bound, parameters: countWeights(model.file), cell: cellsOf(model) },
      reads: tokenizer ? "text" : port.whole ? "tokens" : "numbers",
      hiddenSize: last.shape[2]!,
      names: [...new Set(keys.map(({ name }) => name))],
    };
  }

  read(text: string, names?: readonly string[]): Promise<Reading> {
    return this.reading({ text }, names);
  }

  readSeries(data: ArrayLike<number>, names?: readonly string[]): Promise<Reading> {
    return this.reading({ data }, names);
  }

  async cut({ units, gates = [], ...given }: Cut["given"]): Promise<Cut["back"]> {
    const { model, port } = this;
    const input = this.inputOf(given);
    const hold: HeldPlace[] = [
      ...units.map(({ layer, unit }) => ({ name: this.keyOf(layer), unit })),
      ...gates.map(({ layer, gate, unit, value }) => ({ name: this.keyOf(layer, gate), unit, value })),
    ];
    const whole = this.said(await traceOf(model, port, input.data, { names: [], hold: [] }), input);
    const cut = this.said(await traceOf(model, port, input.data, { names: [], hold }), input);
    const effects = whole.all.map((before, k) => {
      const [a, b] = [before, cut.all[k]!].map(({ data, width }) => ({ shape: [data.length / width, width], data }));
      // What predicts tokens is compared as what it stands for.
      const logits = before === whole.predicted && logitsOf(before) === before.data;
      return { name: before.name, ...effectOn(a!, b!, { as: logits ? "logits" : undefined }) };
    });
    return {
      ...{ predictions: cut.predictions, outputs: cut.outputs },
      ...{ loss: lossOf(cut.predictions), whole: lossOf(whole.predictions) },
      effects: effects.map(({ name, largest, divergence }) => ({ name, largest, divergence })),
    };
  }

  async nearest(
    { step, layer, count, corpus, ...given }: Nearest["given"],
    signal?: AbortSignal,
  ): Promise<Nearest["back"]> {
    const key = this.keyOf(layer);
    const own = this.inputOf(given);
    const { values } = await traceOf(this.model, this.port, own.data, { names: [placeOf(key).name] });
    const { data, shape } = values[key]!;
    const width = shape[2]!;
    expectInteger("step", step, { min: 0, max: shape[0]! - 1 });
    const to = Array.prototype.slice.call(data, step * width, (step + 1) * width) as number[];
    const carries = corpus !== undefined && (await this.carriesOn());
    const elsewhere = corpus === undefined ? own : this.inputOf(corpus, carries ? MAXIMUM_CORPUS : MAX_TOKENS);
    const pieces = corpus === undefined ? [{ shape, data }] : this.statesOver(elsewhere, key, carries);
    const without = corpus === undefined ? nearTo(step) : undefined;
    const found = await nearestPlaces(pieces, { to, count, apart: APART, without, signal });
    return { steps: elsewhere.steps, places: this.passages(found, elsewhere) };
  }

  close(): void {
    this.model.close();
  }

  /** Values of a layer over a corpus: piece by piece where the model can go on with its states, else at once. */
  private async *statesOver({ data, steps }: Input, key: string, carries: boolean): AsyncGenerator<StatePiece, void> {
    const { channels } = this.port;
    const length = carries ? PIECE : steps;
    const names = [placeOf(key).name];
    let states = {};
    for (let firstStep = 0; firstStep < steps; firstStep += length) {
      const piece = data.slice(firstStep * channels, (firstStep + length) * channels);
      const traced = await traceOf(this.model, this.port, piece, { names }, states);
      if (carries) states = statesAfter(this.model, traced);
      yield { ...traced.values[key]!, firstStep };
    }
  }

  private passages(places: Parameters<typeof passagesOf>[0], { data, steps }: Input) {
    const { tokenizer, tokens, port } = this;
    if (tokenizer)
      return passagesOf(places, AROUND.text, (from, to) => tokenizer.decode(data.slice(Math.max(0, from), to)));
    const labels = tokens ? data.map((v) => tokens[v]!) : labelsOf(data, port.channels);
    return passagesOf(places, AROUND.numbers, (from, to) =>
      labels.slice(Math.max(0, from), Math.min(steps, to)).join(" "),
    ).map((place) => ({ ...place, before: `${place.before} `, after: ` ${place.after}` }));
  }

  private carriesOn(): Promise<boolean> {
    this.carries ??= carriesOn(this.model, this.port, this.facts.vocabularySize);
    return this.carries;
  }

  /** The name of a value of a layer; default of that which others read. */
  private keyOf(layer: number, name?: string): string {
    const of = this.facts.layers[layer];
    if (of === undefined)
      throw new UsageError(
        "out-of-range",
        `layer: the model has ${this.facts.layers.length}, counted from 0; got ${layer}`,
      );
    return keyOf(of, name ?? this.shown.get(of)!);
  }

  private inputOf(given: Given, most = MAX_TOKENS): Input {
    const { channels, steps: fixed, whole } = this.port;
    if ("text" in given && !this.tokenizer)
      throw new UsageError(
        "reads-numbers",
        whole
          ? "this model reads token numbers and its file does not say what they stand for: give its tokenizer.json too, or the numbers"
          : `this model reads numbers, ${channels} a step, not text`,
      );
    const read = "text" in given ? encoded(this.tokenizer!, given.text, most) : undefined;
    const all = read?.tokens ?? (given as { data: ArrayLike<number> }).data;
    if (all.length === 0) throw new UsageError("no-tokens", "there is no number to read");
    if (all.length % channels !== 0)
      throw new UsageError(
        "bad-series",
        `this model reads ${channels} numbers a step; ${all.length} are no whole steps`,
      );
    const steps = Math.min(fixed ?? most, all.length / channels);
    if (fixed !== undefined && steps < fixed)
      throw new UsageError("bad-series", `this model reads exactly ${fixed} steps, got ${steps}`);
    return {
      data: Array.prototype.slice.call(all, 0, steps * channels) as number[],
      ...{ steps, leftOut: read?.leftOut ?? [], cut: read?.cut === true || all.length > steps * channels },
    };
  }

  private async reading(given: Given, names?: readonly string[]): Promise<Reading> {
    const { model, port, tokens } = this;
    const input = this.inputOf(given);
    const { data, steps, leftOut, cut } = input;
    const traced = await traceOf(model, port, data, { names });
    const values = valuesOf(traced, steps, this.facts.layers);
    if (values.length === 0)
      throw notOne("its recurrent layers see other steps than its input has: there is nothing to lay over the input");
    const { predictions, outputs } = this.said(traced, input);
    return {
      ...{ values, predictions, outputs, leftOut, cut, loss: lossOf(predictions) },
      tokens: tokens ? data.map((v) => tokens[v]!) : labelsOf(data, port.channels),
    };
  }

  /** What the model said of its input: its outputs, states left out, and those that predict tokens as predictions. */
  private said(traced: Traced, { data, steps }: Input) {
    const { tokens } = this;
    const all = withoutStates(this.model).outputs.flatMap(
      ({ name }): ReadOutput | [] => outputOf(name, traced.outputs[name]!, { steps, probed: this.probed[name]! }) ?? [],
    );
    const predicted = tokens && all.find(({ width, everyStep }) => everyStep && width === tokens.length);
    const predictions: readonly TokenPrediction[] = predicted ? predictionsOf(tokens!, data, logitsOf(predicted)) : [];
    return { all, predicted, predictions, outputs: predicted ? [] : all };
  }
}

import type { Machine } from "../compute/machine.ts";
import { learnedTensors } from "../formats/onnx/learned.ts";
import { type Model, open } from "../formats/open.ts";
import type { ModelArray, ModelResult } from "../formats/plans.ts";
import type { ModelPort } from "../formats/runnable.ts";
import { FailureError, UsageError } from "../shared/errors.ts";
import { size } from "../shared/shapes.ts";
import type { Tokenizer } from "../text/tokenizer.ts";
import { tokenizerFromJSON } from "../text/tokenizer-from-json.ts";
import { encoded } from "./encode.ts";
import type { OpenedModel } from "./opened-model.ts";
import { lossOf, predictionsOf } from "./predictions.ts";
import { MAXIMUM_TOKENS, type Reading, type ReadOutput, type ReadValue } from "./protocol.ts";

export interface OpenSequenceModelOptions {
  readonly file: Uint8Array | Blob;
  readonly name: string;
  /** The content of a tokenizer.json, for a model of tokens that is to read text. */
  readonly tokenizer?: string | undefined;
  readonly machine: Machine;
}

/** Outputs of more numbers stay in the worker. */
const MAXIMUM_OUTPUT = 2 ** 22;
/** Steps of the first run, which shows what the model is. */
const PROBE = 3;

/** How a model takes one sequence. */
interface SequencePort {
  readonly name: string;
  readonly whole: boolean;
  readonly channels: number;
  readonly batchFirst: boolean;
  /** Where the file fixes them. */
  readonly steps: number | undefined;
}

/**
 * Opens a model file of any format as a model of one sequence. How it wants the sequence is found by running it once: what its
 * recurrent layers see must be one example.
 *
 * @throws UsageError "not-a-sequence-model", "bad-tokenizer"; FailureError "bad-model"; what `open` of `longshort/formats` throws
 */
export async function openSequenceModel(options: OpenSequenceModelOptions): Promise<OpenedModel> {
  const { file, name, machine } = options;
  const tokenizer = options.tokenizer === undefined ? undefined : parsedTokenizer(options.tokenizer);
  const model = await open(file instanceof Blob && !(file instanceof File) ? new File([file], name) : file, {
    machine,
  });
  try {
    const { port, first } = await probe(model);
    const bound = port.whole ? await boundOf(model, port) : undefined;
    if (tokenizer && (!port.whole || (bound !== undefined && bound !== tokenizer.vocabularySize)))
      throw new FailureError(
        "bad-model",
        port.whole
          ? `its tokenizer has ${tokenizer.vocabularySize} tokens, its model ${bound}: they are not of one model`
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

const notOne = (why: string): UsageError => new UsageError("not-a-sequence-model", why);

/** Finds how the model takes a sequence, with what it gave for a short one. */
async function probe(model: Model): Promise<{ port: SequencePort; first: Traced }> {
  const states = model.states.map(({ input }) => input);
  const others = model.inputs.filter(({ name, optional }) => !optional && !states.includes(name));
  const [given] = others;
  if (!given || others.length > 1)
    throw notOne(
      `a page gives a model one sequence; this one wants ${others.map(({ name }) => `"${name}"`).join(", ") || "nothing"}`,
    );
  const ports = [true, false].flatMap((batchFirst) => sequencePort(given, batchFirst) ?? []);
  if (ports.length === 0)
    throw notOne(
      `its input "${given.name}" has shape [${(given.shape ?? ["?"]).map((n) => n ?? "?").join(", ")}], which is no one sequence`,
    );
  let why: unknown;
  for (const port of ports)
    try {
      const data = new Float64Array((port.steps ?? PROBE) * port.channels);
      const first = await traceOf(model, port, data);
      const shapes = Object.values(first.values).map(({ shape }) => shape);
      if (shapes.length > 0 && shapes.every(([, batch]) => batch === 1)) return { port, first };
    } catch (error) {
      why = error;
    }
  if (why) throw why;
  throw notOne("there is no recurrent layer in it whose steps can be shown");
}

/** The port, if it can take one sequence in this order of axes. */
function sequencePort({ name, type = "float32", shape }: ModelPort, batchFirst: boolean): SequencePort | undefined {
  const whole = !/^(b?float)/.test(type);
  if (shape?.length !== (whole ? 2 : 3)) return undefined;
  const [batch, time] = batchFirst ? [shape[0], shape[1]] : [shape[1], shape[0]];
  if (typeof batch === "number" && batch !== 1) return undefined;
  const channels = whole ? 1 : shape[2];
  if (typeof channels !== "number" || channels < 1) return undefined;
  return { name, whole, channels, batchFirst, steps: typeof time === "number" ? time : undefined };
}

type Traced = Awaited<ReturnType<Model["trace"]>>;

function inputsOf(model: Model, port: SequencePort, data: ArrayLike<number>): Record<string, ModelArray> {
  const steps = data.length / port.channels;
  const leading = port.batchFirst ? [1, steps] : [steps, 1];
  // States that the file wants begin as zeros.
  const zeros = model.states.flatMap(({ input }) => {
    const { shape = [], optional } = model.inputs.find(({ name }) => name === input)!;
    const own = shape.map((n) => (typeof n === "number" ? n : 1));
    return optional ? [] : [[input, { shape: own, data: new Float32Array(size(own)) }] as const];
  });
  return {
    [port.name]: { shape: port.whole ? leading : [...leading, port.channels], data },
    ...Object.fromEntries(zeros),
  };
}

const traceOf = (
  model: Model,
  port: SequencePort,
  data: ArrayLike<number>,
  names?: readonly string[],
): Promise<Traced> => model.trace(inputsOf(model, port, data), { names, maximumBytes: 2 ** 28 });

async function boundOf(model: Model, port: SequencePort): Promise<number | undefined> {
  const bounds = await model.bounds(inputsOf(model, port, new Float64Array(port.steps ?? PROBE)));
  return bounds[port.name];
}

class SequenceModel implements OpenedModel {
  readonly facts: OpenedModel["facts"];
  private readonly model: Model;
  private readonly port: SequencePort;
  private readonly tokenizer: Tokenizer | undefined;
  /** What tokens are shown as. */
  private readonly tokens: readonly string[] | undefined;

  constructor(
    model: Model,
    port: SequencePort,
    { first, tokenizer, bound }: { first: Traced; tokenizer: Tokenizer | undefined; bound: number | undefined },
  ) {
    this.model = model;
    this.port = port;
    this.tokenizer = tokenizer;
    this.tokens = tokenizer?.tokens ?? (bound ? Array.from({ length: bound }, (_, k) => String(k)) : undefined);
    const keys = Object.keys(first.values).map(placeOf);
    const layers = [...new Set(keys.map(({ layer }) => layer))];
    const last = Object.values(first.values).at(-1)!;
    this.facts = {
      ...{ format: model.format, channels: port.channels, steps: port.steps, conventions: model.conventions },
      ...{ layers, vocabularySize: bound, parameters: countOf(model), cell: cellsOf(model) },
      reads: tokenizer ? "text" : port.whole ? "tokens" : "numbers",
      hiddenSize: last.shape[2]!,
      names: [...new Set(keys.map(({ name }) => name))],
    };
  }

  async read(text: string, names?: readonly string[]): Promise<Reading> {
    if (!this.tokenizer)
      throw new UsageError(
        "reads-numbers",
        this.port.whole
          ? "this model reads token numbers and its file does not say what they stand for: give its tokenizer.json too, or the numbers"
          : `this model reads numbers, ${this.port.channels} a step, not text`,
      );
    const { tokens, leftOut, cut } = encoded(this.tokenizer, text);
    const reading = await this.reading(tokens, names);
    return { ...reading, leftOut, cut: cut || reading.cut };
  }

  async readSeries(data: ArrayLike<number>, names?: readonly string[]): Promise<Reading> {
    const { channels } = this.port;
    if (data.length === 0) throw new UsageError("no-tokens", "there is no number to read");
    if (data.length % channels !== 0)
      throw new UsageError(
        "bad-series",
        `this model reads ${channels} numbers a step; ${data.length} are no whole steps`,
      );
    return this.reading(data, names);
  }

  async cut(): Promise<never> {
    throw new UsageError("not-cut", "units are cut from language models of this package only");
  }

  async nearest(): Promise<never> {
    throw new UsageError("not-cut", "states are searched for language models of this package only");
  }

  close(): void {
    this.model.close();
  }

  private async reading(all: ArrayLike<number>, names?: readonly string[]): Promise<Reading> {
    const { port, model, tokens } = this;
    const { channels } = port;
    const most = port.steps ?? MAXIMUM_TOKENS;
    const steps = Math.min(most, all.length / channels);
    if (port.steps !== undefined && steps < port.steps)
      throw new UsageError("bad-series", `this model reads exactly ${port.steps} steps, got ${steps}`);
    const data = Array.prototype.slice.call(all, 0, steps * channels) as number[];
    const traced = await traceOf(model, port, data, names);
    const values = valuesOf(traced, steps, this.facts.layers);
    if (values.length === 0)
      throw notOne("its recurrent layers see other steps than its input has: there is nothing to lay over the input");
    const outputs = Object.entries(traced.outputs).flatMap(([name, output]) => outputOf(name, output, steps) ?? []);
    const predicted = tokens && outputs.find(({ width, everyStep }) => everyStep && width === tokens.length);
    const predictions = predicted && tokens ? predictionsOf(tokens, data, logitsOf(predicted)) : [];
    return {
      ...{ values, predictions, leftOut: [], cut: all.length > steps * channels },
      tokens: tokens ? data.map((v) => tokens[v]!) : labelsOf(data, channels),
      loss: lossOf(predictions),
      outputs: port.whole ? [] : outputs.filter((output) => !this.isState(output.name)),
    };
  }

  private isState(name: string): boolean {
    return this.model.states.some(({ output }) => output === name);
  }
}

/** `LAYER.VALUE`, or `LAYER.VALUE_reverse` of the direction that reads from the end. */
function placeOf(key: string): { layer: string; name: string } {
  const reverse = key.endsWith("_reverse");
  const plain = reverse ? key.slice(0, -"_reverse".length) : key;
  const sum = plain.lastIndexOf(".pre.");
  const dot = sum < 0 ? plain.lastIndexOf(".") : sum;
  return { layer: `${plain.slice(0, dot)}${reverse ? " ←" : ""}`, name: plain.slice(dot + 1) };
}

const valuesOf = ({ values }: Traced, steps: number, layers: readonly string[]): ReadValue[] =>
  Object.entries(values).flatMap(([key, { shape, data }]) => {
    const { layer, name } = placeOf(key);
    if (shape[0] !== steps) return [];
    return [{ name, layer: layers.indexOf(layer), units: shape[2]!, data: Float32Array.from(data) }];
  });

/** An output of one sequence: its numbers at every step, or at the end. */
function outputOf(name: string, { shape, data }: ModelResult, steps: number): ReadOutput | undefined {
  if (data.length > MAXIMUM_OUTPUT || data.length === 0) return undefined;
  const axes = shape.filter((n) => n !== 1);
  const numbers = Float32Array.from(data);
  if (steps > 1 && axes[0] === steps && axes.length <= 2)
    return { name, everyStep: true, width: data.length / steps, data: numbers };
  return axes.length <= 1 ? { name, everyStep: false, width: data.length, data: numbers } : undefined;
}

/** Whatever a model of tokens gives as logits: it may end in probabilities. Logarithms of them are logits as they are. */
function logitsOf({ data, width }: ReadOutput): Float32Array {
  let sum = 0;
  for (let k = 0; k < width; k++) sum += data[k]!;
  const probabilities = Math.abs(sum - 1) < 1e-3 && data.every((p) => p >= 0);
  return probabilities ? data.map(Math.log) : data;
}

/** The numbers over the steps; of several a step the number of the step. */
const labelsOf = (data: readonly number[], channels: number): string[] =>
  channels === 1
    ? data.map((v) => String(Number(v.toPrecision(3))))
    : Array.from({ length: data.length / channels }, (_, t) => String(t));

function countOf({ file: { content } }: Model): number {
  const weights =
    content.kind === "graph"
      ? learnedTensors(content.graph.graph)
      : content.kind === "network"
        ? content.network.weights
        : new Map<string, { readonly shape: readonly number[] }>();
  return [...weights.values()].reduce((n, { shape }) => n + size(shape), 0);
}

/** Kinds of cells, as they come in the file. */
function cellsOf({ file: { content } }: Model): string {
  const cells =
    content.kind === "graph"
      ? content.graph.graph.nodes.map(({ op }) => op.toLowerCase()).filter((op) => ["rnn", "lstm", "gru"].includes(op))
      : content.kind === "network"
        ? [...content.network.layers.values()].flatMap((spec) =>
            spec.kind === "recurrent"
              ? [spec.cell.name]
              : spec.kind === "bidirectional"
                ? [spec.forward.cell.name]
                : [],
          )
        : [];
  return [...new Set(cells)].join("+");
}

import { lstm } from "../../../src/cells/lstm.ts";
import { type HeatMapOptions, heatMapLegend, renderHeatMap } from "../../../src/explain/heat-map.ts";
import { type TraceTextOptions, traceText } from "../../../src/explain/trace-text.ts";
import { derivatives } from "../../../src/print/latex-derivatives.ts";
import { type EquationOptions, equations } from "../../../src/print/latex-equations.ts";
import { type BeamSearchOptions, beamSearch } from "../../../src/run/beam-search.ts";
import {
  type GenerateOptions,
  type GenerateTokensOptions,
  generate,
  generateTokens,
} from "../../../src/run/generate.ts";
import { type GenerateBatchOptions, generateBatch } from "../../../src/run/generate-batch.ts";
import { quantize } from "../../../src/run/quantize.ts";
import { candidates, type SampleOptions } from "../../../src/run/sample.ts";
import { openSession, type SessionOptions } from "../../../src/run/session.ts";
import { openStreams, type StreamsOptions } from "../../../src/run/streams.ts";
import { type SurprisalOptions, surprisal } from "../../../src/run/surprisal.ts";
import { type ReadOptions, TextWriter } from "../../../src/run/text-writer.ts";
import { layoutParameters } from "../../../src/tensor/parameter.ts";
import { createParameters } from "../../../src/tensor/parameter-store.ts";
import { trainTokenizer } from "../../../src/text/train-tokenizer.ts";
import { tinyModel } from "../../support/tiny-run.ts";
import { type EffectTable, outcomeOf, shows } from "./effects.ts";
import { machine } from "./on-reference.ts";

const tokenizer = await trainTokenizer("ab abc\n<end>", { kind: "grapheme", specialTokens: ["<end>"] });
const model = tinyModel({ vocabularySize: tokenizer.vocabularySize });
const fresh = (seed = 1) => createParameters({ machine, layout: layoutParameters(model), seed });
const parameters = await fresh();
// So that what the model says is far from even.
for (const name of parameters.names)
  parameters.write(
    name,
    (await parameters.read(name)).map((x) => 3 * x),
  );
/** Those of a model that soon says the end. */
const ending = await fresh();
ending.write("head.bias", (await ending.read("head.bias")).fill(9, tokenizer.vocabularySize - 1));
/** The same, rounded to 8 bits. */
const rounded = await fresh();
for (const name of parameters.names) rounded.write(name, await parameters.read(name));
await quantize({ model, parameters: rounded });
const session = await openSession({ model, parameters, machine });

/** All pieces, and why it ended. */
async function written(source: AsyncGenerator<unknown, unknown>): Promise<unknown> {
  const pieces: unknown[] = [];
  for (;;) {
    const { done, value } = await source.next();
    if (done) return [pieces, value];
    pieces.push(value);
  }
}

const aborted = AbortSignal.abort();
const writing = {
  temperature: [0],
  length: [4],
  seed: [7],
  repetitionPenalty: [3],
  repetitionWindow: [1, { repetitionPenalty: 3 }],
  stop: [["c"]],
  endTokens: [["<end>"]],
  signal: [aborted],
  topK: [1],
  topP: [0.3],
  minP: [0.9],
  typicalP: [0.2],
} as const;
const base = { endTokens: [], length: 30, temperature: 1.2, prompt: "ab" };

/** What is written from many seeds after a prompt. */
async function prompted(prompt: string): Promise<unknown> {
  const texts: unknown[] = [];
  for (let seed = 0; seed < 12; seed++)
    texts.push(await written(generate({ session, tokenizer, ...base, prompt, seed })));
  return texts;
}

const heat: HeatMapOptions = {
  columns: Array.from("abcdefghijklmnopqrstuvwxyz"),
  rows: [{ label: "x", values: Array.from({ length: 26 }, (_, k) => k / 26) }],
  low: 0,
  high: 1,
} as never;

export const running: EffectTable = {
  generate: shows((options: Partial<GenerateOptions>) => written(generate({ session, tokenizer, ...options })), base, {
    ...writing,
    prompt: async () => [await prompted("ab"), await prompted("e  ")],
  } as object),
  generateTokens: shows(
    (options: Partial<GenerateTokensOptions>) => written(generateTokens({ session, tokenizer, ...options })),
    base,
    { ...writing, prompt: ["a"], alternatives: [2] } as object,
  ),
  "TextWriter.write": shows(
    async (options: Omit<GenerateTokensOptions, "session" | "tokenizer">) => {
      const writer = new TextWriter({ session, tokenizer });
      await writer.read("ab");
      return written(writer.write(options));
    },
    { endTokens: [], length: 30, temperature: 1.2 },
    { ...writing, alternatives: [2] } as object,
  ),
  "TextWriter.read": shows(
    async (options: ReadOptions) => {
      const writer = new TextWriter({ session, tokenizer });
      const before = session.steps;
      await outcomeOf(() => writer.read("abc", options));
      return session.steps - before;
    },
    {},
    { signal: [AbortSignal.abort()] },
  ),
  generateBatch: shows(
    (options: Partial<GenerateBatchOptions>) =>
      generateBatch({ model, parameters, machine, tokenizer, prompts: ["ab", "b", "c"], ...options }),
    { endTokens: [], length: 30, temperature: 1.2 },
    {
      ...writing,
      // Without influence on what is written: it is looked at.
      batchSize: async () => [
        await outcomeOf(() =>
          generateBatch({ model, parameters, machine, tokenizer, prompts: ["a"], length: 2, batchSize: 1 }),
        ),
        await outcomeOf(() =>
          generateBatch({ model, parameters, machine, tokenizer, prompts: ["a"], length: 2, batchSize: 0 }),
        ),
      ],
      parameters: [rounded],
    } as object,
  ),
  beamSearch: shows(
    (options: Partial<BeamSearchOptions>) =>
      outcomeOf(() => beamSearch({ model, parameters, machine, tokenizer, ...options })),
    { length: 6 },
    {
      ...{
        prompt: ["a"],
        length: [3],
        count: [2],
        stop: [["e"]],
        parameters: [rounded],
        signal: [aborted],
      },
      // At most as many are returned as are kept.
      beams: async () => {
        const of = (beams: object) =>
          outcomeOf(() => beamSearch({ model, parameters, machine, tokenizer, length: 3, count: 5, ...beams }));
        return [await of({}), await of({ beams: 5 })];
      },
      lengthPenalty: [0],
      endTokens: [[], { parameters: ending }],
    } as object,
  ),
  candidates: shows(
    (options: SampleOptions) => candidates([1, 2, 0.5, 3, 2.5], options),
    {},
    {
      ...{ temperature: [0.5], topK: [2], topP: [0.5], minP: [0.5], typicalP: [0.5], exclude: [[3]] },
    },
  ),
  openSession: shows(
    async (options: Partial<SessionOptions>) => {
      const one = await openSession({ model, parameters, machine, ...options });
      const said = await one.next(new Array(options.batchSize ?? 1).fill(1));
      one.close();
      return said;
    },
    {},
    { batchSize: [2], parameters: [rounded] },
  ),
  openStreams: shows(
    async (options: Partial<StreamsOptions>) => {
      const streams = await openStreams({ model, parameters, machine, capacity: 2, ...options });
      const said = await streams.next([streams.open()], [1]);
      streams.close();
      return said;
    },
    {},
    { parameters: [rounded] },
  ),
  surprisal: shows(
    (options: Partial<SurprisalOptions>) =>
      outcomeOf(() => written(surprisal({ session, tokenizer, text: "ab ab", ...options }))),
    {},
    { alternatives: [2], signal: [aborted] },
  ),
  traceText: shows(
    (options: Partial<TraceTextOptions>) =>
      outcomeOf(() => traceText({ model, parameters, machine, tokenizer, text: "ab", ...options })),
    {},
    {
      names: [["f"]],
      gradients: [true],
      hold: [[{ name: "f_l0", value: 0 }]],
      maxBytes: [1],
      signal: [aborted],
    } as object,
  ),
  renderHeatMap: shows((options: HeatMapOptions) => renderHeatMap(options), heat, {
    title: ["title"],
    width: [20],
    color: [true],
  } as object),
  heatMapLegend: shows(
    (options: HeatMapOptions) => heatMapLegend(options),
    { low: 0, high: 1 } as never,
    { color: [true] } as object,
  ),
  equations: shows((options: EquationOptions) => equations(lstm(), options), {}, { notation: ["note"] } as object),
  derivatives: shows((options: EquationOptions) => derivatives(lstm(), options), {}, { notation: ["note"] } as object),
};

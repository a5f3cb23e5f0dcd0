import { lstm } from "../../../src/cells/lstm.ts";
import {
  changeRate,
  type DeadUnitsOptions,
  deadUnits,
  memoryLength,
  pace,
  type SaturationOptions,
  saturation,
  unitsThatFollow,
} from "../../../src/explain/analysis.ts";
import { effectOn } from "../../../src/explain/effect.ts";
import { type GradientFlowOptions, gradientFlow } from "../../../src/explain/gradient-flow.ts";
import { type NearestPlacesOptions, nearestPlaces } from "../../../src/explain/nearest-places.ts";
import { type NearestStatesOptions, nearestStates } from "../../../src/explain/nearest-states.ts";
import { normsOverTime } from "../../../src/explain/norms.ts";
import { type TraceInput, type TraceOptions, trace, traceInChunks } from "../../../src/explain/trace.ts";
import type { Traced } from "../../../src/explain/traced-array.ts";
import { type ExampleOptions, seriesOf } from "../../../src/explain/traced-array.ts";
import { recurrent } from "../../../src/layers/recurrent.ts";
import { layoutParameters } from "../../../src/tensor/parameter.ts";
import { createParameters } from "../../../src/tensor/parameter-store.ts";
import { tinyModel } from "../../support/tiny-run.ts";
import { type EffectTable, outcomeOf, shows } from "./effects.ts";
import { machine, numbers } from "./on-reference.ts";

const model = tinyModel({ numLayers: 2 });
const parameters = await createParameters({ machine, layout: layoutParameters(model), seed: 1 });
const run = { model, parameters, machine };
const data = Array.from({ length: 12 }, (_, k) => (k * k) % 5);
const h = { h: new Float32Array(2 * 6).fill(0.5) };

const traced = {
  name: "i",
  layer: 0,
  reverse: false,
  steps: 4,
  batch: 2,
  units: 3,
  shape: [4, 2, 3],
  data: Float64Array.from(numbers(24)),
} as never;
const near = { count: [2], apart: [3], without: [(step: number) => step < 5] } as const;

/** Values and gradients, without what is no number. */
const all = async (input: TraceInput, options: TraceOptions) => {
  const { values, gradients } = await trace(run, input, options);
  return [values, gradients];
};

type Both = Omit<TraceInput, "data"> & TraceOptions & { readonly steps?: number };
const names = ["batchSize", "lengths", "initial"] as const;
const halves = (options: Both) => {
  const given = Object.entries(options);
  const isInput = ([name]: [string, unknown]): boolean => (names as readonly string[]).includes(name);
  return [
    { data, ...Object.fromEntries(given.filter(isInput)) } as TraceInput,
    Object.fromEntries(given.filter((one) => !isInput(one))) as TraceOptions,
  ] as const;
};

const layer = recurrent({ cell: lstm(), inputSize: 2, hiddenSize: 3 });
const ofLayer = await createParameters({ machine, layout: layoutParameters(layer), seed: 1 });
const seeded = async (from: number): Promise<unknown> => {
  const of = { model: layer, parameters: ofLayer };
  return (await trace(of, { data: numbers(8) }, { gradients: true, outputGradient: numbers(12, from) })).gradients;
};

const ofExample = (measure: (options: ExampleOptions) => unknown) => shows(measure, {}, { example: [1] });

export const explaining: EffectTable = {
  changeRate: ofExample((options) => changeRate(traced, options)),
  pace: ofExample((options) =>
    pace(traced, { ...(traced as Traced), data: Float64Array.from(numbers(24, 5)) }, options),
  ),
  memoryLength: ofExample((options) =>
    memoryLength({ shape: [4, 2, 3], data: Float64Array.from(numbers(24), Math.abs) }, options),
  ),
  unitsThatFollow: ofExample((options) => unitsThatFollow(traced, [1, 2, 4, 3], options)),
  seriesOf: ofExample((options) => seriesOf(traced, 1, options)),
  normsOverTime: ofExample((options) => normsOverTime(traced, options)),
  saturation: shows(
    (options: SaturationOptions) => saturation(traced, options),
    {},
    {
      ...{ low: [0.5], high: [0.95], example: [1] },
    },
  ),
  deadUnits: shows(
    (options: DeadUnitsOptions) => deadUnits(traced, options),
    { range: 1.5 },
    { range: [10], example: [1] },
  ),
  effectOn: shows(
    (options: { as?: "numbers" | "logits" }) =>
      effectOn({ shape: [1, 2], data: [1, 2] }, { shape: [1, 2], data: [2, 1] }, options),
    {},
    { as: ["logits"] },
  ),
  gradientFlow: shows(
    (options: Omit<GradientFlowOptions, "machine">) => outcomeOf(() => gradientFlow({ machine, ...options })),
    { cell: lstm(), hiddenSize: 3, steps: 4 },
    {
      ...{
        steps: [5],
        hiddenSize: [4],
        inputSize: [2],
        seed: [1],
        scale: [2],
        bias: [{ f: 1 }],
        initialize: ["keras"],
        signal: [AbortSignal.abort()],
      },
    } as object,
  ),
  nearestPlaces: shows(
    (options: NearestPlacesOptions) => outcomeOf(() => nearestPlaces([{ shape: [12, 2], data: numbers(24) }], options)),
    { to: [1, 0.5] },
    { to: [[0, 1]], ...near, signal: [AbortSignal.abort()] },
  ),
  nearestStates: shows(
    (options: Omit<NearestStatesOptions, "corpus">) =>
      outcomeOf(() => nearestStates(run, { corpus: data, ...options })),
    { to: numbers(6) },
    { to: [numbers(6, 3)], ...near, layer: [0], name: ["c"], signal: [AbortSignal.abort()] },
  ),
  trace: shows((options: Both) => outcomeOf(() => all(...halves(options))), {}, {
    ...{
      batchSize: [2],
      lengths: [[5, 6], { batchSize: 2 }],
      initial: [h],
      names: [["f"]],
      hold: [[{ name: "f_l0", value: 0 }]],
    },
    ...{ gradients: [true], maxBytes: [1], signal: [AbortSignal.abort()] },
    // Of layers: what gradients are taken of.
    outputGradient: () => Promise.all([seeded(0), seeded(3)]),
  } as object),
  traceInChunks: shows(
    (options: Both) =>
      outcomeOf(async () => {
        const chunks: unknown[] = [];
        for await (const { values } of traceInChunks(run, ...(halves(options) as never as [TraceInput, never])))
          chunks.push(values);
        return chunks;
      }),
    {},
    {
      ...{
        batchSize: [2],
        initial: [h],
        names: [["f"]],
        hold: [[{ name: "f_l0", value: 0 }]],
        maxBytes: [1],
        steps: [3],
        signal: [AbortSignal.abort()],
      },
    } as object,
  ),
};

import { crossEntropy } from "../losses/cross-entropy.ts";
import { mul, variable } from "../math/expression.ts";
import { type LanguageModel, languageModel } from "../models/language-model.ts";
import { runOptions } from "../run/run-options.ts";
import { expectInteger, expectOneOf, UsageError } from "../shared/errors.ts";
import { expectOptions } from "../shared/options.ts";
import { compile, type Executable } from "../tensor/executable.ts";
import { Graph, type Tensor } from "../tensor/graph.ts";
import { pointwise } from "../tensor/operations.ts";
import { namedParameters } from "../tensor/parameter.ts";
import type { ParameterStore } from "../tensor/parameter-store.ts";
import { heldCell, holdable, holds } from "./held-cell.ts";

export interface AblationOptions {
  readonly model: LanguageModel;
  readonly parameters: ParameterStore;
  /** What the model reads and predicts, at least two. */
  readonly tokens: ArrayLike<number>;
}

/** A unit of a layer. */
export interface UnitPlace {
  readonly layer: number;
  readonly unit: number;
}

/** A gate, or another named value of the cell that is no state, of one unit or of all. */
export interface GatePlace {
  readonly layer: number;
  /** "f", "i", …: a name of a trace. */
  readonly gate: string;
  /** Default: all units of the layer. */
  readonly unit?: number | undefined;
  /** What it is at every step; default 0, shut. */
  readonly value?: number | undefined;
}

/**
 * A model from which units can be cut — nobody reads their h any more, neither their own layer, the next, nor the head — and whose
 * gates can be held at a value.
 */
export interface Ablation {
  /** Mean cross-entropy in nats of predicting tokens 1 … T−1 so; nothing given: the whole model. */
  loss(cut?: readonly (UnitPlace | GatePlace)[]): Promise<number>;
  /** The logits [T, V] of the last `loss`. */
  logits(): Promise<ArrayLike<number>>;
  /** Frees the plan; the parameters stay. */
  close(): void;
}

/**
 * Prepares one plan in which every reader of h sees it times a mask and every gate is a mask times itself plus a number, so that
 * cutting others is only another run. The parameters are not changed.
 *
 * @example
 * ```ts
 * const ablation = await openAblation({ ...run, tokens });
 * const whole = await ablation.loss();
 * const forgetful = await ablation.loss([{ layer: 0, gate: "f", value: 0 }]);
 * ```
 * @throws UsageError "no-tokens", "bad-option" for cells with a projected state
 */
export async function openAblation(options: AblationOptions): Promise<Ablation> {
  expectOptions("openAblation", options, { ...runOptions, tokens: 1 });
  const { model, parameters, tokens } = options;
  if (tokens.length < 2) throw new UsageError("no-tokens", "tokens: expected at least two, the second is predicted");
  const { numLayers, hiddenSize, projectionSize, vocabularySize } = model.config;
  if (projectionSize > 0)
    throw new UsageError("bad-option", "units of a projected state are not cut: its numbers belong to no one unit");
  const { machine } = parameters;
  const graph = new Graph({ machine, parameters: parameters.layout });
  const steps = tokens.length - 1;
  const input = graph.input("tokens", [steps, 1], { type: "int", below: vocabularySize });
  const target = graph.input("targets", [steps, 1], { type: "int", below: vocabularySize });
  const keep = Array.from({ length: numLayers }, (_, k) => graph.input(`keep.${k}`, [1, hiddenSize]));
  const held = holdableModel(graph, model, parameters);
  const { parts } = held.parts.rnn;
  const masked = (name: string, by: Tensor): void => {
    const parameter = parts[name];
    if (!parameter) return;
    const w = graph.parameter(parameter);
    graph.substitute(parameter, pointwise({ w, by }, mul(variable("w"), variable("by"))));
  };
  for (let k = 0; k < numLayers; k++) {
    masked(`weight_hh_l${k}`, keep[k]!);
    if (k > 0) masked(`weight_ih_l${k}`, keep[k - 1]!);
  }
  const { output } = held.hidden(input);
  const by = graph.view(keep.at(-1)!, [1, 1, hiddenSize]);
  const logits = held.parts.head.forward(pointwise({ output, by }, mul(variable("output"), variable("by"))));
  graph.output("logits", logits);
  graph.output("loss", crossEntropy(logits, target));
  const executable = await compile(graph, { machine, arenas: { parameters: parameters.arena("parameters") } });
  executable.write("tokens", Array.prototype.slice.call(tokens, 0, steps) as number[]);
  executable.write("targets", Array.prototype.slice.call(tokens, 1) as number[]);
  return ablationOf(executable, model);
}

/** The model with gates that can be held: by the parameters that there are, and inputs for what holds them. */
function holdableModel(graph: Graph, model: LanguageModel, parameters: ParameterStore): LanguageModel {
  const { kind: _, ...config } = model.config;
  const held = languageModel({ ...config, cell: heldCell(model.cell) });
  for (const [name, parameter] of namedParameters(held)) {
    const own = parameters.layout.names.get(name);
    graph.substitute(parameter, own ? graph.parameter(own) : graph.input(name, parameter.shape));
  }
  return held;
}

/** The input that holds a value of a layer, as `holdableModel` names it. */
const inputOf = (weight: string, layer: number): string => `rnn.weight_${weight}_l${layer}`;

function ablationOf(executable: Executable, { config, cell }: LanguageModel): Ablation {
  const { numLayers, hiddenSize } = config;
  const names = holdable(cell);
  const filled = (value: number): Float32Array => new Float32Array(hiddenSize).fill(value);
  return {
    async loss(cut = []) {
      const inputs = new Map<string, Float32Array>();
      for (let layer = 0; layer < numLayers; layer++) {
        inputs.set(`keep.${layer}`, filled(1));
        for (const { keep, held } of names.map(holds)) {
          inputs.set(inputOf(keep, layer), filled(1));
          inputs.set(inputOf(held, layer), filled(0));
        }
      }
      for (const place of cut) {
        const { layer, unit } = place;
        expectInteger("layer", layer, { min: 0, max: numLayers - 1 });
        if (unit !== undefined) expectInteger("unit", unit, { min: 0, max: hiddenSize - 1 });
        const [from, to] = unit === undefined ? [0, hiddenSize] : [unit, unit + 1];
        if ("gate" in place) {
          const { keep, held } = holds(expectOneOf("gate", place.gate, names));
          inputs.get(inputOf(keep, layer))!.fill(0, from, to);
          inputs.get(inputOf(held, layer))!.fill(place.value ?? 0, from, to);
        } else inputs.get(`keep.${layer}`)!.fill(0, from, to);
      }
      for (const [name, data] of inputs) executable.write(name, data);
      executable.run();
      return (await executable.read("loss"))[0]!;
    },
    logits: () => executable.read("logits"),
    close: () => executable.close(),
  };
}

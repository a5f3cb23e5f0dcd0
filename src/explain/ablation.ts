import { crossEntropy } from "../losses/cross-entropy.ts";
import { mul, variable } from "../math/expression.ts";
import type { LanguageModel } from "../models/language-model.ts";
import { expectInteger, UsageError } from "../shared/errors.ts";
import { compile, type Executable } from "../tensor/executable.ts";
import { Graph, type Tensor } from "../tensor/graph.ts";
import { pointwise } from "../tensor/operations.ts";
import type { Parameter } from "../tensor/parameter.ts";
import type { ParameterStore } from "../tensor/parameter-store.ts";

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

/** A model from which units can be cut: nobody reads their h any more, neither their own layer, the next, nor the head. */
export interface Ablation {
  /** Mean cross-entropy in nats of predicting tokens 1 … T−1 with these units cut; none: the whole model. */
  loss(cut?: readonly UnitPlace[]): Promise<number>;
  /** The logits [T, V] of the last `loss`. */
  logits(): Promise<ArrayLike<number>>;
  /** Frees the plan; the parameters stay. */
  close(): void;
}

/**
 * Prepares one plan in which every reader of h sees it times a mask, so that cutting other units is only another run.
 * The parameters are not changed.
 *
 * @throws UsageError "no-tokens", "bad-option" for cells with a projected state
 */
export async function openAblation({ model, parameters, tokens }: AblationOptions): Promise<Ablation> {
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
  const { parts } = model.parts.rnn;
  const masked = (parameter: Parameter | undefined, by: Tensor): void => {
    if (!parameter) return;
    const w = graph.parameter(parameter);
    graph.substitute(parameter, pointwise({ w, by }, mul(variable("w"), variable("by"))));
  };
  for (let k = 0; k < numLayers; k++) {
    masked(parts[`weight_hh_l${k}`], keep[k]!);
    if (k > 0) masked(parts[`weight_ih_l${k}`], keep[k - 1]!);
  }
  const { output } = model.hidden(input);
  const by = graph.view(keep.at(-1)!, [1, 1, hiddenSize]);
  const logits = model.parts.head.forward(pointwise({ output, by }, mul(variable("output"), variable("by"))));
  graph.output("logits", logits);
  graph.output("loss", crossEntropy(logits, target));
  const executable = await compile(graph, { machine, arenas: { parameters: parameters.arena("parameters") } });
  executable.write("tokens", Array.prototype.slice.call(tokens, 0, steps) as number[]);
  executable.write("targets", Array.prototype.slice.call(tokens, 1) as number[]);
  return ablationOf(executable, model);
}

function ablationOf(executable: Executable, { config }: LanguageModel): Ablation {
  const { numLayers, hiddenSize } = config;
  return {
    async loss(cut = []) {
      const keep = Array.from({ length: numLayers }, () => new Float32Array(hiddenSize).fill(1));
      for (const { layer, unit } of cut) {
        expectInteger("layer", layer, { min: 0, max: numLayers - 1 });
        expectInteger("unit", unit, { min: 0, max: hiddenSize - 1 });
        keep[layer]![unit] = 0;
      }
      for (const [k, mask] of keep.entries()) executable.write(`keep.${k}`, mask);
      executable.run();
      return (await executable.read("loss"))[0]!;
    },
    logits: () => executable.read("logits"),
    close: () => executable.close(),
  };
}

import { HeldValues } from "../layers/held-values.ts";
import { crossEntropy } from "../losses/cross-entropy.ts";
import type { LanguageModel } from "../models/language-model.ts";
import { namesOfRun } from "../run/run-options.ts";
import { type Closeable, closing } from "../shared/closing.ts";
import { expectInteger, UsageError } from "../shared/errors.ts";
import { expectOptions } from "../shared/options.ts";
import { compile } from "../tensor/executable.ts";
import { Graph } from "../tensor/graph.ts";
import type { ParameterStore } from "../tensor/parameter-store.ts";

/** Options of `openAblation`. */
export interface AblationOptions {
  readonly model: LanguageModel;
  readonly parameters: ParameterStore;
  /** The text that the model reads and predicts, at least two tokens. */
  readonly tokens: ArrayLike<number>;
}

/** A unit of a layer. */
export interface UnitPlace {
  readonly layer: number;
  readonly unit: number;
}

/** A gate or another named value of the cell, of one unit or of all. */
export interface GatePlace {
  readonly layer: number;
  /** "f", "i", …: a name of a trace. */
  readonly gate: string;
  /** Default: all units of the layer. */
  readonly unit?: number | undefined;
  /** The number at every step. Default 0: closed. */
  readonly value?: number | undefined;
}

/**
 * A model whose units can be ablated and whose gates can be held, for repeated measurements. An ablated unit has h = 0 at every step
 * for its own layer, the next layer and the head; with a projection it contributes nothing to h.
 */
export interface Ablation extends Closeable {
  /**
   * Mean cross-entropy in nats of predicting tokens 1 … T − 1 with these units and gates changed; without arguments of the unchanged
   * model.
   */
  loss(cut?: readonly (UnitPlace | GatePlace)[]): Promise<number>;
  /** Logits [T, V] of the last `loss`. */
  logits(): Promise<ArrayLike<number>>;
  /** Frees the plan; the parameters stay. */
  close(): void;
}

/**
 * Prepares a model for ablations. One plan serves all of them, so each is only another run. The parameters are not changed.
 * @example
 * ```ts
 * const ablation = await openAblation({ ...run, tokens });
 * const whole = await ablation.loss();
 * const forgetful = await ablation.loss([{ layer: 0, gate: "f", value: 0 }]);
 * ```
 * @throws UsageError "no-tokens"
 */
export async function openAblation(options: AblationOptions): Promise<Ablation> {
  expectOptions("openAblation", options, {
    ...{ ...namesOfRun, model: "required", parameters: "required", tokens: "required" },
  });
  const { model, parameters, tokens } = options;
  if (tokens.length < 2) throw new UsageError("no-tokens", "tokens: expected at least two, the second is predicted");
  const { numLayers, vocabularySize } = model.config;
  const { machine } = parameters;
  const graph = new Graph({ machine, parameters: parameters.layout });
  const steps = tokens.length - 1;
  const input = graph.input("tokens", [steps, 1], { type: "int", below: vocabularySize });
  const target = graph.input("targets", [steps, 1], { type: "int", below: vocabularySize });
  const held = new HeldValues(graph);
  const { logits } = model.forward(input, { hold: held.hold });
  graph.output("logits", logits);
  graph.output("loss", crossEntropy(logits, target));
  const executable = await compile(graph, { machine, arenas: parameters.arenas });
  executable.write("tokens", Array.prototype.slice.call(tokens, 0, steps) as number[]);
  executable.write("targets", Array.prototype.slice.call(tokens, 1) as number[]);
  const shown = model.cell.states[0]!.name;
  return closing<Ablation>({
    async loss(cut = []) {
      const places = cut.map((place) => {
        const layer = expectInteger("layer", place.layer, { min: 0, max: numLayers - 1 });
        return "gate" in place
          ? { name: `${place.gate}_l${layer}`, unit: place.unit, value: place.value }
          : { name: `${shown}_l${layer}`, unit: place.unit };
      });
      for (const [name, data] of held.inputs(places)) executable.write(name, data);
      executable.run();
      return (await executable.read("loss"))[0]!;
    },
    logits: () => executable.read("logits"),
    close: () => executable.close(),
  });
}

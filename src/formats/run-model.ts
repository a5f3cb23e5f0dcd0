import { renamed } from "../layers/held-values.ts";
import type { LanguageModel } from "../models/language-model.ts";
import { withGateSums } from "../scan/gate-sums.ts";
import { layoutParameters } from "../tensor/parameter.ts";
import type { NamedTensor } from "../tensor/parameter-store.ts";
import type { Runnable } from "./runnable.ts";
import { tensorOf } from "./value.ts";

/** A language model as the folder of its run holds it. */
export interface LoadedText {
  readonly model: LanguageModel;
  readonly weights: ReadonlyMap<string, NamedTensor>;
}

/** `tokens` [time, batch] to `logits` [time, batch, V]; states `h`, `c` [L, batch, H] come back as `h_out`, `c_out`. */
export function textRunnable({ model, weights }: LoadedText): Runnable {
  const { vocabularySize } = model.config;
  const layout = layoutParameters(model);
  const traceable = new Set(Object.keys(withGateSums(model.cell).named));
  const shapes = Object.entries(model.stateShapes(1)).map(([name, [layers, , width]]) => ({
    ...{ name, type: "float32" as const, optional: true },
    shape: [layers, "batch", width],
  }));
  return {
    layout,
    layers: model,
    folds: false,
    weights,
    inputs: [{ name: "tokens", type: "int64", shape: ["time", "batch"] }, ...shapes],
    outputs: [
      { name: "logits", type: "float32", shape: ["time", "batch", vocabularySize] },
      ...shapes.map(({ name, type, shape }) => ({ name: `${name}_out`, type, shape })),
    ],
    states: shapes.map(({ name }) => ({ input: name, output: `${name}_out` })),
    record({ graph, inputs, trace }) {
      const tokens = tensorOf(graph, inputs.get("tokens")!);
      graph.bound(tokens, vocabularySize);
      const initial = Object.fromEntries(shapes.map(({ name }) => [name, tensorOf(graph, inputs.get(name)!)]));
      const result = model.forward(tokens, {
        initial,
        ...(trace && {
          trace: (trace.names ?? Object.keys(model.cell.named)).filter((name) => traceable.has(name)),
          hold: renamed(trace.hold, (name) => `rnn.${name}`),
        }),
      });
      const finals = shapes.map(({ name }) => [`${name}_out`, result.final[name]!] as const);
      return {
        outputs: new Map(
          [["logits", result.logits] as const, ...finals].map(([name, tensor]) => [
            name,
            { type: "float32", shape: tensor.shape, tensor },
          ]),
        ),
        traces: new Map(Object.entries(result.traces).map(([name, tensor]) => [`rnn.${name}`, tensor])),
        traceable,
      };
    },
  };
}

import { expectOptions } from "../../shared/options.ts";
import { layoutParameters, type Parameter } from "../../tensor/parameter.ts";
import { Program, type ProgramOptions } from "../program.ts";
import type { Runnable } from "../runnable.ts";
import { learnedTensors } from "./learned.ts";
import { type OnnxModel, readOnnx } from "./model.ts";
import { expectSupported, recordGraph } from "./record.ts";
import { Recorder } from "./recorder.ts";
import { startsBackward, statePairs } from "./states.ts";

/**
 * Opens an ONNX model on a machine, from its bytes or from the result of `readOnnx`.
 * @example
 * ```ts
 * const program = openOnnx(bytes, { machine });
 * const { output, stateN } = await program.run({ input, state, sr });
 * ```
 * @throws UsageError "unsupported-onnx" that names the node; FailureError "damaged-onnx"
 */
export function openOnnx(model: OnnxModel | Uint8Array, options: ProgramOptions): Program {
  expectOptions("openOnnx", options, { machine: "required", plans: 1 });
  const read = model instanceof Uint8Array ? readOnnx(model) : model;
  expectSupported(read);
  return new Program(onnxRunnable(read), options);
}

/** A graph of operators as something that a `Program` runs. */
export function onnxRunnable(model: OnnxModel): Runnable {
  const { inputs, outputs } = model.graph;
  const weights = learnedTensors(model.graph);
  const parameters = new Map(
    [...weights].map(([name, { shape, data }]): [string, Parameter] => [name, { shape, initialize: () => data }]),
  );
  return {
    ...{ inputs, outputs, folds: true },
    layout: layoutParameters({ parts: Object.fromEntries(parameters) }),
    weights,
    states: statePairs(inputs, outputs).map((pair) =>
      startsBackward(model.graph, pair.input) ? { ...pair, backward: true } : pair,
    ),
    record({ graph, inputs: given, trace, forms }) {
      const recorder = new Recorder(graph, { parameters, forms, trace });
      const values = recordGraph(model, recorder, given);
      const named = outputs.map(({ name }, k) => [name, values[k]!] as const);
      return { outputs: new Map(named), traces: recorder.traces, traceable: recorder.traceable };
    },
  };
}

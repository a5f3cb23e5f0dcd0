import type { Machine } from "../compute/machine.ts";
import { type RecurrentOptions, recurrent } from "../layers/recurrent.ts";
import { expectInteger } from "../shared/errors.ts";
import { expectOptions } from "../shared/options.ts";
import { RandomStream } from "../shared/random.ts";
import type { Abortable } from "../shared/signal.ts";
import { layoutParameters } from "../tensor/parameter.ts";
import { createParameters } from "../tensor/parameter-store.ts";
import { normsOverTime } from "./norms.ts";
import { trace } from "./trace.ts";

/** Options of `gradientFlow`. */
export interface GradientFlowOptions extends Abortable, Pick<RecurrentOptions, "cell" | "hiddenSize" | "initialize"> {
  readonly machine: Machine;
  /** T */
  readonly steps: number;
  /** D: size of the input. Default 1. */
  readonly inputSize?: number | undefined;
  /** Seed of weights, input and gradient. Default 0. */
  readonly seed?: number | undefined;
  /** Factor for all initial weights and biases: below 1 gradients shrink faster, above 1 they may explode. Default 1. */
  readonly scale?: number | undefined;
  /** Added to the biases of gates by name, for example `{ f: 1 }`, the forget-gate bias of Jozefowicz et al. (2015). */
  readonly bias?: Readonly<Record<string, number>> | undefined;
}

/**
 * Measures how far back the gradients of a new layer reach: the layer reads noise, a gradient of norm 1 is sent back from its last
 * output, and its norm is measured at every step.
 * @returns ‖∂L/∂h_t‖ of every step; the last one is 1
 * @throws the reason of `signal`
 * @see Hochreiter (1991); Bengio, Simard & Frasconi (1994), Learning long-term dependencies with gradient descent is difficult
 */
export async function gradientFlow(options: GradientFlowOptions): Promise<Float64Array> {
  expectOptions("gradientFlow", options, {
    machine: "required",
    steps: "required",
    inputSize: 1,
    seed: 1,
    scale: 1,
    bias: 1,
    cell: "required",
    hiddenSize: "required",
    initialize: 1,
    signal: 1,
  });
  const { machine, cell, hiddenSize, inputSize = 1, seed = 0, scale = 1, bias = {}, signal } = options;
  const steps = expectInteger("steps", options.steps, { min: 1 });
  const model = recurrent({ cell, inputSize, hiddenSize, initialize: options.initialize });
  signal?.throwIfAborted();
  const parameters = await createParameters({ machine, layout: layoutParameters(model), seed });
  try {
    for (const name of parameters.names) {
      const values = Float64Array.from(await parameters.read(name), (v) => v * scale);
      if (name === "bias_ih_l0")
        cell.gates.forEach((gate, k) => {
          for (let unit = 0; unit < hiddenSize; unit++) values[k * hiddenSize + unit]! += bias[gate.name] ?? 0;
        });
      parameters.write(name, values);
    }
    const draw = (purpose: string, n: number): Float64Array => new RandomStream(seed, purpose).normal(n);
    const last = draw("gradient flow: sent back", hiddenSize);
    const length = Math.hypot(...last);
    const back = new Float64Array(steps * hiddenSize);
    back.set(
      last.map((v) => v / length),
      (steps - 1) * hiddenSize,
    );
    const state = cell.states[0]!.name;
    const { gradients } = await trace(
      { model, parameters },
      { data: draw("gradient flow: input", steps * inputSize) },
      { names: [state], gradients: true, outputGradient: back, signal },
    );
    return normsOverTime(gradients[`${state}_l0`]!);
  } finally {
    parameters.close();
  }
}

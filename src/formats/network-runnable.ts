import { withGateSums } from "../scan/gate-sums.ts";
import { layoutParameters } from "../tensor/parameter.ts";
import { cellOf } from "./canonical/cell-of.ts";
import { directionsOf } from "./canonical/directions.ts";
import { Network } from "./canonical/network.ts";
import type { CanonicalInput, CanonicalModel } from "./canonical.ts";
import type { Runnable } from "./runnable.ts";
import { tensorOf } from "./value.ts";

/**
 * A network of layers as something that a `Program` runs, batch first. States of its recurrent layers may be given as inputs
 * `LAYER.h` [batch, H] and come back as `LAYER.h_out`; those left out are zero.
 *
 * @throws what `Network` throws
 */
export function networkRunnable(model: CanonicalModel): Runnable {
  const network = new Network(model);
  const layout = layoutParameters(network);
  const cells = [...model.layers.values()].flatMap(directionsOf).map(cellOf);
  const states = Object.entries(network.states).map(([name, width]) => ({
    ...{ name, type: "float32" as const, optional: true },
    shape: ["batch", width],
  }));
  const ports = (steps: (input: CanonicalInput) => number | string | undefined) => [
    ...model.inputs.map((input) => ({
      ...{ name: input.name, type: input.type === "int" ? ("int64" as const) : ("float32" as const) },
      shape: ["batch", ...input.shape.map((n, axis) => (axis === 0 ? steps(input) : (n ?? undefined)))],
      ...(input.optional && { optional: true }),
    })),
    ...states,
  ];
  const length = ({ shape: [n] }: CanonicalInput) => n ?? "time";
  return {
    layout,
    layers: network,
    folds: false,
    weights: model.weights,
    inputs: ports(length),
    pieces: ports((input) => (isSequence(input) ? "time" : length(input))),
    outputs: [
      ...model.outputs.map(({ name }) => ({ name, type: "float32" as const, shape: undefined })),
      ...states.map(({ name, type, shape }) => ({ name: `${name}_out`, type, shape })),
    ],
    states: states.map(({ name }) => ({
      ...{ input: name, output: `${name}_out` },
      ...(Object.hasOwn(network.backward, name) && { backward: true }),
    })),
    record({ graph, inputs, pieces, trace }) {
      const tensors = new Map([...inputs].map(([name, value]) => [name, tensorOf(graph, value)]));
      const pick = (names: readonly string[]) =>
        Object.fromEntries(names.flatMap((name) => (tensors.has(name) ? [[name, tensors.get(name)!] as const] : [])));
      const result = network.forward(pick(model.inputs.map(({ name }) => name)), {
        initial: pick(states.map(({ name }) => name)),
        pieces,
        ...(trace && {
          trace: trace.names ?? [...new Set(cells.flatMap(({ named }) => Object.keys(named)))],
          hold: trace.hold,
        }),
      });
      const all = [
        ...Object.entries(result.outputs),
        ...states.map(({ name }) => [`${name}_out`, result.final[name]!] as const),
      ];
      return {
        outputs: new Map(all.map(([name, tensor]) => [name, { type: "float32", shape: tensor.shape, tensor }])),
        traces: new Map(Object.entries(result.traces)),
        traceable: new Set(cells.flatMap((cell) => Object.keys(withGateSums(cell).named))),
      };
    },
  };
}

/** Whether the first axis of an input after the batch are steps: of numbers for an embedding, or of vectors. */
const isSequence = ({ shape, type }: CanonicalInput): boolean => shape.length >= (type === "int" ? 1 : 2);

import { UsageError } from "../shared/errors.ts";
import { formatShape } from "../shared/shapes.ts";
import { type ModelPort, type Runnable, withoutStates } from "./runnable.ts";

/** What a session is given and gives: the inputs and outputs of the model without its states. */
export interface SessionPorts {
  readonly inputs: readonly ModelPort[];
  readonly outputs: readonly ModelPort[];
  /** Axes of inputs whose size, a name in the file, is one of the states' too: that of the sequences. */
  readonly batched: readonly { readonly name: string; readonly axis: number; readonly n: string }[];
}

export function sessionPorts({ inputs, pieces = inputs, outputs, states }: Runnable): SessionPorts {
  const ofStates = inputs.filter(({ name }) => states.some(({ input }) => input === name));
  const shared = new Set(ofStates.flatMap(({ shape = [] }) => shape));
  const own = withoutStates({ inputs: pieces, outputs, states });
  return {
    ...own,
    batched: own.inputs.flatMap(({ name, shape = [] }) =>
      shape.flatMap((n, axis) => (typeof n === "string" && shared.has(n) ? [{ name, axis, n }] : [])),
    ),
  };
}

/** By name, the axis of the sequences; undefined for what all have in common. */
export type SequenceAxes = ReadonlyMap<string, number | undefined>;

/**
 * On which axis of each input of a session several sequences are one batch.
 * @throws UsageError "no-batch-axis" where the file does not say it
 */
export function sequenceAxes({ inputs, states }: Runnable, ports: SessionPorts): SequenceAxes {
  for (const { input } of states) {
    const { shape = [] } = inputs.find(({ name }) => name === input)!;
    if (shape.filter((n) => typeof n !== "number").length !== 1) throw noAxis(`state "${input}"`, shape);
  }
  return new Map(
    ports.inputs.map(({ name, shape }) => {
      const axes = ports.batched.filter((one) => one.name === name);
      if (axes.length > 1 || (axes.length === 0 && (!shape || shape.includes(undefined))))
        throw noAxis(`input "${name}"`, shape);
      return [name, axes[0]?.axis];
    }),
  );
}

const noAxis = (what: string, shape: ModelPort["shape"]): UsageError =>
  new UsageError(
    "no-batch-axis",
    `together: ${what}, ${shape ? formatShape(shape.map((n) => n ?? "?")) : "of any shape"}, does not say which of its axes is that of the sequences: it needs one whose name is in the states too; open sessions without \`together\``,
  );

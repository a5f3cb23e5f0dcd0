import type { Cell } from "../../cells/define.ts";
import { type CellSpec, cellByName, sameEquations } from "../../cells/registry.ts";
import type { ActivationSpec, NamedActivation } from "../../math/activations.ts";
import { inferenceCell } from "../../scan/inference-cell.ts";
import { UsageError } from "../../shared/errors.ts";
import type { GatedCell } from "../gate-order.ts";
import { defaultActivations, onnxActivation } from "./activations.ts";

/** A cell as a recurrent node says it. */
export interface NodeForm {
  readonly op: "RNN" | "LSTM" | "GRU";
  readonly kind: GatedCell;
  readonly coupled: boolean;
  readonly peephole: boolean;
  readonly clip: number | undefined;
  readonly resetAfter: boolean;
  /** In the order of the node's f, g, h. */
  readonly activations: readonly NamedActivation[];
}

/** Cells that are recognised by their equations alone. Others are told by `CellSpec`. */
const usual: readonly CellSpec[] = [false, true].flatMap((bias): CellSpec[] => [
  { name: "rnn", options: { bias } },
  { name: "rnn", options: { bias, activation: "relu" } },
  { name: "gru", options: { bias } },
  { name: "gru", options: { bias, resetAfter: false } },
  ...[false, true].flatMap((peephole) =>
    [false, true].map((coupled) => ({ name: "lstm", options: { bias, peephole, coupled } })),
  ),
]);

const slots: Readonly<Record<GatedCell, readonly string[]>> = {
  rnn: ["activation"],
  gru: ["gate", "candidate"],
  lstm: ["gate", "candidate", "output"],
};

/** Options of cells that such a node can say. One more makes other equations. */
const said: readonly string[] = ["bias", "clip", "peephole", "coupled", "resetAfter", ...Object.values(slots).flat()];

const asNode = ({ name, options = {} }: CellSpec): CellSpec => ({
  name,
  options: Object.fromEntries(Object.entries(options).filter(([option]) => said.includes(option))),
});

/**
 * The recurrent node that computes exactly what a cell does where nobody trains it; undefined if there is none.
 *
 * @param spec how the cell was made, where its activations or its clip are not the usual ones
 * @throws UsageError "not-convertible" where the cell was not made so
 */
export function nodeForm(cell: Cell, spec?: CellSpec): NodeForm | undefined {
  if (spec && !sameEquations(cellByName(spec), cell))
    throw new UsageError(
      "not-convertible",
      `cell "${cell.name}" cannot be written as ONNX: its equations are not those of ${JSON.stringify(spec)}`,
    );
  const equations = inferenceCell(cell);
  const candidates = (spec ? [asNode(spec)] : usual).filter(({ name }) => name in slots);
  const known = candidates.find((candidate) => sameEquations(cellByName(candidate), equations));
  if (!known) return undefined;
  const kind = known.name as GatedCell;
  const { options = {} } = known;
  const activations = slots[kind].map((slot, k) => {
    const given = options[slot] as ActivationSpec | undefined;
    if (given === undefined) return { name: defaultActivations[kind][k]! };
    return onnxActivation(typeof given === "string" ? { name: given } : given);
  });
  if (!activations.every((one) => one !== undefined)) return undefined;
  return {
    kind,
    op: kind.toUpperCase() as NodeForm["op"],
    coupled: options.coupled === true,
    peephole: options.peephole === true,
    clip: options.clip as number | undefined,
    resetAfter: options.resetAfter !== false,
    activations,
  };
}

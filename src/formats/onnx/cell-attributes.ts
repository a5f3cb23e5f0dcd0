import type { Cell } from "../../cells/define.ts";
import { type CellSpec, cellByName, sameEquations } from "../../cells/registry.ts";
import type { ActivationSpec, NamedActivation } from "../../math/activations.ts";
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

/**
 * The recurrent node that computes exactly what a cell does.
 *
 * @param spec how the cell was made, where its activations or its clip are not the usual ones
 * @throws UsageError "not-convertible" with the reason
 */
export function nodeForm(cell: Cell, spec?: CellSpec): NodeForm {
  const refuse = (why: string): UsageError =>
    new UsageError("not-convertible", `cell "${cell.name}" cannot be written as an ONNX node: ${why}`);
  if (cell.projections.length > 0) throw refuse("ONNX' LSTM has no projection of the state");
  if (Object.keys(cell.masks).length > 0)
    throw refuse("it has recurrent dropout or zoneout; make the model again with a cell without them");
  const found = spec ? [spec] : usual;
  const known = found.find((candidate) => sameEquations(cellByName(candidate), cell));
  if (!known || !(known.name in slots))
    throw refuse(
      spec
        ? `its equations are not those of ${JSON.stringify(spec)}`
        : "its equations are not those of an RNN, LSTM or GRU with the usual activations; if only activations or clip differ, say how the cell was made (cell: { name, options })",
    );
  const kind = known.name as GatedCell;
  const { options = {} } = known;
  const activations = slots[kind].map((slot, k) => {
    const given = options[slot] as ActivationSpec | undefined;
    if (given === undefined) return { name: defaultActivations[kind][k]! };
    const one: NamedActivation = typeof given === "string" ? { name: given } : given;
    const theirs = onnxActivation(one);
    if (!theirs) throw refuse(`ONNX' recurrent nodes have no activation "${one.name}"`);
    return theirs;
  });
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

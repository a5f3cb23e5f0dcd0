import { passedOn } from "../canonical/passed-on.ts";
import type { CanonicalNode, LayerSpec } from "../canonical.ts";
import type { GraphWriter } from "./graph-writer.ts";

/** A value of a network while it is written. */
export interface WrittenValue {
  /** In the graph. */
  readonly name: string;
  /** How many axes it has, the batch counted. */
  readonly rank: number;
  /** The lengths of its sequences, int64 [B], where not all of its steps count. */
  readonly lengths?: string | undefined;
}

/**
 * The lengths that the outputs of a layer have, by their names; the others have none.
 * @throws what `refuse` makes, for sequences of different lengths that are joined
 */
export function lengthsAfter(
  spec: LayerSpec,
  node: CanonicalNode,
  inputs: readonly WrittenValue[],
  refuse: (why: string) => Error,
): ReadonlyMap<string, string> {
  const carried = (outputs: readonly string[], lengths: string | undefined): ReadonlyMap<string, string> =>
    new Map(lengths === undefined ? [] : outputs.map((output) => [output, lengths]));
  switch (spec.kind) {
    case "lengths":
      if (inputs[0]!.lengths !== undefined) throw refuse("its sequence has lengths already");
      return carried(node.outputs, inputs[1]!.name);
    case "unfold-steps":
      return carried(node.outputs, inputs[1]!.lengths);
    case "combine":
    case "concatenate": {
      const [one, ...others] = new Set(inputs.flatMap(({ lengths }) => lengths ?? []));
      if (others.length > 0) throw refuse("it joins sequences whose lengths are different inputs");
      const overTime = spec.kind === "concatenate" && spec.axis !== -1 && spec.axis !== inputs[0]!.rank - 1;
      return carried(node.outputs, overTime ? undefined : one);
    }
    default:
      return carried(passedOn(spec, node.outputs), inputs[0]!.lengths);
  }
}

/** Prints which steps of [B, T, …] count, bool [B, T]; of [T, B, …] where `axis`, that of the steps, is 0. */
export function writeCounts(
  graph: GraphWriter,
  {
    x,
    axis,
    lengths,
    name,
  }: { readonly x: string; readonly axis: 0 | 1; readonly lengths: string; readonly name: string },
): string {
  const number = (what: string, value: number): string =>
    graph.tensor(`${name}/${what}`, "int64", { shape: [], data: [value] });
  graph.node("Shape", [x], [`${name}/shape`], { start: axis, end: axis + 1 });
  graph.node("Squeeze", [`${name}/shape`, graph.axis(0)], [`${name}/steps`]);
  graph.node("Range", [number("first", 0), `${name}/steps`, number("one", 1)], [`${name}/places`]);
  graph.node("Unsqueeze", [lengths, graph.axis(1)], [`${name}/ends`]);
  graph.node("Less", [`${name}/places`, `${name}/ends`], [name]);
  return name;
}

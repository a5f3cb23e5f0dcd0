import { type Cell, partsOfVariable, type Width } from "../cells/define.ts";
import type { AnyNode, Expression } from "../math/expression.ts";
import { keepValues } from "./kept-values.ts";
import { type PlacedStore, phasesOf } from "./phases.ts";
import type { Products } from "./products.ts";
import type { Phase, Place } from "./program.ts";
import { nodesOf, widthOf } from "./widths.ts";

export interface Forward {
  readonly phases: readonly Phase[];
  /** Nodes of the cell's own equations. */
  readonly nodes: ReadonlySet<AnyNode>;
  readonly means: readonly AnyNode[];
  readonly slots: readonly Width[];
  readonly place: (node: AnyNode, level: number) => Place | undefined;
  /** Where a value of the forward pass lies once the step is done. */
  readonly placeAfter: (node: AnyNode) => Place | undefined;
}

/** Levels, what is kept and where, and the phases of the forward pass. `adjoints`: what the backward pass computes, if there is one. */
export function lowerForward(cell: Cell, found: Products, adjoints: readonly Expression[]): Forward {
  const { panels, operands } = found;
  const order = nodesOf(cell);
  const nodes = new Set(order);
  const width = (n: AnyNode): Width => widthOf(cell, n);
  const means = order.filter((n) => n.op === "mean");
  const nextState = new Map<AnyNode, string>(cell.states.map((s) => [cell.next[s.name]!, s.name] as const).reverse());
  const level = levelsOf(order);

  const stores: PlacedStore[] = [];
  const store = (value: Expression, to: Place): void =>
    void stores.push({ value, to, level: level.get(value)!, width: width(value) });
  operands.forEach((o, operand) => {
    if (o.state === undefined) store(o.node, { kind: "operand", operand });
  });
  for (const s of cell.states)
    stores.push({
      value: cell.next[s.name]!,
      to: { kind: "next", state: s.name },
      level: level.get(cell.next[s.name]!)!,
      width: s.width,
    });
  for (const [name, node] of Object.entries(cell.named)) store(node, { kind: "trace", name });
  const meanJobs = means.map((n, mean) => ({
    mean,
    values: n.args as Expression[],
    level: level.get(n)! - 1,
    width: width(n),
  }));
  const reads = [...stores, ...meanJobs.flatMap((job) => job.values.map((value) => ({ value, level: job.level })))];

  const { slots, slotOf } = keepValues({ order, level, width, nextState, reads, adjoints, found });
  for (const [value, slot] of slotOf) store(value as Expression, { kind: "slot", slot });

  const fixedPlace = (n: AnyNode): Place | undefined => {
    if (panels.has(n)) return { kind: "slot", slot: panels.get(n)! };
    if (n.op === "mean") return { kind: "mean", mean: means.indexOf(n) };
    return n.op === "variable" ? variablePlace(n.name) : undefined;
  };
  const place = (n: AnyNode, at: number, after: boolean): Place | undefined => {
    const ready = after || (level.get(n) ?? 0) < at;
    if (ready && slotOf.has(n)) return { kind: "slot", slot: slotOf.get(n)! };
    if (ready && nextState.has(n) && (after || !panels.has(n))) return { kind: "next", state: nextState.get(n)! };
    return fixedPlace(n);
  };
  const products = found.products.map((p, product) => ({ product, level: level.get(p.node)!, width: p.width }));
  return {
    phases: phasesOf(stores, meanJobs, products),
    ...{ nodes, means, slots },
    place: (n, at) => place(n, at, false),
    placeAfter: (n) => place(n, 0, true),
  };
}

/** How many products and means lie below a node, itself included, on the longest way down. */
function levelsOf(order: readonly AnyNode[]): ReadonlyMap<AnyNode, number> {
  const level = new Map<AnyNode, number>();
  for (const n of order) {
    const below = Math.max(0, ...n.args.map((a) => level.get(a)!));
    level.set(n, n.op === "product" || n.op === "mean" ? below + 1 : below);
  }
  return level;
}

/** The place of a variable that is given to a step from outside. */
function variablePlace(variable: string): Place | undefined {
  const { kind, name } = partsOfVariable(variable);
  if (kind === "previous") return { kind, state: name };
  return kind === "weight" || kind === "mask" ? { kind, name } : undefined;
}

import { type Cell, partsOfVariable, type Width } from "../cells/define.ts";
import { type AnyNode, type Expression, inOrder } from "../math/expression.ts";
import { UsageError } from "../shared/errors.ts";
import { type Adjoints, adjointsOf } from "./adjoints.ts";
import { type PlacedStore, phasesOf } from "./phases.ts";
import type { Products } from "./products.ts";
import type { Phase, Place } from "./program.ts";
import { nodesOf, widthsOf } from "./widths.ts";

export interface Forward {
  readonly phases: readonly Phase[];
  readonly adjoints: Adjoints;
  /** Nodes of the cell's own equations. */
  readonly nodes: ReadonlySet<AnyNode>;
  readonly means: readonly AnyNode[];
  readonly slots: readonly Width[];
  readonly place: (node: AnyNode, level: number) => Place | undefined;
  /** Where a value of the forward pass lies once the step is done. */
  readonly placeAfter: (node: AnyNode) => Place | undefined;
}

/** Values worth a place in memory; everything else is computed again where it is needed. */
const expensive: ReadonlySet<string> = new Set(["exponential", "logarithm", "logarithm1p", "sigmoid", "tanh", "erf"]);

/** Levels, what is kept and where, and the phases of the forward pass. */
export function lowerForward(cell: Cell, found: Products): Forward {
  const { panels, operands } = found;
  const order = nodesOf(cell);
  const nodes = new Set(order);
  const widths = widthsOf(cell);
  const width = (n: AnyNode): Width => widths.get(n) ?? "hidden";
  const adjoints = adjointsOf(cell, found);
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

  // A value is kept when it is expensive and the backward pass or a later level reads it, unless what lies in memory anyway
  // (states, means, weights) gives it by cheap arithmetic and that one function.
  const isPanel = (n: AnyNode): boolean => panels.has(n);
  const inMemory = (n: AnyNode): boolean => isPanel(n) || n.op === "mean" || nextState.has(n);
  const free = (n: AnyNode): boolean =>
    n.op === "constant" ||
    n.op === "mean" ||
    nextState.has(n) ||
    (n.op === "variable" ? !isPanel(n) : !isPanel(n) && n.args.every(free));
  const worthKeeping = (n: AnyNode): boolean => nodes.has(n) && expensive.has(n.op) && !nextState.has(n) && !free(n);
  const kept = new Set(
    inOrder(adjoints.all, (n) => inMemory(n) || worthKeeping(n)).filter((n) => !isPanel(n) && worthKeeping(n)),
  );
  for (const read of reads)
    for (const n of inOrder([read.value], (n) => inMemory(n) || kept.has(n)))
      if (worthKeeping(n) && level.get(n)! < read.level) kept.add(n);

  // It takes the panel of a gate that nobody reads any more — its own, as a rule — or else one more slot.
  const readBackward = new Set(inOrder(adjoints.all, (n) => inMemory(n) || kept.has(n)));
  const lastRead = new Map<AnyNode, number>();
  for (const read of reads)
    for (const n of inOrder([read.value], (n) => inMemory(n) || (kept.has(n) && level.get(n)! < read.level)))
      lastRead.set(n, Math.max(lastRead.get(n) ?? 0, read.level));
  const slots = [...found.slots];
  const keptSlot = new Map<AnyNode, number>();
  for (const value of order.filter((n) => kept.has(n))) {
    const at = level.get(value)!;
    const isFree = (p: AnyNode): boolean =>
      !readBackward.has(p) &&
      ![...keptSlot.values()].includes(panels.get(p)!) &&
      width(p) === width(value) &&
      level.get(p)! <= at &&
      (lastRead.get(p) ?? 0) <= at;
    const panel = [...inOrder([value]).filter(isPanel), ...panels.keys()].find(isFree);
    keptSlot.set(value, panel ? panels.get(panel)! : slots.push(width(value)) - 1);
  }
  for (const [value, slot] of keptSlot) store(value as Expression, { kind: "slot", slot });

  const fixedPlace = (n: AnyNode): Place | undefined => {
    if (isPanel(n)) return { kind: "slot", slot: panels.get(n)! };
    if (n.op === "mean") return nodes.has(n) ? { kind: "mean", mean: means.indexOf(n) } : undefined;
    return n.op === "variable" ? variablePlace(cell, n.name) : undefined;
  };
  const place = (n: AnyNode, at: number, after: boolean): Place | undefined => {
    const ready = after || (level.get(n) ?? 0) < at;
    if (ready && keptSlot.has(n)) return { kind: "slot", slot: keptSlot.get(n)! };
    if (ready && nextState.has(n) && (after || !isPanel(n))) return { kind: "next", state: nextState.get(n)! };
    return fixedPlace(n);
  };
  const products = found.products.map((p, product) => ({ product, level: level.get(p.node)!, width: p.width }));
  return {
    phases: phasesOf(stores, meanJobs, products),
    ...{ adjoints, nodes, means, slots },
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

/** The place of a variable that is given to a step from outside; undefined for those of the backward pass. */
function variablePlace(cell: Cell, variable: string): Place | undefined {
  const { kind, name } = partsOfVariable(variable);
  if (kind === "previous") return { kind, state: name };
  if (kind === "weight" || kind === "mask") return { kind, name };
  if (kind === "d" || kind === "back") return undefined;
  throw new UsageError("bad-cell", `cell "${cell.name}": its equations read "${variable}", which nothing provides`);
}

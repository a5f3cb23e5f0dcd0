import type { Width } from "../cells/define.ts";
import { type AnyNode, type Expression, inOrder } from "../math/expression.ts";
import type { Products } from "./products.ts";

/** Values worth a place in memory; everything else is computed again where it is needed. */
const expensive: ReadonlySet<string> = new Set(["exponential", "logarithm", "logarithm1p", "sigmoid", "tanh", "erf"]);

/** What decides which values of a forward pass are kept, and where. */
export interface ForwardPass {
  readonly found: Products;
  /** Nodes of the cell's own equations, arguments first. */
  readonly order: readonly AnyNode[];
  readonly level: ReadonlyMap<AnyNode, number>;
  readonly width: (n: AnyNode) => Width;
  readonly nextState: ReadonlyMap<AnyNode, string>;
  /** Values that are stored or summed, at their levels. */
  readonly reads: readonly { readonly value: Expression; readonly level: number }[];
  readonly adjoints: readonly Expression[];
}

export interface KeptValues {
  /** Width of every slot: those of products, then those that kept values needed besides. */
  readonly slots: readonly Width[];
  readonly slotOf: ReadonlyMap<AnyNode, number>;
}

/** What is kept from a forward pass for the backward pass: nothing, where there is none. */
export function keepValues(pass: ForwardPass): KeptValues {
  const { panels } = pass.found;
  // A mean of the way back is none of these.
  const inMemory = (n: AnyNode): boolean =>
    panels.has(n) || pass.nextState.has(n) || (n.op === "mean" && pass.level.has(n));
  return slotsFor(keptOf(pass, inMemory), pass, inMemory);
}

/**
 * A value is kept when it is expensive and the backward pass reads it, unless what lies in memory anyway (states, means, weights) gives it
 * by cheap arithmetic and that one function. A later level that reads it, and nobody else, computes it again.
 */
function keptOf(
  { found: { panels }, order, nextState, adjoints }: ForwardPass,
  inMemory: (n: AnyNode) => boolean,
): ReadonlySet<AnyNode> {
  const free = new Set<AnyNode>();
  for (const n of order)
    if (n.op === "mean" || nextState.has(n) || (!panels.has(n) && n.args.every((a) => free.has(a)))) free.add(n);
  const worth = new Set(order.filter((n) => expensive.has(n.op) && !free.has(n)));
  return new Set(inOrder(adjoints, (n) => inMemory(n) || worth.has(n)).filter((n) => worth.has(n)));
}

/** A kept value takes the panel of a gate that nobody reads any more — its own, as a rule — or else one more slot. */
function slotsFor(
  kept: ReadonlySet<AnyNode>,
  { found, order, level, width, nextState, reads, adjoints }: ForwardPass,
  inMemory: (n: AnyNode) => boolean,
): KeptValues {
  const { panels } = found;
  const readBackward = new Set(inOrder(adjoints, (n) => inMemory(n) || kept.has(n)));
  const lastRead = new Map<AnyNode, number>();
  for (const read of reads) {
    // A next state, or what is kept, is made of other values at its own level, and loaded behind it.
    const isLoaded = (n: AnyNode): boolean =>
      panels.has(n) || n.op === "mean" || ((kept.has(n) || nextState.has(n)) && level.get(n)! < read.level);
    for (const n of inOrder([read.value], isLoaded)) lastRead.set(n, Math.max(lastRead.get(n) ?? 0, read.level));
  }
  const slots = [...found.slots];
  const slotOf = new Map<AnyNode, number>();
  for (const value of order.filter((n) => kept.has(n))) {
    const at = level.get(value)!;
    const isFree = (p: AnyNode): boolean =>
      !readBackward.has(p) &&
      ![...slotOf.values()].includes(panels.get(p)!) &&
      width(p) === width(value) &&
      level.get(p)! <= at &&
      (lastRead.get(p) ?? 0) <= at;
    const panel = [...inOrder([value]).filter((n) => panels.has(n)), ...panels.keys()].find(isFree);
    slotOf.set(value, panel ? panels.get(panel)! : slots.push(width(value)) - 1);
  }
  return { slots, slotOf };
}

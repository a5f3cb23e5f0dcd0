import { type Cell, variables } from "../cells/define.ts";
import { gradient } from "../math/derivative.ts";
import { type AnyNode, constant, type Expression, variable } from "../math/expression.ts";
import type { Products } from "./products.ts";

/** Adjoints of everything that a backward step is asked for, as expressions. */
export interface Adjoints {
  readonly of: (node: AnyNode) => Expression;
  readonly all: readonly Expression[];
  /** Operands whose adjoint is read, as the variable `back.K`. */
  readonly sent: ReadonlySet<number>;
}

export const backOf = (operand: number): Expression => variable(`back.${operand}`);

/**
 * Takes the gradient of a cell's next states, whose adjoints are the variables `d.STATE`.
 *
 * All products of one operand send it one vector, `Σ Mᵀ · gradient`, the variable `back.K`. To a raw previous state nothing
 * is sent here: that sum is added to its adjoint at the end of the step.
 */
export function adjointsOf(cell: Cell, { operands, products }: Products): Adjoints {
  const sent = new Set<number>();
  const productAdjoint = (node: Expression): Expression => {
    const k = operands.findIndex((o) => o.node === node.args[0]);
    if (operands[k]!.state !== undefined || sent.has(k)) return constant(0);
    sent.add(k);
    return backOf(k);
  };
  const wanted = [
    ...cell.gates.map((g) => variables.input(g.name)),
    ...products.map((p) => p.node),
    ...cell.states.map((s) => variables.previous(s.name)),
    ...Object.keys(cell.weights).map((name) => variables.weight(name)),
    ...Object.values(cell.named),
  ];
  const seeds = cell.states.map((s) => [cell.next[s.name]!, variables.adjoint(s.name)] as const);
  const all = gradient(seeds, wanted, productAdjoint);
  const found = new Map<AnyNode, Expression>(wanted.map((n, k) => [n, all[k]!]));
  return { of: (node) => found.get(node)!, all, sent };
}

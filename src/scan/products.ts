import { type Cell, variables, type Width } from "../cells/define.ts";
import type { AnyNode, Expression } from "../math/expression.ts";
import { UsageError } from "../shared/errors.ts";
import type { Operand, Product } from "./program.ts";
import { nodesOf, recurrentGates, widthOf } from "./widths.ts";

/** The matrix products of a cell. */
export interface Products {
  readonly operands: readonly Operand[];
  readonly products: readonly Product[];
  /** Width of every slot so far: the input parts of the gates, then products that are not added to one. */
  readonly slots: readonly Width[];
  /** Nodes that products leave in a slot: input parts, products, or the sum of both where nothing else uses them. */
  readonly panels: ReadonlyMap<AnyNode, number>;
}

/** Finds every product with its operand, and the slot its value goes to. */
export function findProducts(cell: Cell): Products {
  const nodes = nodesOf(cell);
  const onlyUser = onlyUsers(cell, nodes);
  const recurrent = recurrentGates(cell);
  const slots: Width[] = cell.gates.map(() => "hidden");
  const panels = new Map<AnyNode, number>();
  const operands: Operand[] = [];
  const products: Product[] = [];
  for (const name of [...recurrent, ...cell.projections]) {
    const [node, second] = nodes.filter((n): n is Expression => n.op === "product" && n.name === name);
    if (second)
      throw new UsageError(
        "bad-cell",
        `cell "${cell.name}": the matrix "${name}" multiplies more than one vector; give each product a gate or projection of its own`,
      );
    if (!node) continue;
    const gate = cell.gates.findIndex((g) => g.name === name);
    const x = variables.input(name);
    const sum = onlyUser(node);
    const fused = gate >= 0 && sum?.op === "add" && sum.args.includes(x) && onlyUser(x) === sum;
    const width = widthOf(cell, node);
    const slot = fused ? gate : slots.push(width) - 1;
    panels.set(fused ? sum : node, slot);
    const block = gate >= 0 ? recurrent.indexOf(name) : undefined;
    products.push({
      name,
      node,
      block,
      operand: numberOf(cell, node, operands),
      width,
      slot,
      fusedWith: fused ? gate : undefined,
    });
  }
  cell.gates.forEach((g, k) => {
    if (!products.some((p) => p.fusedWith === k)) panels.set(variables.input(g.name), k);
  });
  return { operands, products, slots, panels };
}

/** The number of a product's operand, a new one for a vector that was not seen before. */
function numberOf(cell: Cell, product: Expression, operands: Operand[]): number {
  const node = product.args[0] as Expression;
  const known = operands.findIndex((o) => o.node === node);
  if (known >= 0) return known;
  // One that has a name is given a place of its own: its gradient must be whole within the step, with what comes back through the products.
  const traced = Object.values(cell.named).includes(node);
  const state = traced ? undefined : cell.states.find(({ name }) => node === variables.previous(name))?.name;
  return operands.push({ node, width: widthOf(cell, node), state }) - 1;
}

/** For a node, the one node that uses it; undefined if there are several, or if it is a result itself. */
function onlyUsers(cell: Cell, nodes: readonly AnyNode[]): (n: AnyNode) => AnyNode | undefined {
  const results = new Set<AnyNode>([...Object.values(cell.next), ...Object.values(cell.named)]);
  const users = new Map<AnyNode, AnyNode[]>();
  for (const n of nodes) for (const a of n.args) users.set(a, [...(users.get(a) ?? []), n]);
  return (n) => {
    const [user, ...others] = users.get(n) ?? [];
    return others.length === 0 && !results.has(n) ? user : undefined;
  };
}

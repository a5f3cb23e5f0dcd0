import { type Cell, partsOfVariable, variables } from "../cells/define.ts";
import { gradient } from "../math/derivative.ts";
import { type AnyNode, type Expression, inOrder } from "../math/expression.ts";
import { gateSums } from "../scan/gate-sums.ts";
import { expectOptions } from "../shared/options.ts";
import { type EquationOptions, type Line, namedValues, printLines } from "./latex-equations.ts";
import { namesOf, timed } from "./latex-names.ts";
import { type Piece, piece, tightness } from "./latex-piece.ts";

/** The same name with a bar or a δ before it. */
const barred = (name: string, time = "t"): Piece =>
  piece(`\\bar{${name}}_{${time}}`.replace("_{t}", "_t"), tightness.power);
const delta = (p: Piece): Piece => piece(`\\delta ${p.text}`, tightness.power);

/**
 * One step of the backward pass as lines of LaTeX, derived from the cell's equations. `h̄_t` is the gradient of the loss
 * with respect to state h that arrives at step t (from the step after it and, for the output, from above), `δ s_t` the
 * whole gradient of a state that the step itself reads again, `δ^i_t` that of what gate i's activation sees. The last
 * lines are what goes on to step t − 1. Gradients of matrices are sums over time of `δ^i_t x_tᵀ` and `δ^i_t h_{t−1}ᵀ`.
 *
 * Empty for cells with means over units (layer normalization), whose lines nobody could read.
 */
export function derivatives(cell: Cell, options: EquationOptions = {}): string[] {
  expectOptions("derivatives", options, { notation: 1 });
  const { notation = "pytorch" } = options;
  const nodes = inOrder([...Object.values(cell.next), ...Object.values(cell.named)]);
  if (nodes.some((n) => n.op === "mean")) return [];
  const names = namesOf(cell, notation);
  const forward = new Map<AnyNode, Piece>(gateSums(cell).map(([gate, sum]) => [sum, names.sum(gate, "a")]));
  for (const [name, node] of namedValues(cell, names.value)) forward.set(node, name);

  const received = cell.states.map((s) => variables.adjoint(s.name));
  const seeds = cell.states.map((s, k) => [cell.next[s.name]!, received[k]!] as const);
  const wanted: Line[] = cell.states.map((s) => [delta(timed(s.name)), cell.next[s.name]!]);
  for (const { name } of cell.gates) {
    const product = nodes.find((n) => n.op === "product" && n.name === name);
    const isSum = product === undefined || gateSums(cell).some(([gate]) => gate === name);
    wanted.push([names.sum(name, "\\delta", isSum ? undefined : "x"), variables.input(name)]);
    if (product && !isSum) wanted.push([names.sum(name, "\\delta", "h"), product]);
  }
  const before: Line[] = cell.states.map((s) => [barred(s.name, "t-1"), variables.previous(s.name)]);
  const all = [...wanted, ...before];
  const adjoints = gradient(
    seeds,
    all.map(([, node]) => node as Expression),
  );
  const lines = all.map(([name], k): Line => [name, adjoints[k]!]);
  const worthALine = ([, node]: Line): boolean => node.op !== "constant" && !received.includes(node as Expression);
  return printLines(
    lines.slice(0, wanted.length).filter(worthALine),
    lines.slice(wanted.length).filter(([, node]) => node.op !== "constant"),
    {
      ...names,
      variable: (name) => {
        const { kind, name: state } = partsOfVariable(name);
        return kind === "d" ? barred(state) : names.variable(name);
      },
      known: (node, print) => forward.get(node) ?? names.known(node, print),
    },
  );
}

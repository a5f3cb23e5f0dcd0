import { type Cell, isLetter } from "../cells/define.ts";
import { type AnyNode, type Expression, inOrder, mean, square, sub } from "../math/expression.ts";
import { gateSums } from "../scan/gate-sums.ts";
import { expectOptions } from "../shared/options.ts";
import { type LatexNames, type Print, printer, writtenOut } from "./latex.ts";
import { type Notation, namesOf } from "./latex-names.ts";
import { type Piece, piece, tightness } from "./latex-piece.ts";

/** Options of `equations` and `derivatives`. */
export interface EquationOptions {
  /** Letters of matrices, biases and gates; default "pytorch". */
  readonly notation?: Notation | undefined;
}

/**
 * The equations of one step of a cell as lines of LaTeX, `name = expression`: its gates with their matrices, whatever
 * else `step` named, means (μ, or σ² where they are a variance), its states. In the order in which their author wrote
 * them, except that a line uses no name before the line that explains it. Works for any cell of `defineCell`.
 *
 * @example
 * ```ts
 * equations(minGru())[2]; // h_t = (1 - z_t) \odot h_{t-1} + z_t \odot n_t
 * ```
 */
export function equations(cell: Cell, options: EquationOptions = {}): string[] {
  expectOptions("equations", options, { notation: 1 });
  const { notation = "pytorch" } = options;
  const names = namesOf(cell, notation);
  const values = namedValues(cell, names.value);
  const copies = stateCopies(cell, names.value);
  const lines = printLines(values, copies, names);
  // What an activation writes more than once gets a letter of its own.
  const print = printer(names);
  const sums = gateSums(cell).filter(([gate, sum]) => {
    const text = print(sum).text;
    return !(gate in cell.named && cell.named[gate] === sum) && lines.some((l) => l.split(text).length > 2);
  });
  if (sums.length === 0) return lines;
  return printLines([...sums.map(([gate, sum]) => [names.sum(gate, "a"), sum] as const), ...values], copies, names);
}

/** Lines of equations as one block whose `=` stand below each other. */
export const aligned = (lines: readonly string[]): string =>
  `\\begin{aligned}\n${lines.map((l) => l.replace(" = ", " &= ")).join(" \\\\\n")}\n\\end{aligned}`;

/** A name and what it stands for. */
export type Line = readonly [name: Piece, node: AnyNode];

/**
 * Lines in their order, each after those that it uses, with a line for every mean.
 *
 * @param values Values with names of their own: wherever they occur they are written by name.
 * @param copies Further names, each with a line at the end.
 */
export function printLines(values: readonly Line[], copies: readonly Line[], names: LatexNames): string[] {
  const roots = [...values, ...copies].map(([, node]) => node);
  const nameOf = new Map<AnyNode, Piece>(values.map(([name, node]) => [node, name]));
  for (const [name, node] of namedMeans(roots)) if (!nameOf.has(node)) nameOf.set(node, name);
  const all: LatexNames = { ...names, known: (node, print) => nameOf.get(node) ?? names.known?.(node, print) };
  const print: Print = printer(all);
  const lines: string[] = [];
  const done = new Set<AnyNode>();
  const explain = (node: AnyNode): void => {
    if (done.has(node)) return;
    done.add(node);
    for (const used of inOrder(node.args, (n) => nameOf.has(n))) if (nameOf.has(used)) explain(used);
    const value = names.known?.(node, print) ?? writtenOut(node, print, all);
    lines.push(`${nameOf.get(node)!.text} = ${value.text}`);
  };
  for (const [, node] of values) explain(node);
  for (const [name, node] of copies) lines.push(`${name.text} = ${print(node).text}`);
  return lines;
}

/** Every value with a name, once. Of two names of one value the state's stays. */
export function namedValues(cell: Cell, name: (name: string) => Piece): Line[] {
  const last = new Map(Object.entries(cell.named).map(([n, node]) => [node, n]));
  return Object.entries(cell.named)
    .filter(([n, node]) => last.get(node) === n && !isLetter(node))
    .map(([n, node]) => [name(n), node]);
}

/** States that are but another name: of another state, a previous one, a number. */
function stateCopies(cell: Cell, name: (name: string) => Piece): Line[] {
  const last = new Map(Object.entries(cell.named).map(([n, node]) => [node, n]));
  return cell.states
    .map((s) => [s.name, cell.next[s.name]!] as const)
    .filter(([n, node]) => last.get(node) !== n || isLetter(node))
    .map(([n, node]) => [name(n), node]);
}

/** Means below `roots`, named μ, and σ² where one is the variance about another. Numbered where there are several. */
function namedMeans(roots: readonly AnyNode[]): Line[] {
  const means = inOrder(roots).filter((n) => n.op === "mean");
  const middleOf = new Map<AnyNode, AnyNode>();
  for (const n of means) {
    const middle = means.find((m) => n === mean(...m.args.map((p) => square(sub(p as Expression, m as Expression)))));
    if (middle) middleOf.set(n, middle);
  }
  const middles = means.filter((n) => !middleOf.has(n));
  return means.map((n) => {
    const number = middles.length > 1 ? `${middles.indexOf(middleOf.get(n) ?? n) + 1},t` : "t";
    const letter = middleOf.has(n) ? "\\sigma^2" : "\\mu";
    return [piece(`${letter}_{${number}}`, middleOf.has(n) ? tightness.power : tightness.atom), n];
  });
}

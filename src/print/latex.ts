import type { AnyNode, Expression, Operation } from "../math/expression.ts";
import { call, minus, numeral, type Piece, piece, plus, tightness, within } from "./latex-piece.ts";
import { recognised } from "./latex-shapes.ts";

/** What an expression does not know itself: how its variables and matrices are written. */
export interface LatexNames {
  /** A variable, by its name in the expression. */
  variable(name: string): Piece;
  /** A named matrix times a vector, plus its bias if it has one. */
  product(matrix: string, vector: Piece): Piece;
  /** The transpose of a named matrix times a vector. */
  transposed(matrix: string, vector: Piece): Piece;
  /** A node that is written in its own way, for example by a name; undefined: by the rule of its operation. */
  readonly known?: ((node: AnyNode, print: Print) => Piece | undefined) | undefined;
}

/** Prints a node. */
export type Print = (node: AnyNode) => Piece;
type Rule = (args: readonly AnyNode[], print: Print, node: AnyNode, names: LatexNames) => Piece;

const named =
  (name: string): Rule =>
  (args, print) =>
    call(name, ...args.map(print));
const compared =
  (sign: string): Rule =>
  ([a, b], print) =>
    piece(`${within(print(a!), tightness.sum)} ${sign} ${within(print(b!), tightness.sum)}`, tightness.comparison);

/** One line an operation; an operation without a line does not compile. */
const rules: { readonly [K in Operation]: Rule } = {
  variable: (_, __, node, names) => names.variable(node.name),
  constant: (_, __, node) => numeral(node.value),
  add: ([a, b], print) => plus(print(a!), print(b!)),
  subtract: ([a, b], print) => minus(print(a!), print(b!)),
  multiply: ([a, b], print) => times(a!, b!, print),
  divide: ([a, b], print) => piece(`\\frac{${print(a!).text}}{${print(b!).text}}`, tightness.fraction),
  negate: ([a], print) => piece(`-${within(print(a!), tightness.matrix)}`, tightness.sum),
  minimum: named("\\min"),
  maximum: named("\\max"),
  absolute: ([a], print) => piece(`\\lvert ${print(a!).text} \\rvert`),
  squareRoot: ([a], print) => piece(`\\sqrt{${print(a!).text}}`),
  exponential: ([a], print) => piece(`e^{${print(a!).text}}`, tightness.power),
  logarithm: named("\\ln"),
  logarithm1p: ([a], print) => call("\\ln", plus(piece("1"), print(a!))),
  sigmoid: named("\\sigma"),
  tanh: named("\\tanh"),
  erf: named("\\operatorname{erf}"),
  select: (args, print) => cases(args, print),
  less: compared("<"),
  lessEqual: compared("\\le"),
  equal: compared("="),
  product: ([a], print, node, names) => names.product(node.name, print(a!)),
  transposed: ([a], print, node, names) => names.transposed(node.name, print(a!)),
  mean: named("\\operatorname{mean}"),
};

/** The same number for all units: it multiplies without ⊙. */
const isScalar = (n: AnyNode): boolean => n.op === "constant" || n.op === "mean";

function times(a: AnyNode, b: AnyNode, print: Print): Piece {
  if (a === b) return piece(`${within(print(a), tightness.call)}^{2}`, tightness.power);
  if (isScalar(b) && !isScalar(a)) return times(b, a, print);
  // The minus of a constant may stand before the whole product.
  const left = a.op === "constant" ? print(a).text : within(print(a), tightness.times);
  const right = within(print(b), tightness.times);
  const sign = !isScalar(a) ? " \\odot " : /^(\d|\\tfrac)/.test(right) ? " \\cdot " : "\\,";
  return piece(`${left}${sign}${right}`, left.startsWith("-") ? tightness.sum : tightness.times);
}

function cases([condition, yes, no]: readonly AnyNode[], print: Print): Piece {
  const [a, b] = [print(yes!), print(no!)];
  if (a.text === "1" && b.text === "0") return piece(`\\mathbb{1}[${print(condition!).text}]`);
  const more = b.tight === tightness.cases ? /^\\begin\{cases\} (.*) \\end\{cases\}$/.exec(b.text) : null;
  const rest = more ? more[1] : `${b.text} & \\text{otherwise}`;
  return piece(
    `\\begin{cases} ${a.text} & \\text{if } ${print(condition!).text} \\\\ ${rest} \\end{cases}`,
    tightness.cases,
  );
}

/** Prints nodes; what occurs twice is printed once. */
export function printer(names: LatexNames): Print {
  const done = new Map<AnyNode, Piece>();
  const print: Print = (node) => {
    let p = done.get(node);
    if (!p) {
      p = names.known?.(node, print) ?? writtenOut(node, print, names);
      done.set(node, p);
    }
    return p;
  };
  return print;
}

/** A node by the rule of its operation, even when it has a name: the right side of the line that names it. */
export const writtenOut = (node: AnyNode, print: Print, names: LatexNames): Piece =>
  recognised(node, print) ?? rules[node.op](node.args, print, node, names);

const plainName = (name: string): string =>
  /^[a-zA-Z]$/.test(name) ? name : `\\mathrm{${name.replaceAll("_", "\\_")}}`;

/** Variables under the names they have, matrices as W with their name below. */
export const plainNames: LatexNames = {
  variable: (name) => piece(plainName(name)),
  product: (matrix, vector) =>
    piece(`W_{${plainName(matrix)}} ${within(vector, tightness.fraction)}`, tightness.matrix),
  transposed: (matrix, vector) =>
    piece(`W_{${plainName(matrix)}}^{\\top} ${within(vector, tightness.fraction)}`, tightness.matrix),
};

/**
 * An expression as LaTeX, with the brackets it needs and no others. ⊙ is the product unit by unit; a number multiplies
 * without a sign.
 *
 * @param names How variables and matrices are written; by default variables under their own names, matrices as W.
 *
 * @example
 * ```ts
 * latex(mul(sub(1, variable("z")), tanh(variable("c")))); // (1 - z) \odot \tanh(c)
 * ```
 */
export const latex = (expression: Expression, names: LatexNames = plainNames): string => {
  return printer(names)(expression).text;
};

import { type Cell, isLetter, partsOfVariable, variables } from "../cells/define.ts";
import { rules } from "../math/evaluate.ts";
import type { AnyNode } from "../math/expression.ts";
import { withGateSums } from "../scan/gate-sums.ts";

/** A value of a cell's step, as a node of a diagram. */
export interface CellGraphNode {
  readonly id: number;
  /** `sum`: what a gate's matrices give; `previous`: a state before the step; `operation`: arithmetic on others. */
  readonly kind: "sum" | "previous" | "given" | "operation";
  /** σ, tanh, ⊙, +, 1 −, …; of the others their letter. */
  readonly symbol: string;
  /** Under which name its author knows it: "f", "c", "pre.f", "previous.c"; undefined for what lies between. */
  readonly name: string | undefined;
  /** Nodes it is made of, without constants. Of a sum: the vector that its matrix multiplies, where the cell makes one of its own. */
  readonly args: readonly number[];
  /** What the matrices of a sum multiply: the input, the state before as it is, or a vector that the cell makes ("args" is it). */
  readonly sees: readonly ("x" | "h" | "made")[];
  /** 0 for what is given, else one more than the deepest of its arguments. */
  readonly depth: number;
}

/** The equations of a cell as a graph. */
export interface CellGraph {
  /** Arguments before what is made of them. */
  readonly nodes: readonly CellGraphNode[];
  /** The node of every named value that the next state is made of; two names of one value have one node. */
  readonly named: Readonly<Record<string, number>>;
  /**
   * Computes the values of all nodes of a step, [H] each, from given values by name.
   * @param override values that are put in place of computed ones, by id: what follows from them is computed with them
   */
  evaluate(
    given: Readonly<Record<string, ArrayLike<number>>>,
    override?: ReadonlyMap<number, ArrayLike<number>>,
  ): Float64Array[];
}

const SYMBOLS: Readonly<Record<string, string>> = {
  add: "+",
  subtract: "−",
  multiply: "⊙",
  divide: "÷",
  negate: "−",
  sigmoid: "σ",
  maximum: "max",
  minimum: "min",
  exponential: "exp",
  logarithm: "ln",
  absolute: "| |",
  squareRoot: "√",
  mean: "mean",
  ...{ logarithm1p: "ln 1+", select: "if", less: "<", lessEqual: "≤", equal: "=" },
};

/** Converts the equations of a cell, built-in or your own, to a graph to draw. */
export function cellGraph(cell: Cell): CellGraph {
  const { named, next } = withGateSums(cell);
  // Of two names of one value that of the state stays, as in the printed formulas; but what is given is called what it is given as.
  const nameOf = new Map<AnyNode, string>(Object.entries(named).map(([name, node]) => [node, name]));
  for (const [name, node] of Object.entries(named)) if (name.startsWith("pre.")) nameOf.set(node, name);
  const ids = new Map<AnyNode, number>();
  const expressions: AnyNode[] = [];
  const nodes: CellGraphNode[] = [];
  const visit = (n: AnyNode): number | undefined => {
    if (n.op === "constant") return undefined;
    const known = ids.get(n);
    if (known !== undefined) return known;
    const name = n.op === "variable" && isLetter(n) ? n.name : nameOf.get(n);
    const kind = kindOf(n, name);
    const given = kind !== "operation";
    const made = given ? madeFor(n, cell) : undefined;
    const args = (given ? (made ? [made] : []) : n.args).map(visit).filter((id) => id !== undefined);
    const id = nodes.length;
    ids.set(n, id);
    expressions.push(n);
    nodes.push({
      ...{ id, kind, args, depth: given && !made ? 0 : 1 + Math.max(0, ...args.map((a) => nodes[a]!.depth)) },
      sees: kind === "sum" ? seenBy(n, made) : [],
      symbol: given ? symbolOfGiven(name ?? n.name ?? n.op) : symbolOf(n),
      name: name ?? (given ? n.name : undefined),
    });
    return id;
  };
  // The states last to first, so that what h is made of comes before it.
  for (const state of cell.states.toReversed()) visit(next[state.name]!);
  const places = Object.entries(named).flatMap(([name, node]) => (ids.has(node) ? [[name, ids.get(node)!]] : []));
  return {
    nodes,
    named: Object.fromEntries(places),
    evaluate: (given, override) => evaluateNodes(nodes, expressions, given, override),
  };
}

function kindOf(n: AnyNode, name: string | undefined): CellGraphNode["kind"] {
  if (name?.startsWith("pre.")) return "sum";
  if (n.op !== "variable" && n.op !== "product") return "operation";
  return partsOfVariable(n.name).kind === "previous" ? "previous" : "given";
}

/** What the matrix over the state multiplies, where that is not the state before itself. */
function madeFor(n: AnyNode, cell: Cell): AnyNode | undefined {
  const product = n.op === "product" ? n : n.args[1];
  const [vector] = product?.op === "product" ? product.args : [];
  return vector !== variables.previous(cell.states[0]!.name) ? vector : undefined;
}

function seenBy(n: AnyNode, made: AnyNode | undefined): CellGraphNode["sees"] {
  const state = made ? "made" : "h";
  return n.op === "product" ? [state] : n.op === "variable" ? ["x"] : ["x", state];
}

function evaluateNodes(
  nodes: readonly CellGraphNode[],
  expressions: readonly AnyNode[],
  given: Readonly<Record<string, ArrayLike<number>>>,
  override: ReadonlyMap<number, ArrayLike<number>> = new Map(),
): Float64Array[] {
  const values: Float64Array[] = [];
  const at = new Map(expressions.map((n, id) => [n, id]));
  const width = Math.max(...Object.values(given).map((v) => v.length));
  const one = (arg: AnyNode | undefined, unit: number): number =>
    arg === undefined ? 0 : arg.op === "constant" ? arg.value : values[at.get(arg)!]![unit]!;
  const computed = (n: AnyNode, name: string): Float64Array => {
    if (n.op === "mean") {
      const all = n.args.flatMap((arg) => Array.from({ length: width }, (_, u) => one(arg, u)));
      return new Float64Array(width).fill(all.reduce((a, b) => a + b, 0) / all.length);
    }
    const rule = rules[n.op as keyof typeof rules];
    if (!rule) throw new TypeError(`cellGraph: no value was given for "${name}"`);
    const [a, b, c] = n.args;
    return Float64Array.from({ length: width }, (_, u) => rule(one(a, u), one(b, u), one(c, u)));
  };
  for (const [id, n] of expressions.entries()) {
    const { kind, name } = nodes[id]!;
    const known = override.get(id) ?? (kind !== "operation" && name !== undefined ? given[name] : undefined);
    values.push(known ? Float64Array.from(known) : computed(n, name ?? n.op));
  }
  return values;
}

const symbolOfGiven = (name: string): string => name.replace(/^(previous|weight|mask|x|pre)\./, "");

function symbolOf(n: AnyNode): string {
  const symbol = SYMBOLS[n.op] ?? n.op;
  const [first, second] = n.args;
  if (first?.op === "constant") return `${first.value} ${symbol}`;
  return second?.op === "constant" ? `${symbol} ${second.value}` : symbol;
}

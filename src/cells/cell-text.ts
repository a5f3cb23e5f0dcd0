import { type AnyNode, inOrder } from "../math/expression.ts";
import { type Cell, isLetter, partsOfVariable } from "./define.ts";

/** How tightly an operation binds: sums, products, minus signs, all else. */
type Tightness = 1 | 2 | 3 | 4;
type Written = readonly [text: string, tight: Tightness];

const functions: Readonly<Record<string, string>> = {
  ...{ squareRoot: "sqrt", exponential: "exp", logarithm: "log", logarithm1p: "log1p", absolute: "abs" },
  ...{ sigmoid: "sigmoid", tanh: "tanh", erf: "erf", minimum: "min", maximum: "max", mean: "mean" },
};
const comparisons: Readonly<Record<string, string>> = { less: "<", lessEqual: "<=", equal: "=" };
const joins: Readonly<Record<string, readonly [sign: string, tight: Tightness]>> = {
  ...{ add: ["+", 1], subtract: ["-", 1], multiply: ["*", 2], divide: ["/", 2] },
};

/**
 * Returns the equations of a cell, built-in or your own, as the plain text that `parseCell` reads. Parsing it again gives the same
 * equations.
 * @example
 * ```ts
 * console.log(cellText(gru())); // r = sigmoid(W_r x + U_r h[t-1]) …
 * ```
 */
export function cellText(cell: Cell): string {
  const lines: string[] = [];
  const written = new Map<AnyNode, string>();
  const last = new Map<AnyNode, string>(Object.entries(cell.named).map(([name, node]) => [node, name]));
  const done = new Set<string>();
  const explain = (name: string, node: AnyNode): void => {
    if (done.has(name)) return;
    done.add(name);
    // What the line uses by name has its line before.
    for (const used of inOrder(node.args, (n) => last.has(n) && !isLetter(n))) {
      const other = last.get(used);
      if (other !== undefined && !isLetter(used)) explain(other, used);
    }
    lines.push(`${name} = ${textOf(node, cell, written)[0]}`);
    if (!isLetter(node) && !written.has(node)) written.set(node, name);
  };
  for (const [name, node] of Object.entries(cell.named)) {
    const other = last.get(node)!;
    if (other !== name && !isLetter(node)) explain(other, node);
    explain(name, node);
  }
  return `${[...headersOf(cell, lines), ...lines].join("\n")}\n`;
}

function headersOf({ states, gates, bias, weights, masks }: Cell, lines: readonly string[]): string[] {
  const width = (one: { readonly name: string; readonly width: string }): string =>
    one.width === "hidden" ? one.name : `${one.name}: ${one.width}`;
  const seen = new Set(Array.from(lines.join("\n").matchAll(/\b[WU]_(\w+)/g), ([, name]) => name));
  const inOrderOfUse = [...seen].every((name, k) => gates[k]?.name === name);
  return [
    `state ${states.map(width).join(", ")}`,
    ...(inOrderOfUse ? [] : [`gates ${gates.map(({ name }) => name).join(", ")}`]),
    ...(bias === "none" ? ["bias none"] : []),
    ...Object.entries(weights).map(([name, value]) => `weight ${name} = ${value}`),
    ...Object.entries(masks).map(
      ([name, { kind, rate, per, width }]) =>
        `mask ${name} = ${kind} ${rate} per ${per}${width === "hidden" ? "" : `, ${width}`}`,
    ),
  ];
}

function textOf(node: AnyNode, cell: Cell, written: ReadonlyMap<AnyNode, string>): Written {
  const name = written.get(node);
  if (name !== undefined) return [name, 4];
  const print = (n: AnyNode): Written => textOf(n, cell, written);
  const at = (n: AnyNode, tight: Tightness): string => {
    const [text, own] = print(n);
    return own >= tight ? text : `(${text})`;
  };
  const [a, b] = node.args as [AnyNode, AnyNode];
  const join = joins[node.op];
  // The right side of a sign binds tighter, as signs are read from the left.
  if (join) return [`${at(a, join[1])} ${join[0]} ${at(b, (join[1] + 1) as Tightness)}`, join[1]];
  const compare = comparisons[node.op];
  if (compare) return [`${print(a)[0]} ${compare} ${print(b)[0]}`, 1];
  if (node.op === "negate") return [`-${at(a, 4)}`, 3];
  if (node.op === "constant") return [String(node.value), node.value < 0 ? 3 : 4];
  if (node.op === "variable") return [letterOf(node.name), 4];
  if (node.op === "product") return [`${cell.projections.includes(node.name) ? "P" : "U"}_${node.name} ${at(a, 4)}`, 4];
  const called = node.op === "select" ? "if" : functions[node.op];
  return [`${called ?? node.op}(${node.args.map((n) => print(n)[0]).join(", ")})`, 4];
}

function letterOf(variable: string): string {
  const { kind, name } = partsOfVariable(variable);
  if (kind === "x") return `W_${name} x`;
  if (kind === "previous") return `${name}[t-1]`;
  return kind === "mask" ? `mask(${name})` : name;
}

import { type AnyNode, abs, type Expression, exp, log1p, max, neg } from "../math/expression.ts";
import { clamp, expm1, relu, saturate } from "../math/functions.ts";
import type { Print } from "./latex.ts";
import { call, numeral, type Piece, piece, plus, tightness } from "./latex-piece.ts";

/*
 * Shapes of several nodes that have a shorter way of being written. A shape is recognised by building it anew from what
 * seems to be its argument: equal expressions are one object, so that nothing is taken for what it is not.
 */

type Shape = (node: Expression, print: Print) => Piece | undefined;

const isConstant = (n: AnyNode | undefined): n is Expression => n?.op === "constant";
const isNumber = (n: AnyNode | undefined, value: number): boolean => isConstant(n) && n.value === value;
const bounded = (low: number, high: number, x: Piece): Piece =>
  call(`\\operatorname{clip}_{[${numeral(low).text},\\,${numeral(high).text}]}`, x);

const shapes: readonly Shape[] = [
  // max(0, x), as a choice.
  (node, print) => {
    const x = node.args[2] as Expression;
    return node.op === "select" && relu(x) === node ? call("\\max", piece("0"), print(x)) : undefined;
  },
  // min(0, x), as a choice.
  (node, print) => {
    const [condition, yes, x] = node.args;
    if (node.op !== "select" || !isNumber(yes, 0) || condition!.op !== "less") return undefined;
    return isNumber(condition!.args[0], 0) && condition!.args[1] === x
      ? call("\\min", piece("0"), print(x!))
      : undefined;
  },
  // Held within two constants, the ends included or not: where x is at an end both give the end.
  (node, print) => {
    const [condition, low, rest] = node.args;
    const high = rest?.args[1];
    if (node.op !== "select" || !isConstant(low) || !isConstant(high) || low.value > high.value) return undefined;
    const x = condition!.args[0] as Expression;
    const held = [clamp, saturate].some((within) => within(low.value, high.value)(x) === node);
    return held ? bounded(low.value, high.value, print(x)) : undefined;
  },
  // eˣ − 1, written through tanh for the sake of small x.
  (node, print) => {
    const half = node.op === "divide" ? node.args[1]?.args[1] : undefined;
    const x = half?.op === "tanh" ? (half.args[0]?.args[1] as Expression | undefined) : undefined;
    return x && expm1(x) === node ? piece(`e^{${print(x).text}} - 1`, tightness.sum) : undefined;
  },
  // log(1 + eˣ), written so that it does not overflow.
  (node, print) => {
    const [peak, rest] = node.args;
    if (node.op !== "add" || peak!.op !== "maximum" || !isNumber(peak!.args[1], 0)) return undefined;
    const x = peak!.args[0] as Expression;
    if (rest !== log1p(exp(neg(abs(x)))) || peak !== max(x, 0)) return undefined;
    return call("\\ln", plus(piece("1"), piece(`e^{${print(x).text}}`)));
  },
];

/** A node in its shorter way of being written, if it is exactly that. */
export function recognised(node: AnyNode, print: Print): Piece | undefined {
  for (const shape of shapes) {
    const p = shape(node as Expression, print);
    if (p) return p;
  }
  return undefined;
}

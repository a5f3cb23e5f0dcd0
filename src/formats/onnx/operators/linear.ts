import { add, mul } from "../../../math/expression.ts";
import { size } from "../../../shared/shapes.ts";
import { broadcastShape } from "../../../tensor/operations.ts";
import { isFloat } from "../../data-type.ts";
import { isHost, type Value } from "../../value.ts";
import type { NodeContext, Operator } from "../node.ts";

function expectFloats(node: NodeContext): void {
  for (const x of node.inputs) if (x && !isFloat(x.type)) throw node.fail(`a product of ${x.type}`);
}

const matmul: Operator = (node) => {
  expectFloats(node);
  return productOf(node, node.input(0), node.input(1));
};

/** NumPy's rule: vectors gain an axis that the result loses, leading axes broadcast. */
export function productOf(node: NodeContext, a: Value, b: Value): Value {
  const { recorder } = node;
  if (a.shape.length === 0 || b.shape.length === 0) throw node.fail("a product with a single number");
  const left = a.shape.length === 1 ? recorder.reshape(a, [1, ...a.shape]) : a;
  const right = b.shape.length === 1 ? recorder.reshape(b, [...b.shape, 1]) : b;
  const [m, k] = left.shape.slice(-2) as [number, number];
  const [inner, n] = right.shape.slice(-2) as [number, number];
  if (k !== inner) throw node.fail(`inner sizes ${k} and ${inner} differ`);
  const leading = broadcastShape([left.shape.slice(0, -2), right.shape.slice(0, -2)]);
  const shape = [...leading, m, n];
  const result = a.shape.length === 1 ? [...leading, n] : b.shape.length === 1 ? [...leading, m] : shape;
  const flat = right.shape.length === 2;
  // A matrix on the right serves all rows of the left at once; otherwise both sides are stacks of equal height.
  const stack = (x: Value, rows: readonly number[]): Value =>
    recorder.reshape(recorder.expand(x, [...leading, ...rows]), [size(leading), ...rows]);
  const [p, q] = flat
    ? [recorder.reshape(left, [size(left.shape) / k, k]), right]
    : [stack(left, [m, k]), stack(right, [k, n])];
  return recorder.reshape(recorder.matmul(named(node, p, 0), named(node, q, 1)), result);
}

/** A constant that a node made for itself keeps a name, so that it becomes a parameter. */
function named(node: NodeContext, x: Value, k: number): Value {
  return isHost(x) && x.constant && x.name === undefined ? { ...x, name: `${node.node.name}.${k}` } : x;
}

const gemm: Operator = (node) => {
  expectFloats(node);
  return gemmOf(node, node.number("alpha", 1), node.number("beta", 1));
};

/** `α op(A) op(B) + β C` */
export function gemmOf(node: NodeContext, alpha: number, beta: number): Value {
  const { recorder } = node;
  const [transposeA, transposeB] = [node.number("transA", 0) === 1, node.number("transB", 0) === 1];
  const value = recorder.matmul(node.input(0), node.input(1), { transposeA, transposeB });
  const c = node.has(2) && beta !== 0 ? node.input(2) : undefined;
  if (c) return recorder.pointwise([value, c], (a, b) => add(mul(alpha, a), mul(beta, b)), "float32");
  return alpha === 1 ? value : recorder.pointwise([value], (a) => mul(alpha, a), "float32");
}

export const linear: Readonly<Record<string, Operator>> = { Gemm: gemm, MatMul: matmul };

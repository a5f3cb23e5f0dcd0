import type { Kernel, Plan, ScanShape } from "../plan.ts";

/*
 * How much there is to do, in multiplications or additions of a matrix product: about 100 of them take a nanosecond on
 * one thread. Only whether threads are worth their coming together depends on it, never a result.
 */

/** Of a number that is read or written in passing. */
const PASSED = 20;
/** Of the equations of one unit of a cell. */
const UNIT = 400;
/** One row against a matrix is bound by memory: its products take four times as long. */
const ALONE = 4;

const elements = (shape: readonly number[]): number => shape.reduce((product, n) => product * n, 1);

function scanWork(shape: ScanShape): number {
  const { cell, steps, batch, inputSize: D, hiddenSize: H } = shape;
  const products = 2 * cell.gates.length * H * (D + H) * (batch === 1 ? ALONE : 1);
  return steps * batch * (products + UNIT * H);
}

const operations: { readonly [K in Kernel["op"]]: (kernel: Extract<Kernel, { op: K }>) => number } = {
  pointwise: ({ shape, inputs, outputs }) =>
    elements(shape) * PASSED * (Object.keys(inputs).length + 3 * Object.keys(outputs).length),
  reduce: ({ shape, inputs }) => elements(shape) * PASSED * Object.keys(inputs).length,
  matmul: ({ batch, m, k, n }) => 2 * batch * m * k * n * (m === 1 ? ALONE : 1),
  gather: ({ tables = 1, rows, columns }) => tables * rows * columns * PASSED,
  scatterAdd: ({ tables = 1, rows, vocabulary, columns, keep, touched }) =>
    tables * (rows * (touched ? 2 : 1) + (keep || touched ? 0 : vocabulary)) * columns * PASSED,
  scatter: ({ rows, columns }) => rows * columns * PASSED,
  random: ({ shape }) => elements(shape) * 5 * PASSED,
  linearCrossEntropy: ({ rows, columns, classes, gradients }) =>
    rows * classes * (2 * columns * (1 + gradients.filter((name) => name !== "bias").length) + 5 * PASSED),
  quantizedMatmul: ({ m, k, n }) => m * k * (n + PASSED) * (m === 1 ? ALONE / 2 : 1),
  scan: scanWork,
  scanBackward: (shape) => 2 * scanWork(shape),
};

/** What one launch takes. */
export const workOf = (kernel: Kernel): number => (operations[kernel.op] as (kernel: Kernel) => number)(kernel);

/** From what work on threads share it. */
export interface Worth {
  readonly launch: number;
  /** Of all launches of a plan that are shared. */
  readonly plan: number;
}

/** A launch of 5 µs is worth a barrier; a plan of 60 µs is worth waking others, a streamed step of some hundred units is not. */
export const WORTH: Worth = { launch: 500_000, plan: 6_000_000 };

/** What threads would share of a plan: the launches that are worth it. */
export function sharedWork(plan: Plan, worth: Worth): number {
  const shared = plan.launches.map(({ kernel }) => workOf(kernel)).filter((work) => work >= worth.launch);
  return shared.reduce((sum, work) => sum + work, 0);
}

/** Seconds after which a thread that others wait for is taken for lost: as long as one thread would take for all of them at a hundredth of its speed, and more. */
export const patienceFor = (plan: Plan, worth: Worth): number => 30 + Math.ceil(sharedWork(plan, worth) / 1e9);

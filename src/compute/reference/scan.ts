import { type Cell, variables } from "../../cells/define.ts";
import { gradient } from "../../math/derivative.ts";
import { rules } from "../../math/evaluate.ts";
import { type AnyNode, type Expression, inOrder, variable } from "../../math/expression.ts";
import { nodesOf, recurrentGates, recurrentWidth, sizeOf, widthOf } from "../../scan/widths.ts";
import type { Scan, ScanBackward, ScanShape } from "../plan.ts";

/*
 * The scan as its definition reads: step after step, every node of the cell's equations evaluated for the whole batch,
 * matrices as plain loops. The backward pass evaluates the derived adjoint equations in the same way; of the forward pass
 * it keeps nothing but the state before each step.
 */

type Operands = Readonly<Record<string, Float64Array>>;
/** Of one node: [B, width], or the number itself for a constant. */
type Value = Float64Array | number;

/** Elements of `saved`: the state before every step. */
export function savedElements(shape: ScanShape): number {
  return shape.steps * stateElements(shape);
}
const stateElements = (shape: ScanShape): number =>
  shape.cell.states.reduce((n, s) => n + shape.batch * sizeOf(s.width, shape), 0);

/** A matrix of a cell: `rows` rows of `columns` from `offset` on, its bias if it has one, and the names of their operands. */
interface Matrix {
  readonly weight: string;
  readonly bias: string | undefined;
  readonly row: number;
  readonly rows: number;
  readonly columns: number;
}

function matricesOf(shape: ScanShape): Map<string, Matrix> {
  const { cell, inputSize, hiddenSize: H, projectionSize: P } = shape;
  const columns = sizeOf(recurrentWidth(cell), shape);
  const bias = (name: string): string | undefined => (cell.bias === "both" ? name : undefined);
  const matrices = new Map<string, Matrix>();
  cell.gates.forEach(({ name }, k) => {
    matrices.set(`x.${name}`, { weight: "weight_ih", bias: bias("bias_ih"), row: k * H, rows: H, columns: inputSize });
  });
  recurrentGates(cell).forEach((name, k) => {
    matrices.set(name, { weight: "weight_hh", bias: bias("bias_hh"), row: k * H, rows: H, columns });
  });
  for (const name of cell.projections)
    matrices.set(name, { weight: `projection.${name}`, bias: undefined, row: 0, rows: P, columns: H });
  return matrices;
}

/** Evaluates nodes of one step for a batch of B examples. */
class Step {
  readonly shape: ScanShape;
  readonly operands: Operands;
  readonly matrices: ReadonlyMap<string, Matrix>;
  readonly values = new Map<AnyNode, Value>();

  constructor(shape: ScanShape, operands: Operands, matrices: ReadonlyMap<string, Matrix>) {
    this.shape = shape;
    this.operands = operands;
    this.matrices = matrices;
  }

  give(name: string, value: Value): void {
    this.values.set(variable(name), value);
  }

  /** Gives all that the equations read: input parts, previous state, unit weights and masks of step t. */
  giveLeaves(t: number, state: Readonly<Record<string, Float64Array>>): void {
    const { cell, batch: B, hiddenSize: H } = this.shape;
    const x = inputOf(this.shape, this.operands, t);
    for (const { name } of cell.gates) this.give(`x.${name}`, this.multiply(this.matrices.get(`x.${name}`)!, x));
    for (const { name } of cell.states) this.give(`previous.${name}`, state[name]!);
    for (const name of Object.keys(cell.weights)) {
      const w = this.operands[`weight.${name}`]!;
      this.give(
        `weight.${name}`,
        Float64Array.from({ length: B * H }, (_, k) => w[k % H]!),
      );
    }
    for (const [name, spec] of Object.entries(cell.masks)) {
      const n = B * sizeOf(spec.width, this.shape);
      this.give(
        `mask.${name}`,
        this.operands[`mask.${name}`]!.subarray(spec.per === "step" ? t * n : 0, spec.per === "step" ? (t + 1) * n : n),
      );
    }
  }

  evaluate(nodes: readonly AnyNode[]): void {
    for (const n of nodes) if (!this.values.has(n)) this.values.set(n, this.compute(n));
  }

  /** The value of a node as an array of B rows. */
  array(n: AnyNode, width: number): Float64Array {
    const v = this.values.get(n)!;
    return typeof v === "number" ? new Float64Array(this.shape.batch * width).fill(v) : v;
  }

  private compute(n: AnyNode): Value {
    const args = n.args.map((a) => this.values.get(a)!);
    switch (n.op) {
      case "constant":
        return n.value;
      case "variable":
        throw new TypeError(`scan: cell "${this.shape.cell.name}" reads "${n.name}", which nothing provides`);
      case "product":
        return this.multiply(this.matrices.get(n.name)!, this.widen(args[0]!, this.matrices.get(n.name)!.columns));
      case "transposed":
        return this.multiplyTransposed(
          this.matrices.get(n.name)!,
          this.widen(args[0]!, this.matrices.get(n.name)!.rows),
        );
      case "mean":
        return this.mean(args);
      default: {
        const rule = rules[n.op];
        const length = Math.max(0, ...args.map((a) => (typeof a === "number" ? 0 : a.length)));
        const at = (a: Value | undefined, k: number): number => (typeof a === "number" ? a : (a?.[k] ?? 0));
        const [a, b, c] = args;
        if (length === 0) return rule(at(a, 0), at(b, 0), at(c, 0));
        return Float64Array.from({ length }, (_, k) => rule(at(a, k), at(b, k), at(c, k)));
      }
    }
  }

  private widen(v: Value, width: number): Float64Array {
    return typeof v === "number" ? new Float64Array(this.shape.batch * width).fill(v) : v;
  }

  private mean(args: readonly Value[]): Float64Array {
    const B = this.shape.batch;
    const width = Math.max(...args.map((a) => (typeof a === "number" ? 0 : a.length / B))) || this.shape.hiddenSize;
    const arrays = args.map((a) => this.widen(a, width));
    const out = new Float64Array(B * width);
    for (let b = 0; b < B; b++) {
      let sum = 0;
      for (const a of arrays) for (let k = 0; k < width; k++) sum += a[b * width + k]!;
      out.fill(sum / (width * arrays.length), b * width, (b + 1) * width);
    }
    return out;
  }

  /** `M v + bias` for each of B vectors. */
  private multiply({ weight, bias, row, rows, columns }: Matrix, v: Float64Array): Float64Array {
    const [m, c] = [this.operands[weight]!, bias ? this.operands[bias]! : undefined];
    const out = new Float64Array(this.shape.batch * rows);
    for (let b = 0; b < this.shape.batch; b++)
      for (let j = 0; j < rows; j++) {
        let sum = c ? c[row + j]! : 0;
        for (let k = 0; k < columns; k++) sum += m[(row + j) * columns + k]! * v[b * columns + k]!;
        out[b * rows + j] = sum;
      }
    return out;
  }

  /** `Mᵀ v` for each of B vectors. */
  multiplyTransposed({ weight, row, rows, columns }: Matrix, v: Float64Array): Float64Array {
    const m = this.operands[weight]!;
    const out = new Float64Array(this.shape.batch * columns);
    for (let b = 0; b < this.shape.batch; b++)
      for (let j = 0; j < rows; j++)
        for (let k = 0; k < columns; k++) out[b * columns + k]! += m[(row + j) * columns + k]! * v[b * rows + j]!;
    return out;
  }
}

/** The input of step t, [B, D]. */
function inputOf({ vocabulary, batch: B, inputSize: D }: ScanShape, operands: Operands, t: number): Float64Array {
  if (vocabulary === undefined) return operands.input!.subarray(t * B * D, (t + 1) * B * D);
  const x = new Float64Array(B * D);
  for (let b = 0; b < B; b++) x.set(rowOf(operands, "table", t * B + b, D), b * D);
  return x;
}
/** The row of a table, or of its gradient, that row `r` of the input is. */
const rowOf = (operands: Operands, table: string, r: number, D: number): Float64Array => {
  const token = operands.tokens![r]!;
  return operands[table]!.subarray(token * D, (token + 1) * D);
};

const order = (shape: ScanShape): number[] =>
  Array.from({ length: shape.steps }, (_, s) => (shape.reverse ? shape.steps - 1 - s : s));
const isMasked = (shape: ScanShape, operands: Operands, t: number, b: number): boolean =>
  shape.masked && operands.mask![t * shape.batch + b] === 0;

/** Rows of `to` become those of `from` for examples that `choose` says. */
function copyRows(from: Float64Array, to: Float64Array, B: number, choose: (b: number) => boolean): void {
  const width = to.length / B;
  for (let b = 0; b < B; b++) if (choose(b)) to.set(from.subarray(b * width, (b + 1) * width), b * width);
}

export function scan(kernel: Scan, operands: Operands): void {
  const { cell, batch: B, outputStride, steps: T } = kernel;
  const matrices = matricesOf(kernel);
  const nodes = nodesOf(cell);
  const width = (s: Cell["states"][number]): number => sizeOf(s.width, kernel);
  const first = cell.states[0]!;
  const F = width(first);
  let state: Record<string, Float64Array> = Object.fromEntries(
    cell.states.map((s) => [s.name, operands[`initial.${s.name}`]!.slice()]),
  );
  const shown = new Float64Array(B * F);
  let saved = 0;
  const traced = kernel.trace.map((name) => ({ name, node: cell.named[name]! }));
  for (const t of order(kernel)) {
    if (kernel.save)
      for (const s of cell.states) {
        operands.saved!.set(state[s.name]!, saved);
        saved += state[s.name]!.length;
      }
    const step = new Step(kernel, operands, matrices);
    step.giveLeaves(t, state);
    step.evaluate(nodes);
    const seen = (b: number): boolean => !isMasked(kernel, operands, t, b);
    const next: Record<string, Float64Array> = {};
    for (const s of cell.states) {
      next[s.name] = state[s.name]!.slice();
      copyRows(step.array(cell.next[s.name]!, width(s)), next[s.name]!, B, seen);
    }
    state = next;
    if (kernel.maskedOutput === "zero") shown.fill(0);
    copyRows(state[first.name]!, shown, B, seen);
    for (let b = 0; b < B; b++) operands.output!.set(shown.subarray(b * F, (b + 1) * F), (t * B + b) * outputStride);
    for (const { name, node } of traced) {
      const w = operands[`trace.${name}`]!.length / (T * B);
      const rows = new Float64Array(B * w);
      copyRows(step.array(node, w), rows, B, seen);
      operands[`trace.${name}`]!.set(rows, t * B * w);
    }
  }
  for (const s of cell.states) operands[`final.${s.name}`]!.set(state[s.name]!);
}

/** Which adjoints a backward step gives, and the nodes to evaluate for them. */
function adjointsOf(cell: Cell, trace: readonly string[]) {
  const inputs = cell.gates.map((g) => variables.input(g.name));
  const products = nodesOf(cell).filter((n): n is Expression => n.op === "product");
  const previous = cell.states.map((s) => variables.previous(s.name));
  const weights = Object.keys(cell.weights).map((name) => variables.weight(name));
  const traced = trace.map((name) => cell.named[name]!);
  const wanted = [...inputs, ...products, ...previous, ...weights, ...traced];
  const found = gradient(
    cell.states.map((s) => [cell.next[s.name]!, variables.adjoint(s.name)]),
    wanted,
  );
  const of = new Map(wanted.map((n, k) => [n, found[k]!]));
  return { inputs, products, previous, weights, traced, of, nodes: inOrder([...found, ...products]) };
}

export function scanBackward(kernel: ScanBackward, operands: Operands): void {
  const { cell, batch: B, inputSize: D, hiddenSize: H, outputStride } = kernel;
  const matrices = matricesOf(kernel);
  const adjoints = adjointsOf(cell, kernel.trace);
  const first = cell.states[0]!.name;
  const fresh = kernel.keep ? /^(d\.input|trace\.d\.)/ : /^(d\.(input|table|weight|bias|projection)|trace\.d\.)/;
  for (const [name, range] of Object.entries(operands)) if (fresh.test(name)) range.fill(0);
  const carried: Record<string, Float64Array> = {};
  const state: Record<string, Float64Array> = {};
  for (const { name } of cell.states) carried[name] = operands[`d.final.${name}`]!.slice();
  const pending = new Float64Array(carried[first]!.length);
  const F = pending.length / B;
  let saved = savedElements(kernel);
  for (const t of order(kernel).reverse()) {
    saved -= stateElements(kernel);
    let at = saved;
    for (const s of cell.states) {
      const n = B * sizeOf(s.width, kernel);
      state[s.name] = operands.saved!.slice(at, at + n);
      at += n;
    }
    const seen = (b: number): boolean => !isMasked(kernel, operands, t, b);
    // The output of a masked step is 0 (its adjoint goes nowhere) or the output before it (its adjoint waits for that step).
    for (let b = 0; b < B; b++)
      for (let k = 0; k < F; k++) {
        const d = pending[b * F + k]! + operands["d.output"]![(t * B + b) * outputStride + k]!;
        pending[b * F + k] = seen(b) || kernel.maskedOutput === "zero" ? 0 : d;
        if (seen(b)) carried[first]![b * F + k]! += d;
      }
    const step = new Step(kernel, operands, matrices);
    step.giveLeaves(t, state);
    for (const { name } of cell.states) step.give(`d.${name}`, carried[name]!.slice());
    step.evaluate(adjoints.nodes);
    /** The adjoint of a node, 0 in the rows of masked examples. */
    const adjoint = (n: Expression): Float64Array => {
      const width = sizeOf(widthOf(cell, n), kernel);
      const out = new Float64Array(B * width);
      copyRows(step.array(adjoints.of.get(n)!, width), out, B, seen);
      return out;
    };
    const x = inputOf(kernel, operands, t);
    for (const n of adjoints.inputs) {
      const d = adjoint(n);
      accumulate(operands, matrices.get(n.name)!, d, x, B, seen);
      if (kernel.inputGradient) {
        const back = step.multiplyTransposed(matrices.get(n.name)!, d);
        for (let b = 0; b < B; b++) {
          const r = t * B + b;
          const row =
            kernel.vocabulary === undefined
              ? operands["d.input"]!.subarray(r * D, (r + 1) * D)
              : rowOf(operands, "d.table", r, D);
          for (let k = 0; k < D; k++) row[k]! += back[b * D + k]!;
        }
      }
    }
    for (const n of adjoints.products) {
      const matrix = matrices.get(n.name)!;
      accumulate(operands, matrix, adjoint(n), step.array(n.args[0]!, matrix.columns), B, seen);
    }
    for (const n of adjoints.weights) {
      const d = adjoint(n);
      for (let k = 0; k < B * H; k++) operands[`d.${n.name}`]![k % H]! += d[k]!;
    }
    kernel.trace.forEach((name, k) => {
      const d = adjoint(adjoints.traced[k]!);
      operands[`trace.d.${name}`]!.set(d, t * d.length);
    });
    adjoints.previous.forEach((n, k) => {
      copyRows(adjoint(n), carried[cell.states[k]!.name]!, B, seen);
    });
  }
  for (const { name } of cell.states) operands[`d.initial.${name}`]!.set(carried[name]!);
}

/** Adds `d ⊗ v` to the gradient of a matrix and `d` to that of its bias, over the examples that are seen. */
function accumulate(
  operands: Operands,
  matrix: Matrix,
  d: Float64Array,
  v: Float64Array,
  B: number,
  seen: (b: number) => boolean,
): void {
  const { weight, bias, row, rows, columns } = matrix;
  const dWeight = operands[`d.${weight}`]!;
  for (let b = 0; b < B; b++) {
    if (!seen(b)) continue;
    for (let j = 0; j < rows; j++) {
      const dj = d[b * rows + j]!;
      if (bias) operands[`d.${bias}`]![row + j]! += dj;
      for (let k = 0; k < columns; k++) dWeight[(row + j) * columns + k]! += dj * v[b * columns + k]!;
    }
  }
}

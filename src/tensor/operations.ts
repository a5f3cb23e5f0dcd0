import type { Range } from "../compute/plan.ts";
import { gradient } from "../math/derivative.ts";
import { div, type Expression, equal, inOrder, rewrite, select, term, variable } from "../math/expression.ts";
import { describe, expectInteger, expectOneOf, ShapeError, UsageError } from "../shared/errors.ts";
import { expectOptions } from "../shared/options.ts";
import { mapValues } from "../shared/records.ts";
import { broadcastStrides, strides as dense, formatShape, overlaps, size } from "../shared/shapes.ts";
import { expectTensor, type Graph, type Tensor } from "./graph.ts";
import { graphOf } from "./graph-of.ts";
import { placesOf } from "./input-bounds.ts";
import type { Parameter } from "./parameter.ts";
import { rangeFrom } from "./range.ts";

/** Shape that all of `shapes` broadcast to: aligned at the last axis, an axis of 1 repeats (NumPy's rule). */
export function broadcastShape(shapes: readonly (readonly number[])[]): number[] {
  const rank = Math.max(0, ...shapes.map((s) => s.length));
  return Array.from({ length: rank }, (_, axis) => {
    const sizes = shapes.map((s) => s[s.length - rank + axis] ?? 1).filter((n) => n !== 1);
    if (new Set(sizes).size > 1)
      throw new ShapeError(
        "shape-mismatch",
        `shapes ${shapes.map(formatShape).join(", ")} do not broadcast: axis ${axis} has sizes ${sizes.join(" and ")}`,
      );
    return sizes[0] ?? 1;
  });
}

type Inputs = Readonly<Record<string, Tensor>>;

/** What the gradient of an equation over tensors reads beside its inputs. */
const [seed, best, ties] = [variable("adjoint of the value"), variable("the maximum"), variable("number of maxima")];
/** What kernels call their result, and what an input goes by that somebody has called so. */
const [result, inputOut] = [variable("out"), variable("the input out")];
/** Names that no input can have. */
const taken: readonly string[] = [seed, best, ties, inputOut].map(({ name }) => name);

/** What an equation over tensors runs over: their graph, the shape they broadcast to, and whether a gradient comes back. */
function common(operation: string, given: Inputs, equation: Expression) {
  if (typeof given !== "object" || given === null || "graph" in given)
    throw new UsageError(
      "bad-tensors",
      `${operation}: expected tensors by the names that the equation has for them, such as { x }, got ${"graph" in Object(given) ? "a tensor" : describe(given)}`,
    );
  const tensors = Object.values(given);
  const graph = graphOf(operation, tensors);
  const whole = term(equation);
  for (const node of inOrder([whole]))
    if (node.op === "variable" && !Object.hasOwn(given, node.name))
      throw new UsageError(
        "bad-tensors",
        `${operation}: the equation reads "${node.name}", which is none of the tensors ${Object.keys(given).join(", ")}`,
      );
  const { out, ...others } = given;
  const inputs = out ? { ...others, [inputOut.name]: out } : given;
  const [value] = out ? rewrite([whole], (n) => (n === result ? inputOut : undefined)) : [whole];
  for (const name of Object.keys(given))
    if (taken.includes(name))
      throw new UsageError("bad-tensors", `${operation}: no input can be called "${name}"; give it another name`);
  return {
    ...{ graph, inputs, value: value! },
    shape: broadcastShape(tensors.map((t) => t.shape)),
    differentiable: tensors.some((t) => t.differentiable),
  };
}

const rangesOf = (inputs: Inputs): Record<string, Range> => mapValues(inputs, (t) => t.range);
const spread = (inputs: Inputs, shape: readonly number[]): Record<string, number[]> =>
  mapValues(inputs, (t) => broadcastStrides(t.shape, shape));

/** Options of `pointwise`. */
export interface PointwiseOptions {
  /**
   * What the results are: numbers ("float", default), or whole ones ("int") such as rows for `gather`, rounded toward zero, without a
   * gradient. They are computed as numbers: on wasm those beyond 2²⁴ lose their last digits.
   */
  readonly type?: Range["type"] | undefined;
}

/**
 * Computes an equation for each element: a variable of it is the input of that name, broadcast. Gradients are derived from the
 * equation.
 */
export function pointwise(given: Inputs, equation: Expression, options: PointwiseOptions = {}): Tensor {
  expectOptions("pointwise", options, { type: 1 });
  const type = expectOneOf("pointwise: type", options.type ?? "float", ["float", "int"]);
  const { graph, shape, differentiable, inputs, value } = common("pointwise", given, equation);
  const out = graph.empty(shape, differentiable && type === "float", type);
  graph.launch(
    { op: "pointwise", shape, inputs: spread(inputs, shape), outputs: { out: { value, strides: dense(shape) } } },
    { ...rangesOf(inputs), out: out.range },
  );
  graph.record([out], ([g]) => pullBack(graph, inputs, shape, value, seed, { [seed.name]: graph.tensor(shape, g!) }));
  return out;
}

/** Contributes `seed · ∂value/∂input`, summed over the axes along which an input was broadcast, to each input. */
function pullBack(
  graph: Graph,
  inputs: Inputs,
  shape: readonly number[],
  value: Expression,
  seed: Expression,
  more: Inputs,
): void {
  const all = { ...inputs, ...more };
  const wanted = Object.entries(inputs).filter(([, t]) => t.differentiable);
  const parts = gradient(
    [[value, seed]],
    wanted.map(([name]) => variable(name)),
  );
  wanted.forEach(([, t], k) => {
    graph.contribute([t], ([out]) => writeReduced(graph, all, shape, parts[k]!, t.shape, out!));
  });
}

/** Writes `value` over `shape`, summed down to the shape `to` that broadcasts to it. */
function writeReduced(
  graph: Graph,
  inputs: Inputs,
  shape: readonly number[],
  value: Expression,
  to: readonly number[],
  out: Range,
): void {
  const strides = broadcastStrides(to, shape);
  // Over an axis of no elements too: the sum is 0.
  const over = shape.map((n, axis) => n !== 1 && strides[axis] === 0);
  const spec = { shape, inputs: spread(inputs, shape) };
  if (over.some(Boolean))
    graph.launch({ op: "reduce", ...spec, value, combine: "sum", over }, { ...rangesOf(inputs), out });
  else
    graph.launch(
      { op: "pointwise", ...spec, outputs: { out: { value, strides: dense(shape) } } },
      { ...rangesOf(inputs), out },
    );
}

/**
 * Computes the sum or maximum of an equation over some axes of the broadcast shape of the inputs. The result keeps the reduced axes
 * with size 1. A maximum shares its gradient among equal elements.
 */
export function reduce(
  given: Inputs,
  equation: Expression,
  axes: readonly number[],
  combine: "sum" | "max" = "sum",
): Tensor {
  return reduced(common("reduce", given, equation), combine, (shape) => {
    expectOneOf("reduce: combine", combine, ["sum", "max"]);
    expectList("reduce", "axes, such as [0]", axes);
    return axes.map((axis) => axisOf("reduce", shape, axis));
  });
}

/** Sums an equation over all elements; shape []. */
export const sumAll = (inputs: Inputs, value: Expression): Tensor =>
  reshape(
    reduced(common("sumAll", inputs, value), "sum", (shape) => [...shape.keys()]),
    [],
  );

function reduced(
  { graph, shape, differentiable, inputs, value }: ReturnType<typeof common>,
  combine: "sum" | "max",
  axesOf: (shape: readonly number[]) => readonly number[],
): Tensor {
  const axes = axesOf(shape);
  const over = shape.map((_, axis) => axes.includes(axis));
  const kept = shape.map((n, axis) => (over[axis] ? 1 : n));
  const out = graph.empty(kept, differentiable);
  const spec = { op: "reduce" as const, shape, inputs: spread(inputs, shape), over };
  graph.launch({ ...spec, value, combine }, { ...rangesOf(inputs), out: out.range });
  graph.record([out], ([g]) => {
    const more = { [seed.name]: graph.tensor(kept, g!) };
    if (combine === "sum") return pullBack(graph, inputs, shape, value, seed, more);
    const withBest: Inputs = { ...inputs, [best.name]: graph.tensor(kept, out.range) };
    const count = graph.empty(kept);
    const isBest = equal(value, best);
    graph.launch(
      { ...spec, inputs: spread(withBest, shape), value: select(isBest, 1, 0), combine: "sum" },
      { ...rangesOf(withBest), out: count.range },
    );
    pullBack(graph, inputs, shape, value, select(isBest, div(seed, ties), 0), {
      ...more,
      [best.name]: withBest[best.name]!,
      [ties.name]: count,
    });
  });
  return out;
}

/** For arguments that a caller may have given one by one. */
function expectList(operation: string, what: string, given: unknown): void {
  if (!Array.isArray(given))
    throw new ShapeError("shape-mismatch", `${operation}: expected a list of ${what}, got ${describe(given)}`);
}

/** The axis of this number, from the end where it is negative. */
function axisOf(operation: string, shape: readonly number[], axis: number): number {
  const fromStart = axis < 0 ? axis + shape.length : axis;
  if (shape[fromStart] !== undefined) return fromStart;
  throw new ShapeError("shape-mismatch", `${operation}: there is no axis ${axis} in shape ${formatShape(shape)}`);
}

/** 0, 1, 2, … in row-major order: the indices along the one axis of a shape that is longer than 1. */
export const arange = (graph: Graph, shape: readonly number[]): Tensor =>
  graph.constant(
    shape,
    Float64Array.from({ length: size(shape) }, (_, k) => k),
  );

/** Gives a tensor another shape. Shares memory and gradient. */
export const reshape = (x: Tensor, shape: readonly number[]): Tensor => graphOf("reshape", [x]).view(x, shape);

/**
 * Elements `offset + strides · index` of a dense tensor, copied into a dense one; whole numbers stay whole. Windows may overlap, but not
 * where a gradient is to come back: it would have to be added up.
 */
export function strided(x: Tensor, shape: readonly number[], offset: number, strides: readonly number[]): Tensor {
  if (x.differentiable && overlaps(shape, strides))
    throw new UsageError(
      "bad-option",
      "strided: windows that overlap have no gradient; take them one by one and concatenate",
    );
  const { graph } = x;
  const out = graph.empty(shape, x.differentiable, x.range.type);
  if (x.range.type === "int")
    graph.bounds.copied(out.range, [{ of: x.range, from: () => placesOf(shape, offset, strides) }]);
  const from = variable("from");
  graph.launch(
    { op: "pointwise", shape, inputs: { from: strides }, outputs: { out: { value: from, strides: dense(shape) } } },
    { from: rangeFrom(x.range, offset), out: out.range },
  );
  graph.record([out], ([g]) =>
    graph.contribute([x], ([dx]) => {
      if (size(shape) < size(x.shape)) graph.fill(dx!, 0);
      graph.launch(
        { op: "pointwise", shape, inputs: { from: dense(shape) }, outputs: { out: { value: from, strides } } },
        { from: g!, out: rangeFrom(dx!, offset) },
      );
    }),
  );
  return out;
}

/** Permutes axes: axis k of the result is axis `order[k]` of `x`. Whole numbers stay whole. */
export function transpose(x: Tensor, order: readonly number[]): Tensor {
  expectTensor("transpose", x);
  expectList("transpose", "axes, such as [1, 0]", order);
  const own = dense(x.shape);
  if ([...order].sort((a, b) => a - b).join() !== own.map((_, axis) => axis).join())
    throw new ShapeError(
      "shape-mismatch",
      `transpose: order [${order.join(", ")}] does not name every axis of ${formatShape(x.shape)} once`,
    );
  return strided(
    x,
    order.map((axis) => x.shape[axis]!),
    0,
    order.map((axis) => own[axis]!),
  );
}

/** Takes elements `start … end − 1` of one axis; a negative axis counts from the last. Whole numbers stay whole. */
export function slice(x: Tensor, along: number, start: number, end: number): Tensor {
  expectTensor("slice", x);
  const axis = axisOf("slice", x.shape, along);
  if (!(Number.isInteger(start) && Number.isInteger(end) && start >= 0 && start < end && end <= x.shape[axis]!))
    throw new ShapeError(
      "shape-mismatch",
      `slice: expected 0 ≤ start < end ≤ ${x.shape[axis]} along axis ${axis} of ${formatShape(x.shape)}, got start ${describe(start)} and end ${describe(end)}`,
    );
  const own = dense(x.shape);
  const shape = x.shape.map((n, k) => (k === axis ? end - start : n));
  return strided(x, shape, start * own[axis]!, own);
}

/** Concatenates tensors along an axis; a negative axis counts from the last. Whole numbers stay whole if all tensors hold them. */
export function concatenate(parts: readonly Tensor[], along: number): Tensor {
  expectList("concatenate", "tensors, such as [x, y]", parts);
  const graph = graphOf("concatenate", parts);
  const axis = axisOf("concatenate", parts[0]!.shape, along);
  for (const t of parts)
    if (t.shape.length !== parts[0]!.shape.length || t.shape.some((n, k) => k !== axis && n !== parts[0]!.shape[k]))
      throw new ShapeError(
        "shape-mismatch",
        `concatenate: shapes ${parts.map((p) => formatShape(p.shape)).join(", ")} differ in another axis than ${axis}`,
      );
  const total = parts.reduce((n, t) => n + t.shape[axis]!, 0);
  const shape = parts[0]!.shape.map((n, k) => (k === axis ? total : n));
  const type = parts.every((t) => t.range.type === "int") ? "int" : "float";
  const differentiable = parts.some((t) => t.differentiable);
  const out = graph.empty(shape, differentiable, type);
  const strides = dense(shape);
  let next = 0;
  const offsets = parts.map((t) => {
    const offset = next;
    next += t.shape[axis]! * strides[axis]!;
    return offset;
  });
  if (type === "int")
    graph.bounds.copied(
      out.range,
      parts.map((t, k) => ({ of: t.range, at: () => placesOf(t.shape, offsets[k]!, strides) })),
    );
  const from = variable("from");
  parts.forEach((t, k) => {
    graph.launch(
      { op: "pointwise", shape: t.shape, inputs: { from: dense(t.shape) }, outputs: { out: { value: from, strides } } },
      { from: t.range, out: rangeFrom(out.range, offsets[k]!) },
    );
  });
  graph.record([out], ([g]) => {
    parts.forEach((t, k) => {
      graph.contribute([t], ([dx]) =>
        graph.launch(
          {
            op: "pointwise",
            shape: t.shape,
            inputs: { from: strides },
            outputs: { out: { value: from, strides: dense(t.shape) } },
          },
          { from: rangeFrom(g!, offsets[k]!), out: dx! },
        ),
      );
    });
  });
  return out;
}

/** Options of `matmul`. */
export interface MatMulOptions {
  /** Whether to transpose the first matrix. Default false. */
  readonly transposeA?: boolean | undefined;
  /** Whether to transpose the second matrix. Default false. */
  readonly transposeB?: boolean | undefined;
  /** A row [n] added to every row of the result. Default none. */
  readonly bias?: Tensor | undefined;
}

/** Multiplies matrices, `a · b + bias` of [m, k] and [k, n], or stacks of them with one leading axis. */
export function matmul(a: Tensor, b: Tensor, options: MatMulOptions = {}): Tensor {
  expectOptions("matmul", options, { transposeA: 1, transposeB: 1, bias: 1 });
  const { transposeA = false, transposeB = false, bias } = options;
  const graph = graphOf("matmul", [a, b], [bias]);
  const rank = a.shape.length;
  if ((rank !== 2 && rank !== 3) || b.shape.length !== rank || (rank === 3 && a.shape[0] !== b.shape[0]))
    throw new ShapeError(
      "shape-mismatch",
      `matmul: expected two matrices, or two stacks of equally many matrices, got ${formatShape(a.shape)} and ${formatShape(b.shape)}${rank === 3 && b.shape.length === 2 ? `; for the product of a stack with one matrix make it one too, reshape(a, [${a.shape[0]! * a.shape[1]!}, ${a.shape[2]}])` : ""}`,
    );
  const batch = rank === 3 ? a.shape[0]! : 1;
  const [ra, rb] = [a.shape.slice(-2), b.shape.slice(-2)];
  const [m, k] = transposeA ? [ra[1]!, ra[0]!] : [ra[0]!, ra[1]!];
  const [kb, n] = transposeB ? [rb[1]!, rb[0]!] : [rb[0]!, rb[1]!];
  if (k !== kb)
    throw new ShapeError(
      "shape-mismatch",
      `matmul: ${formatShape(a.shape)}${transposeA ? "ᵀ" : ""} and ${formatShape(b.shape)}${transposeB ? "ᵀ" : ""} do not multiply: inner sizes are ${k} and ${kb}`,
    );
  if (bias && (bias.shape.length !== 1 || bias.shape[0] !== n))
    throw new ShapeError("shape-mismatch", `matmul: bias must have shape [${n}], got ${formatShape(bias.shape)}`);
  const differentiable = a.differentiable || b.differentiable || (bias?.differentiable ?? false);
  const out = graph.empty(rank === 3 ? [batch, m, n] : [m, n], differentiable);
  graph.launch(
    { op: "matmul", batch, m, k, n, transposeA, transposeB, bias: bias !== undefined },
    { a: a.range, b: b.range, out: out.range, ...(bias && { bias: bias.range }) },
  );
  graph.record([out], ([g]) => {
    // With op(A) op(B) = C: d op(A) = dC · op(B)ᵀ and d op(B) = op(A)ᵀ · dC; a transposed operand swaps the factors.
    graph.contribute([a], ([da]) =>
      transposeA
        ? graph.launch(
            { op: "matmul", batch, m: k, k: n, n: m, transposeA: transposeB, transposeB: true, bias: false },
            { a: b.range, b: g!, out: da! },
          )
        : graph.launch(
            { op: "matmul", batch, m, k: n, n: k, transposeA: false, transposeB: !transposeB, bias: false },
            { a: g!, b: b.range, out: da! },
          ),
    );
    graph.contribute([b], ([db]) =>
      transposeB
        ? graph.launch(
            { op: "matmul", batch, m: n, k: m, n: k, transposeA: true, transposeB: transposeA, bias: false },
            { a: g!, b: a.range, out: db! },
          )
        : graph.launch(
            { op: "matmul", batch, m: k, k: m, n, transposeA: !transposeA, transposeB: false, bias: false },
            { a: a.range, b: g!, out: db! },
          ),
    );
    if (bias)
      graph.contribute([bias], ([d]) =>
        writeReduced(graph, { g: graph.tensor([batch * m, n], g!) }, [batch * m, n], variable("g"), [n], d!),
      );
  });
  return out;
}

/**
 * `x Wᵀ + b` of rows [m, k] with a parameter [n, k], in numbers or, where the graph has them so, with weights of 8 bits.
 *
 * @param options.rows Only these rows of W and b: from, to. Default all.
 */
export function project(
  x: Tensor,
  weight: Parameter,
  options: { readonly bias?: Parameter | undefined; readonly rows?: readonly [number, number] } = {},
): Tensor {
  const { graph } = x;
  const [all, k] = weight.shape as [number, number];
  const [from, to] = options.rows ?? [0, all];
  const bias = options.bias && graph.parameter(options.bias);
  const part = (range: Range, width: number): Range => ({
    ...range,
    offset: range.offset + from * width,
    length: (to - from) * width,
  });
  const quantized = x.differentiable ? undefined : graph.quantizedRanges(weight);
  if (!quantized) {
    const rows = (t: Tensor, width: number): Tensor =>
      to - from === all ? t : graph.tensor([to - from, ...t.shape.slice(1)], part(t.range, width));
    return matmul(x, rows(graph.parameter(weight), k), { transposeB: true, bias: bias && rows(bias, 1) });
  }
  const m = x.shape[0]!;
  if (x.shape[1] !== k)
    throw new ShapeError("shape-mismatch", `expected rows of ${k} numbers, got ${formatShape(x.shape)}`);
  const out = graph.empty([m, to - from]);
  graph.launch(
    { op: "quantizedMatmul", m, k, n: to - from, bias: bias !== undefined },
    {
      ...{ a: x.range, weight: part(quantized.words, Math.ceil(k / 4)), scale: part(quantized.scales, 1) },
      ...(bias && { bias: part(bias.range, 1) }),
      out: out.range,
    },
  );
  return out;
}

/**
 * Gathers rows of a table.
 * @param indices int tensor, any shape; values in [0, V). Of an input this is checked whenever it is written.
 * @param table [V, C].
 * @returns shape of `indices` + [C].
 */
export function gather(
  indices: Tensor,
  table: Tensor,
  options: {
    /** A row that gets no gradient, in [0, V). Default: none. */
    paddingIndex?: number | undefined;
  } = {},
): Tensor {
  expectOptions("gather", options, { paddingIndex: 1 });
  const graph = graphOf("gather", [indices, table]);
  expectTensor("gather: table", table, ["V", "C"]);
  const [vocabulary, columns] = table.shape as [number, number];
  const rows = size(indices.shape);
  graph.bound(indices, vocabulary);
  const out = graph.empty([...indices.shape, columns], table.differentiable);
  graph.launch(
    { op: "gather", rows, vocabulary, columns },
    { indices: indices.range, table: table.range, out: out.range },
  );
  const skip = options.paddingIndex;
  if (skip !== undefined) expectInteger("gather: paddingIndex", skip, { min: 0, max: vocabulary - 1 });
  if (skip === undefined) graph.noteLookup(out, { indices, table });
  graph.record([out], ([g]) =>
    graph.accumulateRows(table, (out, keep, touched) =>
      graph.launch(
        {
          ...{ op: "scatterAdd", rows, vocabulary, columns, keep },
          ...(skip !== undefined && { skip }),
          ...(touched && { touched: { lead: touched.lead } }),
        },
        { indices: indices.range, source: g!, out, ...(touched && { touched: touched.range }) },
      ),
    ),
  );
  return out;
}

/** Returns the same numbers without a gradient. */
export const stopGradient = (x: Tensor): Tensor => ({ ...x, differentiable: false });

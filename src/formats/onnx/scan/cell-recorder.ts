import { variables } from "../../../cells/define.ts";
import {
  add,
  constant,
  type Expression,
  equal,
  mean,
  mul,
  rewrite,
  select,
  variable,
} from "../../../math/expression.ts";
import { formatShape, size } from "../../../shared/shapes.ts";
import { broadcastShape } from "../../../tensor/operations.ts";
import { type DataType, isFloat } from "../../data-type.ts";
import { isHost, type Value } from "../../value.ts";
import { Recorder } from "../recorder.ts";
import { type Bias, type Block, type InputSum, NotACell, type Product, ScanEquations, type Sum } from "./equations.ts";
import { labelOf } from "./label.ts";
import { isUnits, UnitsValue } from "./units-value.ts";

/** What each step of a scan is given of one input: its numbers at all steps are those of a tensor. */
export interface Source {
  readonly value: Value;
  readonly width: number;
  /** Whether it is given to the scan before the first step, the same at all. */
  readonly fixed: boolean;
}

/**
 * Records the body of a scan as equations: its states and what it reads at a step are `UnitsValue`s, of which the primitives make others.
 * Everything else, such as what follows from the weights alone, is recorded as it is. So operators are written once.
 */
export class CellRecorder extends Recorder {
  readonly equations = new ScanEquations();
  readonly sources: Source[] = [];
  /** Values of each unit in the order of computation, by their names in the graph. */
  readonly named = new Map<string, UnitsValue>();
  /** B: of how many examples the vectors of a step are. */
  private readonly batch: number;

  constructor(outer: Recorder, batch: number) {
    super(outer.graph, outer.options);
    this.batch = batch;
  }

  /** A value of which each step is given its own element; in the place of it, of this shape. */
  source(source: Source, type: DataType, shape: readonly number[]): UnitsValue {
    const known = this.sources.findIndex(({ value }) => value === source.value);
    const at = known >= 0 ? known : this.sources.push(source) - 1;
    const term = { source: at, from: 0, count: source.width };
    return summed(type, shape, { input: { terms: [term], biases: [] }, products: [] });
  }

  /** A state before the step. */
  previous(state: string, shape: readonly number[]): UnitsValue {
    return units("float32", shape, variables.previous(state));
  }

  override called(name: string, value: Value): Value {
    if (!isUnits(value)) return super.called(name, value);
    const label = labelOf(name);
    if (label !== undefined && value.form.kind === "sum") value.form.sum.label ??= label;
    this.named.set(name, value);
    return value;
  }

  /** The equation of a value. @param width of what it meets, where it may be one number for all units */
  settled(value: UnitsValue, width = value.width): Expression {
    const { form } = value;
    if (form.kind === "units") return form.of;
    if (form.kind === "row") throw new NotACell("vectors side by side are read unit by unit");
    return this.equations.settled(form.sum, width);
  }

  override pointwise<const V extends readonly Value[]>(
    inputs: V,
    equation: (...x: { [K in keyof V]: Expression }) => Expression,
    type: DataType,
    onNumbers?: (...x: { [K in keyof V]: number }) => number,
  ): Value {
    if (!inputs.some(isUnits)) return super.pointwise(inputs, equation, type, onNumbers);
    const f = equation as (...x: Expression[]) => Expression;
    const shape = this.shapeOf(inputs);
    const whole = isSum(f, inputs.length) ? this.sumOf(inputs as unknown as readonly [Value, Value], shape) : undefined;
    if (whole) return whole;
    const width = shape.at(-1)!;
    return units(type, shape, plain(f(...inputs.map((x) => this.term(x, width)))));
  }

  /** The shape of what is computed of these. Examples must meet as they are: those of one with those of the same. */
  private shapeOf(inputs: readonly Value[]): readonly number[] {
    const shape = broadcastShape(inputs.map((x) => x.shape));
    const rows = size(shape.slice(0, -1));
    for (const x of inputs) if (isUnits(x) && x.rows !== rows) throw new NotACell("examples meet others");
    return shape;
  }

  private term(x: Value, width: number): Expression {
    if (isUnits(x)) return this.settled(x, width);
    if (this.folds(x) && x.data.length === 1) return constant(x.data[0]!);
    return this.settled(this.given(x), width);
  }

  /** A value from outside the scan as one of each unit: a weight, or something of each example that is the same at all steps. */
  private given(x: Value): UnitsValue {
    const width = x.shape.at(-1) ?? 1;
    const rows = size(x.shape) / width;
    if (!isFloat(x.type)) throw new NotACell(`numbers of type ${x.type} from outside`);
    if (rows === 1)
      return units(x.type, x.shape, this.equations.weight(x, width, labelOf(isHost(x) ? x.name : undefined)));
    if (rows !== this.batch) throw new NotACell(`a value of shape ${formatShape(x.shape)} from outside`);
    return this.source({ value: x, width, fixed: true }, x.type, x.shape);
  }

  /** A sum that stays open, where one may be added to the other. */
  private sumOf([a, b]: readonly [Value, Value], shape: readonly number[]): UnitsValue | undefined {
    const [one, other] = [openSum(a, shape), openSum(b, shape)];
    if (one && other) {
      const joined = joinedSums(one, other);
      return joined && summed("float32", shape, joined);
    }
    const [sum, value] = one ? [one, b] : [other, a];
    if (!sum || isUnits(value)) return undefined;
    const width = shape.at(-1)!;
    const [last, count] = [value.shape.at(-1) ?? 1, size(value.shape)];
    if (!isFloat(value.type) || count !== last || (last !== width && last !== 1)) return undefined;
    return summed("float32", shape, biased(sum, { value, from: 0, count: width }));
  }

  override matmul(a: Value, b: Value, options: { transposeA?: boolean; transposeB?: boolean } = {}): Value {
    if (!isUnits(a)) return super.matmul(a, b, options);
    if (isUnits(b) || options.transposeA || b.shape.length !== 2) throw new NotACell("a product of two such values");
    const outputs = options.transposeB ? 0 : 1;
    const [count, columns] = [b.shape[outputs]!, b.shape[1 - outputs]!];
    if (columns !== a.width) throw new NotACell(`a product over ${a.width} and ${columns}`);
    const over = (from: number, length: number): Block => ({
      ...{ matrix: b, outputs, from: 0, count },
      over: { from, count: length },
    });
    let [from, sum]: [number, Sum | undefined] = [0, undefined];
    for (const part of a.form.kind === "row" ? a.form.parts : [a]) {
      const one = this.multiplied(part, over(from, part.width));
      const joined: Sum | undefined = sum ? joinedSums(sum, one) : one;
      if (!joined) throw new NotACell("a product over parts of one input");
      [from, sum] = [from + part.width, joined];
    }
    return summed("float32", [...a.shape.slice(0, -1), count], sum!);
  }

  private multiplied(x: UnitsValue, block: Block): Sum {
    const { form } = x;
    const [term, ...more] = form.kind === "sum" ? (form.sum.input?.terms ?? []) : [];
    if (form.kind === "sum" && term && !term.block && more.length + form.sum.input!.biases.length === 0)
      if (form.sum.products.length === 0) return { input: { terms: [{ ...term, block }], biases: [] }, products: [] };
    return { products: [{ operand: this.settled(x), block, biases: [] }] };
  }

  override slice(x: Value, axis: number, start: number, count: number, step = 1): Value {
    if (!isUnits(x)) return super.slice(x, axis, start, count, step);
    if (start === 0 && count === x.shape[axis] && step === 1) return x;
    if (axis !== x.shape.length - 1 || step !== 1 || count === 0) throw new NotACell("a part of the examples");
    const shape = x.shape.with(axis, count);
    const { form } = x;
    if (form.kind === "sum") return summed(x.type, shape, sliced(form.sum, start, count));
    let from = 0;
    for (const part of form.kind === "row" ? form.parts : []) {
      if (start >= from && start + count <= from + part.width)
        return this.slice(part.under([...x.shape.slice(0, -1), part.width]), axis, start - from, count);
      from += part.width;
    }
    throw new NotACell("some units of a vector");
  }

  override concatenate(parts: readonly Value[], axis: number): Value {
    if (!parts.some(isUnits)) return super.concatenate(parts, axis);
    if (parts.length === 1) return parts[0]!;
    const [first] = parts as [Value];
    const all = parts.map((part) => (isUnits(part) ? part : this.given(part)));
    const alike = all.every((part) => part.rows === all[0]!.rows);
    if (!alike || axis !== first.shape.length - 1) throw new NotACell("examples one after the other");
    const width = all.reduce((sum, part) => sum + part.width, 0);
    return new UnitsValue(first.type, first.shape.with(axis, width), { kind: "row", parts: all });
  }

  override reshape(x: Value, shape: readonly number[]): Value {
    if (!isUnits(x)) return super.reshape(x, shape);
    if (shape.at(-1) !== x.width || size(shape) !== size(x.shape)) throw new NotACell("units become other units");
    return x.under(shape);
  }

  override transpose(x: Value, order: readonly number[]): Value {
    if (!isUnits(x)) return super.transpose(x, order);
    if (order.some((axis, k) => axis !== k)) throw new NotACell("axes are exchanged");
    return x;
  }

  override expand(x: Value, given: readonly number[]): Value {
    const shape = broadcastShape([x.shape, given]);
    const rows = size(shape.slice(0, -1));
    // A weight of each unit, written once an example.
    const spread = !isUnits(x) && isFloat(x.type) && rows === this.batch && size(x.shape) === (x.shape.at(-1) ?? 1);
    if (!isUnits(x) && !spread) return super.expand(x, given);
    if (isUnits(x) && x.rows !== rows) throw new NotACell("examples become more");
    return units(x.type, shape, this.term(x, shape.at(-1)!));
  }

  override reduce(
    x: Value,
    equation: (x: Expression) => Expression,
    axes: readonly number[],
    combine: "sum" | "max",
  ): Value {
    if (!isUnits(x)) return super.reduce(x, equation, axes, combine);
    if (combine !== "sum" || axes.length !== 1 || axes[0] !== x.shape.length - 1)
      throw new NotACell("a maximum, or a sum over examples");
    const all = meanOf(equation(this.settled(x)));
    return units("float32", x.shape.with(-1, 1), mul(all, x.width));
  }

  override cast(x: Value, type: DataType): Value {
    if (!isUnits(x)) return super.cast(x, type);
    if (type === "bool") return this.pointwise([x], (a) => select(equal(a, 0), 0, 1), type);
    if (!isFloat(type)) throw new NotACell(`numbers as ${type}`);
    return new UnitsValue(type, x.shape, x.form);
  }
}

const units = (type: DataType, shape: readonly number[], of: Expression): UnitsValue =>
  new UnitsValue(type, shape, { kind: "units", of });
const summed = (type: DataType, shape: readonly number[], sum: Sum): UnitsValue =>
  new UnitsValue(type, shape, { kind: "sum", sum: { ...sum } });

/** Whether an equation of two is their sum. */
function isSum(f: (...x: Expression[]) => Expression, count: number): boolean {
  const [a, b] = [variable("a"), variable("b")];
  return count === 2 && f(a, b) === add(a, b);
}

/** The sum that a value is, if it has all units of what it is added to. */
const openSum = (value: Value, shape: readonly number[]): Sum | undefined =>
  isUnits(value) && value.form.kind === "sum" && value.width === shape.at(-1) ? value.form.sum : undefined;

/** Two sums as one. Two parts of one input stay two: each is a gate, which may be read by itself. */
function joinedSums(a: Sum, b: Sum): Sum | undefined {
  const label = a.label ?? b.label;
  const products = [...a.products, ...b.products];
  if (!a.input || !b.input) return { input: a.input ?? b.input, products, label };
  const terms = [...a.input.terms, ...b.input.terms];
  if (new Set(terms.map(({ source }) => source)).size < terms.length) return undefined;
  return { input: { terms, biases: [...a.input.biases, ...b.input.biases] }, products, label };
}

/** A sum with another term that is the same at all steps. */
function biased({ input, products, label }: Sum, bias: Bias): Sum {
  if (input) return { input: { ...input, biases: [...input.biases, bias] }, products, label };
  const [first, ...rest] = products as [Product, ...Product[]];
  return { products: [{ ...first, biases: [...first.biases, bias] }, ...rest], label };
}

/** Some elements of a sum. */
function sliced({ input, products }: Sum, from: number, count: number): Sum {
  const block = (one: Block): Block => ({ ...one, from: one.from + from, count });
  const biases = (all: readonly Bias[]): Bias[] => all.map((one) => ({ ...one, from: one.from + from, count }));
  const ofInput = ({ terms, biases: all }: InputSum): InputSum => ({
    terms: terms.map((term) =>
      term.block ? { ...term, block: block(term.block) } : { ...term, from: term.from + from, count },
    ),
    biases: biases(all),
  });
  return {
    input: input && ofInput(input),
    products: products.map((one) => ({ ...one, block: block(one.block), biases: biases(one.biases) })),
  };
}

/** The mean of an equation over all units; of a mean of several ones that of all of them. */
function meanOf(x: Expression): Expression {
  const [sum, count] = x.args as readonly Expression[];
  if (x.op !== "divide" || count!.op !== "constant") return mean(x);
  let [rest, parts]: [Expression, Expression[]] = [sum!, []];
  while (rest.op === "add" && parts.length < count!.value - 1) {
    parts = [rest.args[1] as Expression, ...parts];
    rest = rest.args[0] as Expression;
  }
  return parts.length === count!.value - 1 ? mean(rest, ...parts) : mean(x);
}

/** Without what operators of a graph say twice: a condition that is a number and then a condition again, a sum of a mean over its count. */
const plain = (of: Expression): Expression =>
  rewrite([of], (node) => {
    const [a, b, c] = node.args as readonly Expression[];
    if (node.op === "divide" && a!.op === "multiply" && a!.args[1] === b && b!.op === "constant")
      return a!.args[0] as Expression;
    if (node.op !== "select") return undefined;
    const [truth, zero] = a!.args as readonly Expression[];
    const [condition, one, none] = truth?.args ?? [];
    const again =
      (a!.op as string) === "equal" &&
      zero === constant(0) &&
      truth!.op === "select" &&
      one === constant(1) &&
      none === zero;
    return again ? select(condition as never, plain(c!), plain(b!)) : undefined;
  })[0]!;

import type { Cell, Width } from "../cells/define.ts";
import { type AnyNode, inOrder } from "../math/expression.ts";
import { parameterShapes, partsLength, sizeOf, widthOf } from "../scan/widths.ts";
import { nearest, UsageError, within } from "../shared/errors.ts";
import { mapValues, prefixed } from "../shared/records.ts";
import { overlaps, size } from "../shared/shapes.ts";
import type { Arena } from "./machine.ts";
import {
  type Kernel,
  type Launch,
  type Plan,
  type Range,
  type Scan,
  type ScanBackward,
  type ScanShape,
  TOUCHED_BLOCK,
} from "./plan.ts";

/** What every use of a machine, and of what lies on it, ends in once it was closed. */
export const machineClosed = (): UsageError =>
  new UsageError(
    "closed",
    "the machine was closed, and with it all that lies on it: open another (`openMachine`), and load or make on it again what is to run",
  );

/** Why an arena cannot be used any more: it was closed itself, or its machine was. */
export const arenaClosed = (name: string, ofMachine: boolean): UsageError =>
  ofMachine ? machineClosed() : new UsageError("closed", `arena "${name}" was closed and cannot be used any more`);

/** What a kernel needs of one operand. */
export interface OperandSpec {
  /** Elements that it reads or writes from the start of the range. */
  readonly length: number;
  readonly type: Range["type"] | "any";
  readonly written: boolean;
  /** Whether strides leave out elements in between. */
  readonly gaps: boolean;
}
export type OperandSpecs = Readonly<Record<string, OperandSpec>>;

type SavedSize = (shape: ScanShape) => number;
type Lengths = Readonly<Record<string, number>>;

const dense = (lengths: Lengths, written: boolean, type: OperandSpec["type"] = "float"): OperandSpecs =>
  mapValues(lengths, (length) => ({ length, type, written, gaps: false }));
const reads = (lengths: Lengths): OperandSpecs => dense(lengths, false);
const writes = (lengths: Lengths): OperandSpecs => dense(lengths, true);
const readsWhole = (lengths: Lengths): OperandSpecs => dense(lengths, false, "int");

function strided(shape: readonly number[], strides: readonly number[], written: boolean): OperandSpec {
  const length = spanOf(shape, strides);
  if (written && overlaps(shape, strides))
    throw new UsageError("bad-plan", `an output is written more than once: strides [${strides.join(", ")}]`);
  const reached = shape.reduce((count, n, axis) => (strides[axis] === 0 ? count : count * n), 1);
  return { length, type: "any", written, gaps: reached < length };
}

/** Elements between the first and the last that are reached, both counted. */
export function spanOf(shape: readonly number[], strides: readonly number[]): number {
  if (strides.length !== shape.length || strides.some((s) => !Number.isInteger(s) || s < 0))
    throw new UsageError(
      "bad-plan",
      `strides [${strides.join(", ")}] do not fit the shape [${shape.join(", ")}]: one whole number of at least 0 for each axis`,
    );
  return size(shape) === 0 ? 0 : 1 + shape.reduce((sum, n, axis) => sum + (n - 1) * strides[axis]!, 0);
}

/** The operands of every kernel, as plan.ts words them. */
const specs: { [K in Kernel["op"]]: (kernel: Extract<Kernel, { op: K }>, savedSize: SavedSize) => OperandSpecs } = {
  pointwise: ({ shape, inputs, outputs, touched }) => {
    checkAxes(shape);
    checkEquations(
      mapValues(outputs, (o) => o.value),
      inputs,
    );
    if (touched) checkTouched(shape, [...Object.values(inputs), ...Object.values(outputs).map((o) => o.strides)]);
    return {
      ...(touched && touchedBlocks(shape[0]!)),
      ...mapValues(inputs, (strides) => strided(shape, strides, false)),
      ...mapValues(outputs, (o) => strided(shape, o.strides, true)),
    };
  },
  reduce: ({ shape, inputs, value, over, touched }) => {
    checkAxes(shape);
    if (touched) checkTouched(shape, Object.values(inputs));
    checkEquations({ out: value }, inputs);
    if (over.length !== shape.length)
      throw new UsageError("bad-plan", `\`over\` has ${over.length} entries for ${shape.length} axes`);
    return {
      ...mapValues(inputs, (strides) => strided(shape, strides, false)),
      ...(touched && touchedBlocks(shape[0]!)),
      ...writes({ out: size(shape.filter((_, axis) => !over[axis])) }),
    };
  },
  matmul: ({ batch, m, k, n, bias }) => ({
    ...reads({ a: batch * m * k, b: batch * k * n, ...(bias && { bias: n }) }),
    ...writes({ out: batch * m * n }),
  }),
  gather: ({ tables = 1, rows, vocabulary, columns }) => ({
    ...readsWhole({ indices: tables * rows }),
    ...reads({ table: tables * vocabulary * columns }),
    ...writes({ out: tables * rows * columns }),
  }),
  scatterAdd: ({ tables = 1, rows, vocabulary, columns, touched }) => {
    if (touched && tables !== 1) throw new UsageError("bad-plan", `\`touched\` tells of one table, not of ${tables}`);
    if (touched && !(touched.lead >= 0 && touched.lead < TOUCHED_BLOCK))
      throw new UsageError("bad-plan", `\`lead\` is ${touched.lead}: the first block begins less than a block before`);
    return {
      ...readsWhole({ indices: tables * rows }),
      ...reads({ source: tables * rows * columns }),
      ...writes({ out: tables * vocabulary * columns }),
      ...(touched && touchedBlocks(touched.lead + vocabulary * columns, true)),
    };
  },
  scatter: ({ rows, vocabulary, columns }) => ({
    ...readsWhole({ indices: rows }),
    ...reads({ source: rows * columns }),
    ...writes({ out: vocabulary * columns }),
  }),
  random: ({ shape, strides }) => ({
    ...readsWhole({ key: 4 }),
    out: { ...strided(shape, strides, true), type: "float" },
  }),
  linearCrossEntropy: ({ rows, columns, classes, gradients, ...has }) => {
    const lengths: Lengths = { x: rows * columns, weight: classes * columns, bias: classes };
    return {
      ...reads({
        ...(has.bias ? lengths : { x: lengths.x!, weight: lengths.weight! }),
        ...(has.weighted && { classWeight: classes }),
        ...(has.masked && { mask: rows }),
        ...(gradients.length > 0 && { seed: 1 }),
      }),
      ...readsWhole({ target: rows }),
      ...writes({ loss: 1, ...Object.fromEntries(gradients.map((name) => [`d.${name}`, lengths[name]!])) }),
    };
  },
  quantizedMatmul: ({ m, k, n, bias }) => ({
    ...reads({ a: m * k, scale: n, ...(bias && { bias: n }) }),
    ...readsWhole({ weight: n * Math.ceil(k / 4) }),
    ...writes({ out: m * n }),
  }),
  scan: (kernel, savedSize) => ({
    ...reads(scanInputs(kernel)),
    ...tokens(kernel),
    ...writes({
      output: outputLength(kernel),
      ...states("final.", kernel),
      ...(kernel.save && { saved: savedSize(kernel) }),
      ...traces("trace.", kernel),
    }),
  }),
  scanBackward: (kernel, savedSize) => ({
    ...tokens(kernel),
    ...reads({
      ...scanInputs(kernel),
      saved: savedSize(kernel),
      "d.output": outputLength(kernel),
      ...states("d.final.", kernel),
    }),
    ...writes({
      ...(kernel.inputGradient && prefixed("d.", inputLength(kernel))),
      ...(kernel.vocabulary !== undefined && { "d.parts": partsLength(kernel.vocabulary, kernel) }),
      ...prefixed("d.", parameterLengths(kernel)),
      ...states("d.initial.", kernel),
      ...traces("trace.d.", kernel),
    }),
  }),
};

/** The words that tell which of `elements` elements may be other than 0. */
const touchedBlocks = (elements: number, written = false): OperandSpecs =>
  dense({ touched: Math.ceil(elements / TOUCHED_BLOCK) }, written, "int");

function checkTouched(shape: readonly number[], strides: readonly (readonly number[])[]): void {
  if (shape.length !== 1 || strides.some(([stride]) => stride !== 0 && stride !== 1))
    throw new UsageError(
      "bad-plan",
      `\`touched\` tells of blocks along one axis with strides of 0 or 1; the shape is [${shape.join(", ")}], the strides are ${strides.map((s) => `[${s.join(", ")}]`).join(", ")}`,
    );
}

const parameterLengths = (shape: ScanShape): Lengths => mapValues(parameterShapes(shape.cell, shape), size);
const states = (prefix: string, shape: ScanShape): Lengths =>
  Object.fromEntries(shape.cell.states.map((s) => [prefix + s.name, shape.batch * sizeOf(s.width, shape)]));

const inputLength = ({ vocabulary: V, steps: T, batch: B, inputSize: D }: ScanShape): Lengths =>
  V === undefined ? { input: T * B * D } : { table: V * D };
const tokens = ({ vocabulary, steps, batch }: ScanShape): OperandSpecs =>
  vocabulary === undefined ? {} : readsWhole({ tokens: steps * batch });

function scanInputs(shape: ScanShape): Lengths {
  const { cell, steps: T, batch: B, hiddenSize: H } = shape;
  if (!(T >= 1 && B >= 1 && H >= 1))
    throw new UsageError(
      "bad-plan",
      `a scan has at least one step, one example and one unit; this has ${T}, ${B}, ${H}`,
    );
  const lengths: Record<string, number> = { ...inputLength(shape), ...parameterLengths(shape) };
  for (const [name, spec] of Object.entries(cell.masks))
    lengths[`mask.${name}`] = (spec.per === "step" ? T : 1) * B * sizeOf(spec.width, shape);
  if (shape.masked) lengths.mask = T * B;
  return { ...lengths, ...states("initial.", shape) };
}

function outputLength(shape: ScanShape): number {
  const width = sizeOf(shape.cell.states[0]!.width, shape);
  if (shape.outputStride < width)
    throw new UsageError(
      "bad-plan",
      `outputStride is ${shape.outputStride}, less than the width ${width} of the output`,
    );
  return spanOf([shape.steps * shape.batch, width], [shape.outputStride, 1]);
}

function traces(prefix: string, kernel: Scan | ScanBackward): Lengths {
  return Object.fromEntries(
    kernel.trace.map((name) => [
      prefix + name,
      kernel.steps * kernel.batch * sizeOf(tracedWidth(kernel.cell, name), kernel),
    ]),
  );
}

function tracedWidth(cell: Cell, name: string): Width {
  const node = cell.named[name];
  if (!node)
    throw new UsageError(
      "unknown-trace",
      `cell "${cell.name}" has no value called "${name}"; it names ${Object.keys(cell.named).join(", ")}`,
    );
  return widthOf(cell, node);
}

function checkAxes(shape: readonly number[]): void {
  if (shape.length > 4)
    throw new UsageError("bad-plan", `shape [${shape.join(", ")}] has ${shape.length} axes, a machine takes at most 4`);
}

function checkEquations(outputs: Readonly<Record<string, AnyNode>>, inputs: Readonly<Record<string, unknown>>): void {
  for (const name of Object.keys(outputs))
    if (Object.hasOwn(inputs, name)) throw new UsageError("bad-plan", `"${name}" names an input and an output`);
  for (const n of inOrder(Object.values(outputs)))
    if (n.op === "variable" && !Object.hasOwn(inputs, n.name))
      throw new UsageError("bad-plan", `the equation reads "${n.name}", which is none of the inputs ${list(inputs)}`);
    else if (n.op === "product" || n.op === "transposed" || n.op === "mean")
      throw new UsageError("bad-plan", `the equation has a ${n.op}, which only the equations of cells may have`);
}

const list = (record: Readonly<Record<string, unknown>>): string => Object.keys(record).join(", ") || "(none)";

/** The operands that a kernel takes. Throws a UsageError when the kernel contradicts itself. */
export function operandsOf(kernel: Kernel, savedSize: SavedSize): OperandSpecs {
  return (specs[kernel.op] as (kernel: Kernel, savedSize: SavedSize) => OperandSpecs)(kernel, savedSize);
}

/**
 * Checks a plan against the arenas it is to run on, so that no kernel ever reaches outside its ranges: arenas are there
 * and large enough, operands are there, of their type and long enough, and no output lies over another operand (unless a
 * pointwise output is the very range of an input, read at the same strides; operands with gaps may interleave).
 *
 * @returns The operands of each launch.
 * @throws UsageError "bad-plan" that names launch and operand.
 */
export function checkPlan(
  plan: Plan,
  arenas: Readonly<Record<string, Pick<Arena, "length">>>,
  savedSize: SavedSize,
): OperandSpecs[] {
  for (const [name, length] of Object.entries(plan.arenas)) {
    const arena = arenas[name];
    if (!arena)
      throw new UsageError(
        "bad-plan",
        `the plan uses an arena "${name}" that is not among those given: ${list(arenas)}`,
      );
    if (arena.length < length)
      throw new UsageError("bad-plan", `arena "${name}" has ${arena.length} elements, the plan needs ${length}`);
  }
  const inArena = (what: string, range: Range): void => {
    const arena = arenas[range.arena];
    if (!arena) throw new UsageError("bad-plan", `${what} lies in an unknown arena "${range.arena}"`);
    const whole = Number.isInteger(range.offset) && Number.isInteger(range.length);
    if (!whole || range.offset < 0 || range.length < 0 || range.offset + range.length > arena.length)
      throw new UsageError(
        "bad-plan",
        `${what} is elements ${range.offset} to ${range.offset + range.length} of the arena "${range.arena}", which has ${arena.length}`,
      );
  };
  for (const [name, range] of Object.entries(plan.scalars)) inArena(`scalar "${name}"`, range);
  return plan.launches.map((launch, at) => {
    const where = `launch ${at} (${launch.kernel.op})`;
    const found = within(where, () => operandsOf(launch.kernel, savedSize));
    for (const [name, range] of Object.entries(launch.operands)) inArena(`${where}: operand "${name}"`, range);
    for (const [name, spec] of Object.entries(found)) checkOperand(where, name, spec, launch.operands[name]);
    checkOverlaps(where, launch, found);
    return found;
  });
}

function checkOperand(where: string, name: string, spec: OperandSpec, range: Range | undefined): void {
  if (!range) throw new UsageError("bad-plan", `${where}: operand "${name}" is missing`);
  if (range.length < spec.length)
    throw new UsageError(
      "bad-plan",
      `${where}: operand "${name}" has ${range.length} elements, the kernel reaches ${spec.length}`,
    );
  if (spec.type !== "any" && range.type !== spec.type)
    throw new UsageError("bad-plan", `${where}: operand "${name}" must be ${spec.type}, it is ${range.type}`);
}

function checkOverlaps(where: string, { kernel, operands }: Launch, found: OperandSpecs): void {
  const entries = Object.entries(found).map(([name, spec]) => ({ name, spec, range: operands[name]! }));
  for (const out of entries) {
    if (!out.spec.written) continue;
    for (const other of entries) {
      if (other === out || out.spec.gaps || other.spec.gaps) continue;
      if (!overlap(out.range, out.spec, other.range, other.spec)) continue;
      const inPlace =
        kernel.op === "pointwise" &&
        !other.spec.written &&
        out.range.offset === other.range.offset &&
        sameStrides(kernel.shape, kernel.outputs[out.name]!.strides, kernel.inputs[other.name]!);
      if (!inPlace)
        throw new UsageError("bad-plan", `${where}: output "${out.name}" lies over operand "${other.name}"`);
    }
  }
}

const overlap = (a: Range, x: OperandSpec, b: Range, y: OperandSpec): boolean =>
  a.arena === b.arena && a.offset < b.offset + y.length && b.offset < a.offset + x.length;
const sameStrides = (shape: readonly number[], a: readonly number[], b: readonly number[]): boolean =>
  shape.every((n, axis) => n === 1 || a[axis] === b[axis]);

/** Where a scalar of a plan lies. @throws UsageError "unknown-scalar" with the nearest name */
export function scalarRange({ scalars }: Plan, name: string): Range {
  if (Object.hasOwn(scalars, name)) return scalars[name]!;
  const names = Object.keys(scalars);
  const near = nearest(name, names);
  throw new UsageError(
    "unknown-scalar",
    `the plan has no scalar "${name}"${near ? `; did you mean "${near}"?` : `; it has ${names.join(", ") || "none"}`}`,
  );
}

import { formatShape, size } from "../../../shared/shapes.ts";
import { type HostValue, isHost, roomFor, type Value } from "../../value.ts";
import type { NodeContext, Operator } from "../node.ts";

/** Whole numbers that follow from shapes. They are constants only if what they tell of is. */
const whole = (shape: readonly number[], data: readonly number[], constant: boolean): HostValue => ({
  ...{ type: "int64", shape, data, constant },
});
const isConstant = (x: Value): boolean => isHost(x) && x.constant;

const shapeOf: Operator = (node) => {
  const x = node.input(0);
  const rank = x.shape.length;
  const bound = (n: number): number => Math.min(rank, Math.max(0, n < 0 ? n + rank : n));
  const part = x.shape.slice(bound(node.number("start", 0)), bound(node.number("end", rank)));
  return whole([part.length], part, isConstant(x));
};

const constantOfShape: Operator = (node) => {
  const shape = node.hostNumbers(0);
  const value = node.tensorAttribute("value");
  const type = value?.type ?? "float32";
  if (shape.some((n) => !(n >= 0))) throw node.fail(`a shape of ${formatShape(shape)}`);
  return { type, shape, data: roomFor(shape, type).fill(value?.data[0] ?? 0), constant: false };
};

const constant: Operator = (node) => {
  const tensor = node.tensorAttribute("value");
  if (tensor) return { type: tensor.type, shape: tensor.shape, data: tensor.data, constant: true };
  for (const [name, type] of [
    ["value_int", "int64"],
    ["value_float", "float32"],
  ] as const) {
    if (node.node.attributes.has(name)) return { type, shape: [], data: [node.number(name, 0)], constant: true };
    const list = node.numbers(`${name}s`);
    if (list) return { type, shape: [list.length], data: list, constant: true };
  }
  throw node.fail("its value is of a kind that is not supported");
};

const reshape: Operator = (node) => {
  const x = node.input(0);
  const wanted = node
    .hostNumbers(1)
    .map((n, k) => (n === 0 && node.number("allowzero", 0) === 0 ? (x.shape[k] ?? 0) : n));
  const rest = wanted.indexOf(-1);
  const known = size(wanted.filter((n) => n !== -1));
  if (rest >= 0) wanted[rest] = known === 0 ? 0 : size(x.shape) / known;
  if (wanted.some((n) => !(Number.isInteger(n) && n >= 0)) || size(wanted) !== size(x.shape))
    throw node.fail(`${formatShape(x.shape)} cannot become ${formatShape(node.hostNumbers(1))}`);
  return node.recorder.reshape(x, wanted);
};

const flatten: Operator = (node) => {
  const { shape } = node.input(0);
  const axis = node.number("axis", 1);
  const at = axis < 0 ? axis + shape.length : axis;
  return node.recorder.reshape(node.input(0), [size(shape.slice(0, at)), size(shape.slice(at))]);
};

const squeeze: Operator = (node) => {
  const x = node.input(0);
  const axes = node.axes(1, x.shape.length) ?? x.shape.flatMap((n, axis) => (n === 1 ? [axis] : []));
  for (const axis of axes) if (x.shape[axis] !== 1) throw node.fail(`axis ${axis} has size ${x.shape[axis]}, not 1`);
  return node.recorder.reshape(
    x,
    x.shape.filter((_, axis) => !axes.includes(axis)),
  );
};

const unsqueeze: Operator = (node) => {
  const x = node.input(0);
  const count = (node.numbers("axes") ?? node.hostNumbers(1)).length;
  const rank = x.shape.length + count;
  const axes = new Set(node.axes(1, rank));
  if (axes.size !== count) throw node.fail("an axis is named twice");
  const own = [...x.shape];
  return node.recorder.reshape(
    x,
    Array.from({ length: rank }, (_, axis) => (axes.has(axis) ? 1 : own.shift()!)),
  );
};

const transpose: Operator = (node) => {
  const x = node.input(0);
  const order = node.numbers("perm") ?? x.shape.map((_, k) => x.shape.length - 1 - k);
  if ([...order].sort((a, b) => a - b).join() !== x.shape.map((_, k) => k).join())
    throw node.fail(`perm ${formatShape(order)} for a value with ${x.shape.length} axes`);
  return node.recorder.transpose(x, order);
};

const expand: Operator = (node) => node.recorder.expand(node.input(0), node.hostNumbers(1));

const tile: Operator = (node) => {
  const repeats = node.hostNumbers(1);
  return repeats.reduce((x, times, axis) => repeated(node, x, axis, times), node.input(0));
};

function repeated(node: NodeContext, x: Value, axis: number, times: number): Value {
  if (times === 1) return x;
  if (!(Number.isInteger(times) && times > 0)) throw node.fail(`${times} repetitions`);
  const [before, after] = [x.shape.slice(0, axis), x.shape.slice(axis)];
  const wide = node.recorder.expand(node.recorder.reshape(x, [...before, 1, ...after]), [...before, times, ...after]);
  return node.recorder.reshape(wide, [...before, times * after[0]!, ...after.slice(1)]);
}

const range: Operator = (node) => {
  const [start, limit, step] = [0, 1, 2].map((k) => node.hostNumbers(k)[0]!) as [number, number, number];
  const count = Math.max(0, Math.ceil((limit - start) / step));
  const { type } = node.input(0);
  const out = roomFor([Number.isFinite(count) ? count : Number.POSITIVE_INFINITY], type);
  for (let k = 0; k < count; k++) out[k] = start + k * step;
  return { type, shape: [count], data: out, constant: false };
};

export const shapes: Readonly<Record<string, Operator>> = {
  Constant: constant,
  ConstantOfShape: constantOfShape,
  Expand: expand,
  Flatten: flatten,
  Range: range,
  Reshape: reshape,
  Shape: shapeOf,
  Size: (node) => whole([], [size(node.input(0).shape)], isConstant(node.input(0))),
  Squeeze: squeeze,
  Tile: tile,
  Transpose: transpose,
  Unsqueeze: unsqueeze,
};

import { formatShape, size } from "../../../shared/shapes.ts";
import { gather as gatherRows, reshape as view } from "../../../tensor/operations.ts";
import { isFloat } from "../../data-type.ts";
import { isHost, roomFor, type Value } from "../../value.ts";
import type { NodeContext, Operator } from "../node.ts";

const concat: Operator = (node) => {
  const parts = node.inputs.map((_, k) => node.input(k));
  return node.recorder.concatenate(parts, node.axis(node.number("axis", 0), parts[0]!.shape.length));
};

/** Bounds are attributes up to operator set 9 and inputs since. */
const slice: Operator = (node) => {
  const x = node.input(0);
  const list = (name: string, k: number): readonly number[] | undefined =>
    node.numbers(name) ?? (node.has(k) ? node.hostNumbers(k) : undefined);
  const [starts, ends] = [list("starts", 1), list("ends", 2)];
  if (!starts || !ends || starts.length !== ends.length)
    throw node.fail("starts and ends are missing or differ in number");
  const axes = node.axes(3, x.shape.length) ?? starts.map((_, k) => k);
  const steps = list("steps", 4) ?? starts.map(() => 1);
  return axes.reduce((value, axis, k) => sliceAxis(node, value, axis, starts[k]!, ends[k]!, steps[k]!), x);
};

function sliceAxis(node: NodeContext, x: Value, axis: number, start: number, end: number, step: number): Value {
  const n = x.shape[axis]!;
  if (!Number.isInteger(step) || step === 0) throw node.fail(`a step of ${step}`);
  const [lowest, highest] = step > 0 ? [0, n] : [-1, n - 1];
  const bound = (at: number): number => Math.min(highest, Math.max(lowest, at < 0 ? at + n : at));
  const from = bound(start);
  const count = Math.max(0, Math.ceil((bound(end) - from) / step));
  if (count === 0) return node.recorder.slice(x, axis, 0, 0);
  return node.recorder.slice(x, axis, from, count, step);
}

const split: Operator = (node) => {
  const x = node.input(0);
  const axis = node.axis(node.number("axis", 0), x.shape.length);
  const n = x.shape[axis]!;
  const count = node.node.outputs.length;
  const even = Math.ceil(n / count);
  const sizes =
    node.numbers("split") ??
    (node.has(1) ? node.hostNumbers(1) : Array.from({ length: count }, (_, k) => Math.min(even, n - k * even)));
  if (sizes.length !== count || sizes.some((s) => !(s >= 0)) || sizes.reduce((a, b) => a + b, 0) !== n)
    throw node.fail(`${n} elements do not split into ${formatShape(sizes)}`);
  let start = 0;
  return sizes.map((length) => {
    start += length;
    return node.recorder.slice(x, axis, start - length, length);
  });
};

const gather: Operator = (node) => {
  const [x, indices, { recorder }] = [node.input(0), node.input(1), node];
  const axis = node.axis(node.number("axis", 0), x.shape.length);
  const n = x.shape[axis]!;
  const [before, after] = [x.shape.slice(0, axis), x.shape.slice(axis + 1)];
  const shape = [...before, ...indices.shape, ...after];
  if (isHost(indices)) {
    const at = Array.from(indices.data, (i) => (i < 0 ? i + n : i));
    for (const i of at) if (!(i >= 0 && i < n)) throw node.fail(`index ${i} on an axis of ${n}`);
    return recorder.reshape(pickKnown(node, x, axis, at), shape);
  }
  if (!isFloat(x.type)) throw node.fail("rows of a table of whole numbers, chosen at run time");
  // The kernel takes rows of a matrix: the axis comes first and goes back afterwards.
  const first = recorder.transpose(
    x,
    [axis, ...x.shape.keys()].filter((a, k) => k === 0 || a !== axis),
  );
  const named = isHost(first) && axis > 0 ? { ...first, name: `${node.node.name}.rows` } : first;
  const columns = size(before) * size(after);
  const table = view(recorder.tensor(named), [n, columns]);
  const rows = gatherRows(view(recorder.tensor(indices), [size(indices.shape)]), table);
  const gathered = recorder.device(x.type, view(rows, [size(indices.shape), size(before), size(after)]));
  return recorder.reshape(axis === 0 ? gathered : recorder.transpose(gathered, [1, 0, 2]), shape);
};

/** Neighbours are one slice, others one after the other. */
function pickKnown(node: NodeContext, x: Value, axis: number, at: readonly number[]): Value {
  const { recorder } = node;
  const runs: { start: number; count: number }[] = [];
  for (const i of at) {
    const last = runs.at(-1);
    if (last && last.start + last.count === i) last.count++;
    else runs.push({ start: i, count: 1 });
  }
  if (runs.length === 0) return recorder.slice(x, axis, 0, 0);
  return recorder.concatenate(
    runs.map(({ start, count }) => {
      recorder.count();
      return recorder.slice(x, axis, start, count);
    }),
    axis,
  );
}

/** [starts…, ends…] of the axes named, as attributes up to operator set 10 and inputs since. */
const pad: Operator = (node) => {
  const x = node.input(0);
  const pads = node.numbers("pads") ?? node.hostNumbers(1);
  const axes = node.has(3) ? node.hostNumbers(3).map((a) => node.axis(a, x.shape.length)) : [...x.shape.keys()];
  if (pads.length !== 2 * axes.length) throw node.fail(`${pads.length} pads for ${axes.length} axes`);
  const mode = node.string("mode", "constant");
  const fill = node.has(2) ? node.hostNumbers(2)[0]! : node.number("value", 0);
  return axes.reduce(
    (value, axis, k) => padAxis(node, value, axis, [pads[k]!, pads[k + axes.length]!], { mode, fill }),
    x,
  );
};

function padAxis(
  node: NodeContext,
  x: Value,
  axis: number,
  [before, after]: readonly [number, number],
  how: { readonly mode: string; readonly fill: number },
): Value {
  const n = x.shape[axis]!;
  const cut = sliceAxis(node, x, axis, Math.max(0, -before), n + Math.min(0, after), 1);
  const [left, right] = [Math.max(0, before), Math.max(0, after)];
  if (left + right === 0) return cut;
  const length = cut.shape[axis]!;
  if (how.mode === "constant") {
    const fill: Value = { type: cut.type, shape: [], data: [how.fill], constant: false };
    const block = (count: number): Value[] =>
      count === 0 ? [] : [node.recorder.expand(fill, cut.shape.with(axis, count))];
    return node.recorder.concatenate([...block(left), cut, ...block(right)], axis);
  }
  const at = (k: number): number => {
    if (how.mode === "edge") return Math.min(length - 1, Math.max(0, k));
    if (how.mode === "wrap") return ((k % length) + length) % length;
    if (how.mode !== "reflect") throw node.fail(`mode ${JSON.stringify(how.mode)}`);
    if (length < 2) throw node.fail("reflection of a single element");
    const turn = 2 * (length - 1);
    const inTurn = ((k % turn) + turn) % turn;
    return inTurn < length ? inTurn : turn - inTurn;
  };
  const around = (from: number, count: number): number[] =>
    Array.from(roomFor([count], "int64"), (_, k) => at(from + k));
  const parts = [
    ...(left > 0 ? [pickKnown(node, cut, axis, around(-left, left))] : []),
    cut,
    ...(right > 0 ? [pickKnown(node, cut, axis, around(length, right))] : []),
  ];
  return node.recorder.concatenate(parts, axis);
}

export const indexing: Readonly<Record<string, Operator>> = {
  Concat: concat,
  Gather: gather,
  Pad: pad,
  Slice: slice,
  Split: split,
};

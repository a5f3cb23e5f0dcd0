import { UsageError } from "../../shared/errors.ts";

/** Machines take at most so many axes in one kernel. */
const MAXIMUM_AXES = 4;

/** @throws UsageError "unsupported-onnx" */
export function expectAxes(axes: readonly unknown[]): void {
  if (axes.length > MAXIMUM_AXES)
    throw new UsageError("unsupported-onnx", `it needs ${axes.length} axes at once, a machine takes ${MAXIMUM_AXES}`);
}

/** Neighbouring axes that every input runs through alike become one, so that few axes are left. */
export function collapse(
  inputs: readonly (readonly number[])[],
  shape: readonly number[],
): { readonly shape: number[]; readonly inputs: number[][] } {
  const padded = inputs.map((s) => [...new Array<number>(shape.length - s.length).fill(1), ...s]);
  const out: { readonly shape: number[]; readonly inputs: number[][] } = { shape: [], inputs: inputs.map(() => []) };
  let before: string | undefined;
  shape.forEach((n, axis) => {
    if (n === 1) return;
    const pattern = padded.map((s) => (s[axis] === 1 ? "repeat" : "run")).join();
    const join = pattern === before;
    before = pattern;
    if (join) out.shape[out.shape.length - 1]! *= n;
    else out.shape.push(n);
    out.inputs.forEach((s, k) => {
      if (join) s[s.length - 1]! *= padded[k]![axis]!;
      else s.push(padded[k]![axis]!);
    });
  });
  expectAxes(out.shape);
  return out;
}

/** Axes of a reduction without those of size 1, neighbours that are both reduced or both kept made one. */
export function joinReduced(shape: readonly number[], reduced: readonly number[]): { size: number; over: boolean }[] {
  const joined: { size: number; over: boolean }[] = [];
  shape.forEach((n, axis) => {
    const over = reduced.includes(axis);
    const last = joined.at(-1);
    if (n === 1) return;
    if (last && last.over === over) last.size *= n;
    else joined.push({ size: n, over });
  });
  expectAxes(joined);
  return joined;
}

/** Axes of a strided copy without those of size 1, neighbours that go on evenly made one. */
export function joinStrided(shape: readonly number[], strides: readonly number[]): { size: number; stride: number }[] {
  const axes: { size: number; stride: number }[] = [];
  shape.forEach((n, axis) => {
    const stride = strides[axis]!;
    const last = axes.at(-1);
    if (n === 1) return;
    if (last && last.stride === stride * n) axes[axes.length - 1] = { size: last.size * n, stride };
    else axes.push({ size: n, stride });
  });
  return axes;
}

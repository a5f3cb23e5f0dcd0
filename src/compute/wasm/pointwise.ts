import type { Expression } from "../../math/expression.ts";
import type { Func, ModuleBuilder } from "../../print/wasm/assembler.ts";
import { printExpressions } from "../../print/wasm/expression.ts";
import type { Constants } from "../../print/wasm/vectors.ts";
import { size } from "../../shared/shapes.ts";
import type { Pointwise, Range } from "../plan.ts";
import type { Axis } from "./elements.ts";
import {
  axesOf,
  byFours,
  fork,
  joinAxes,
  loadElements,
  overAxes,
  sharedAxes,
  storeElements,
  vectorScore,
} from "./elements.ts";
import type { LaunchPrinter } from "./launch.ts";

interface Operand {
  readonly name: string;
  readonly type: Range["type"];
  /** Of an output: what it becomes. */
  readonly value?: Expression;
}

/** Equations over whole tensors: loops over the outer axes, four elements at a time along the one that suits most operands. */
export const printPointwise: LaunchPrinter<Pointwise> = ({ m, kernel, team, address, range, constants, fused }) => {
  if (size(kernel.shape) === 0) return [];
  const inputs = Object.entries(kernel.inputs).map(([name, strides]) => ({ name, strides }));
  const outputs = Object.entries(kernel.outputs).map(([name, { value, strides }]) => ({ name, strides, value }));
  const operands = [...inputs, ...outputs].map((operand) => ({ ...operand, type: range(operand.name).type }));
  const axes = arrange(kernel, operands);
  const addresses = operands.map(({ name }) => address(name));
  return sharedAxes(team, axes, addresses, (part, at) =>
    pointwise(m, part, operands, { constants, fused }).call(...at),
  );
};

/** The axes in the order of the loops: indices are independent, so any order is right. The last one is worked on by fours. */
function arrange(kernel: Pointwise, operands: readonly { strides: readonly number[]; value?: Expression }[]): Axis[] {
  const axes = axesOf(
    kernel.shape,
    operands.map((operand) => operand.strides),
  );
  // As the first output lies, so that whatever is dense becomes one axis, whatever the order of its axes.
  const first = operands.findIndex((operand) => operand.value !== undefined);
  const joined = joinAxes(axes.toSorted((a, b) => (first < 0 ? 0 : b.strides[first]! - a.strides[first]!)));
  const weights = operands.map((operand) => (operand.value ? 2 : 1));
  const scores = joined.map((axis) => vectorScore(axis, weights));
  const best = scores.lastIndexOf(Math.max(...scores));
  const inner = joined.splice(best, 1);
  return [...joinAxes(joined), ...(inner.length > 0 ? inner : [{ size: 1, strides: operands.map(() => 0) }])];
}

function pointwise(
  m: ModuleBuilder,
  axes: readonly Axis[],
  operands: readonly Operand[],
  options: { readonly constants: Constants; readonly fused: boolean },
): Func {
  const described = operands.map(({ name, type, value }) => [name, type, value?.id ?? "in"]);
  return m.memo(`pointwise ${JSON.stringify([axes, described])}`, () =>
    m.func({ params: operands.map(() => "i32") }, (f, ...pointers) => {
      const inner = axes.at(-1)!;
      return overAxes(f, axes.slice(0, -1), pointers, (row) => {
        const { code, copies } = fork(f, row, [inner]);
        return [
          code,
          byFours(f, inner, copies, (lanes) => {
            const printed = printExpressions({
              ...options,
              f,
              roots: operands.flatMap(({ value }) => value ?? []),
              leaf: (node) => {
                const k = operands.findIndex((o) => !o.value && node.op === "variable" && o.name === node.name);
                return k < 0 ? undefined : loadElements(copies[k]!.get, inner.strides[k]!, operands[k]!.type, lanes);
              },
            });
            const stores = operands.map(({ type, value }, k) =>
              value ? storeElements(f, copies[k]!.get, inner.strides[k]!, type, lanes, printed.value(value)) : [],
            );
            return [printed.code, stores];
          }),
        ];
      });
    }),
  );
}

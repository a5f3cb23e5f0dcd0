import type { Expression } from "../../math/expression.ts";
import type { Func, FunctionBuilder, ModuleBuilder } from "../../print/wasm/assembler.ts";
import type { Code } from "../../print/wasm/code.ts";
import { forRange, if_, type Local } from "../../print/wasm/control.ts";
import { printExpressions } from "../../print/wasm/expression.ts";
import { i32, v128 } from "../../print/wasm/instructions.ts";
import { alone, share } from "../../print/wasm/team.ts";
import { type Constants, storesOf } from "../../print/wasm/vectors.ts";
import { size } from "../../shared/shapes.ts";
import { type Pointwise, type Range, TOUCHED_BLOCK } from "../plan.ts";
import type { Axis } from "./elements.ts";
import {
  advance,
  axesOf,
  fork,
  inStrips,
  joinAxes,
  loadElements,
  overAxes,
  sharedAxes,
  storeElements,
  vectorScore,
} from "./elements.ts";
import type { LaunchContext, LaunchPrinter } from "./launch.ts";

interface Operand {
  readonly name: string;
  readonly type: Range["type"];
  /** Of an output: what it becomes. */
  readonly value?: Expression;
}

/** Equations over whole tensors: loops over the outer axes, several elements at a time along the one that suits most operands. */
export const printPointwise: LaunchPrinter<Pointwise> = (context) => {
  const { m, kernel, team, address, range, constants, fused } = context;
  if (size(kernel.shape) === 0) return [];
  const inputs = Object.entries(kernel.inputs).map(([name, strides]) => ({ name, strides }));
  const outputs = Object.entries(kernel.outputs).map(([name, { value, strides }]) => ({ name, strides, value }));
  const operands = [...inputs, ...outputs].map((operand) => ({ ...operand, type: range(operand.name).type }));
  const addresses = operands.map(({ name }) => address(name));
  if (kernel.touched) {
    const axis = { size: kernel.shape[0]!, strides: operands.map(({ strides }) => strides[0]!) };
    return printTouched(context, kernel.touched, axis, operands);
  }
  return sharedAxes(team, arrange(kernel, operands), addresses, (part, at) =>
    pointwise(m, part, operands, { constants, fused }).call(...at),
  );
};

/** The axes in the order of the loops: indices are independent, so any order is right. The last one is worked on by several at once. */
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

interface Options {
  readonly constants: Constants;
  readonly fused: boolean;
}

const keyOf = (operands: readonly Operand[]): string =>
  JSON.stringify(operands.map(({ name, type, value }) => [name, type, value?.id ?? "in"]));

function pointwise(m: ModuleBuilder, axes: readonly Axis[], operands: readonly Operand[], options: Options): Func {
  return m.memo(`pointwise ${JSON.stringify(axes)} ${keyOf(operands)}`, () =>
    m.func({ params: operands.map(() => "i32") }, (f, ...pointers) => {
      const inner = axes.at(-1)!;
      return overAxes(f, axes.slice(0, -1), pointers, (row) => {
        const { code, copies } = fork(f, row, [inner]);
        return [code, strips({ m, f, operands, options }, inner, copies)];
      });
    }),
  );
}

interface Printing {
  readonly m: ModuleBuilder;
  readonly f: FunctionBuilder;
  readonly operands: readonly Operand[];
  readonly options: Options;
}

/**
 * The elements of one axis, by fours, or by eights where the engine joins vectors that are neighbours: all of both is loaded and computed
 * before anything is stored. Moves the pointers.
 *
 * @param zero An input that is 0 throughout, and is not read.
 */
function strips(p: Printing, axis: Axis, pointers: readonly Local[], zero?: { input: string; vector: Local }): Code {
  const pairs = p.m.wide && axis.strides.every((stride) => stride <= 1);
  return inStrips(p.f, axis, pointers, pairs ? ([8, 4, 1] as const) : ([4, 1] as const), (width) => {
    const lanes = width === 1 ? 1 : 4;
    const parts: ReturnType<typeof printExpressions>[] = [];
    const loaded = width === 8 ? new Map<number, Code>() : undefined;
    const { f, operands, options } = p;
    const roots = operands.flatMap(({ value }) => value ?? []);
    for (let part = 0; part < width / lanes; part++)
      parts.push(
        printExpressions({
          ...{ ...options, f, loaded, roots },
          leaf: (node) => {
            const k = operands.findIndex((o) => !o.value && node.op === "variable" && o.name === node.name);
            if (k < 0) return undefined;
            if (zero && operands[k]!.name === zero.input) return zero.vector.get;
            // One number for all is loaded once.
            if (part > 0 && axis.strides[k] === 0) return parts[0]!.value(node);
            return loadElements(pointers[k]!.get, axis.strides[k]!, operands[k]!.type, lanes, 4 * part);
          },
        }),
      );
    const stores = operands.map(({ type, value }, k) =>
      value
        ? storesOf(
            parts.map((one, part) =>
              storeElements(f, pointers[k]!.get, axis.strides[k]!, type, lanes, one.value(value), 4 * part),
            ),
          )
        : [],
    );
    return [parts.map(({ code }) => code), stores];
  });
}

/** Block by block, where a word tells of each whether one of the inputs holds anything but zeros there. */
function printTouched(
  { m, kernel, team, address, constants, fused }: LaunchContext<Pointwise>,
  touched: NonNullable<Pointwise["touched"]>,
  axis: Axis,
  operands: readonly Operand[],
): Code {
  const blocks = (size: number) =>
    m.memo(`touched ${JSON.stringify([touched, size, axis.strides])} ${keyOf(operands)}`, () =>
      m.func({ params: [...operands.map(() => "i32" as const), "i32", "i32"] }, (f, ...parameters) => {
        const [pointers, word, end] = [parameters.slice(0, -2), parameters.at(-2)!, parameters.at(-1)!];
        const vector = f.local("v128");
        const printing = { m, f, operands, options: { constants, fused } };
        const part = { ...axis, size };
        return [
          vector.set(v128.load32_splat(i32.const(0), constants.address(0))),
          forRange(word, word.get, end.get, 4, [
            if_(
              i32.load(word.get),
              strips(printing, part, pointers),
              touched.rests
                ? advance(pointers, part, size)
                : strips(printing, part, pointers, { input: touched.input, vector }),
            ),
          ]),
        ];
      }),
    );
  const n = kernel.shape[0]!;
  const whole = Math.floor(n / TOUCHED_BLOCK);
  const rest = n % TOUCHED_BLOCK;
  const call = (size: number, from: Code, to: Code): Code =>
    blocks(size).call(
      ...operands.map(({ name }, k) =>
        i32.add(i32.const(address(name)), i32.mul(from, i32.const(axis.strides[k]! * TOUCHED_BLOCK * 4))),
      ),
      ...[from, to].map((block) => i32.add(i32.const(address("touched")), i32.shl(block, i32.const(2)))),
    );
  const mine = share(team, whole);
  return [
    whole === 0 ? [] : call(TOUCHED_BLOCK, mine.from, mine.to),
    rest === 0 ? [] : alone(team, call(rest, i32.const(whole), i32.const(whole + 1))),
  ];
}

import type { Code } from "../../print/wasm/code.ts";
import { forRange } from "../../print/wasm/control.ts";
import { i32, memory } from "../../print/wasm/instructions.ts";
import { offset } from "../../print/wasm/product.ts";
import { packQuantized, quantizedProduct, quantizeRow } from "../../print/wasm/quantized-product.ts";
import { type QuantizedMatMul, quantizationSteps } from "../plan.ts";
import type { LaunchPrinter } from "./launch.ts";

const number = (n: number): Code => i32.const(n);
const roundUp = (n: number, to: number): number => Math.ceil(n / to) * to;

/** A product with weights of 8 bits: rows of `a` are rounded to 16 bits, then multiplied; weights are packed once. */
export const printQuantizedMatMul: LaunchPrinter<QuantizedMatMul> = (context) => {
  const { m, f, kernel, address, workspace, constants, derived } = context;
  const { m: rows, k, n } = kernel;
  if (rows * n === 0) return [];
  const [words, columns] = [Math.ceil(k / 4), roundUp(n, 16)];
  // Rows of the left operand are whole vectors of eight; what lies behind k is 0, as in the weights' words.
  const depth = roundUp(k, 8);
  const pairs = Math.max(1, words * 2);
  const code: Code[] = [];
  const kept = (operands: readonly string[], bytes: number, make: (to: number) => Code): number => {
    const made = derived(operands, bytes, (to) => [memory.fill(number(to), number(0), number(bytes)), make(to)]);
    code.push(made.code);
    return made.at;
  };
  const padded = (operand: string): number =>
    kept([operand], columns * 4, (to) => memory.copy(number(to), number(address(operand)), number(n * 4)));
  const weight = kept(["weight"], columns * pairs * 2, (to) =>
    packQuantized(m).call(...[address("weight"), words, n, k === 0 ? 0 : pairs, to].map(number)),
  );
  const scale = padded("scale");
  const bias = kernel.bias ? padded("bias") : kept([], columns * 4, () => []);
  const left = workspace(rows * depth * 2 + 64);
  const scales = workspace(rows * 4);
  const row = f.local("i32");
  const from = offset(number(address("a")), row.get, number(k * 4));
  const whole = k % 8 === 0 ? undefined : workspace(depth * 4);
  if (whole !== undefined) code.push(memory.fill(number(whole), number(0), number(depth * 4)));
  const narrow = n % 16 === 0 ? undefined : workspace(rows * columns * 4);
  code.push(
    forRange(row, number(0), number(rows), 1, [
      whole === undefined ? [] : memory.copy(number(whole), from, number(k * 4)),
      quantizeRow(m, { constants, steps: quantizationSteps(k) }).call(
        ...[whole === undefined ? from : number(whole), number(depth)],
        ...[offset(number(left), row.get, number(depth * 2)), offset(number(scales), row.get, number(4))],
      ),
    ]),
    quantizedProduct(m).call(
      ...[rows, columns / 16, pairs, left, depth * 2, weight, pairs * 32, scales, scale, bias].map(number),
      ...[narrow ?? address("out"), columns * 4].map(number),
    ),
  );
  if (narrow !== undefined)
    code.push(
      forRange(row, number(0), number(rows), 1, [
        memory.copy(
          offset(number(address("out")), row.get, number(n * 4)),
          offset(number(narrow), row.get, number(columns * 4)),
          number(n * 4),
        ),
      ]),
    );
  return code;
};

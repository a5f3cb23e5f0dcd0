import type { Code } from "../../print/wasm/code.ts";
import { forRange, smaller } from "../../print/wasm/control.ts";
import { i32, memory } from "../../print/wasm/instructions.ts";
import { packPanels } from "../../print/wasm/pack.ts";
import { offset } from "../../print/wasm/product.ts";
import {
  apartPairs,
  columnsBytes,
  quantizedColumns,
  quantizedProduct,
  quantizeRow,
} from "../../print/wasm/quantized-product.ts";
import { turnsFor } from "../../print/wasm/sweep.ts";
import { alone, share } from "../../print/wasm/team.ts";
import { type QuantizedMatMul, quantizationSteps } from "../plan.ts";
import type { LaunchPrinter } from "./launch.ts";
import { quantizedWay } from "./quantized-way.ts";

const number = (n: number): Code => i32.const(n);
const roundUp = (n: number, to: number): number => Math.ceil(n / to) * to;

/** A product with weights of 8 bits: rows of `a` are rounded to 14 bits, then multiplied; weights are packed once. */
export const printQuantizedMatMul: LaunchPrinter<QuantizedMatMul> = (context) => {
  const { m, f, kernel, address, workspace, constants } = context;
  const { m: rows, k, n } = kernel;
  if (rows * n === 0) return [];
  const way = quantizedWay(context.compile);
  const [panels, words] = [Math.ceil(n / 16), Math.max(1, Math.ceil(k / 4))];
  const columns = panels * 16;
  // Rows of the left operand are whole vectors; what lies behind k is 0, as in the weights' words.
  const depth = roundUp(k, 16);
  const code: Code[] = [];
  const kept = (operands: readonly string[], bytes: number, make: (to: number) => Code): number => {
    const made = context.derived(operands, bytes, (to, team) => alone(team, make(to)));
    code.push(made.code);
    return made.at;
  };
  const weight = kept(["weight"], columns * words * 4, (to) =>
    k === 0
      ? memory.fill(number(to), number(0), number(columns * words * 4))
      : [
          packPanels(m).call(...[address("weight"), 4, words * 4, words, n, to].map(number)),
          way.split ? [] : apartPairs(m).call(...[panels * words, to].map(number)),
        ],
  );
  const beside = kernel.bias ? ["scale", "bias"] : ["scale"];
  const column = kept(["weight", ...beside], columnsBytes(panels), (to) =>
    quantizedColumns(m, kernel).call(...[panels, words, weight, ...beside.map(address), to].map(number)),
  );
  // Every thread rounds all rows for itself, which is little, and multiplies them with its share of the panels.
  const { team } = context;
  const mine = share(team, panels);
  const own = (bytes: number): Code => {
    const size = roundUp(bytes, 64);
    return offset(number(workspace(size * team.threads)), team.thread, number(size));
  };
  const [left, scales] = [own(rows * depth * 2), own(rows * 4)];
  const row = f.local("i32");
  const from = offset(number(address("a")), row.get, number(k * 4));
  const whole = k % 16 === 0 ? undefined : own(depth * 4);
  if (whole !== undefined) code.push(memory.fill(whole, number(0), number(depth * 4)));
  const narrow = n % 16 === 0 ? undefined : workspace(rows * columns * 4);
  const first = i32.shl(mine.from, number(6));
  code.push(
    team.threads > 1 && code.some((part) => Array.isArray(part) && part.length > 0) ? team.barrier : [],
    forRange(row, number(0), number(rows), 1, [
      whole === undefined ? [] : memory.copy(whole, from, number(k * 4)),
      quantizeRow(m, { ...way, constants, steps: quantizationSteps(k) }).call(
        ...[whole ?? from, number(depth)],
        ...[offset(left, row.get, number(depth * 2)), offset(scales, row.get, number(4))],
      ),
    ]),
    quantizedProduct(m, { ...way, turns: turnsFor(rows, (columns * words * 4) / team.threads) }).call(
      ...[number(rows), i32.sub(mine.to, mine.from), number(words), left, number(depth * 2)],
      ...[offset(number(weight), mine.from, number(words * 64)), scales],
      offset(number(column), mine.from, number(columnsBytes(1))),
      ...[i32.add(number(narrow ?? address("out")), first), number(columns * 4), number(context.zeros)],
    ),
  );
  if (narrow !== undefined) {
    const end = i32.shl(mine.to, number(6));
    const length = i32.sub(smaller(end, number(n * 4)), first);
    code.push(
      forRange(row, number(0), number(rows), 1, [
        memory.copy(
          i32.add(offset(number(address("out")), row.get, number(n * 4)), first),
          i32.add(offset(number(narrow), row.get, number(columns * 4)), first),
          length,
        ),
      ]),
    );
  }
  return code;
};

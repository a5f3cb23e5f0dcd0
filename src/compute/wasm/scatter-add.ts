import type { Code } from "../../print/wasm/code.ts";
import { i32, memory } from "../../print/wasm/instructions.ts";
import { offset } from "../../print/wasm/product.ts";
import { share } from "../../print/wasm/team.ts";
import type { ScatterAdd } from "../plan.ts";
import type { LaunchContext, LaunchPrinter } from "./launch.ts";
import { eachElement, eachTable, noSkip, rowFunction, someColumns } from "./rows.ts";
import { clearTouched, noteTouched } from "./touched.ts";

/**
 * `out = 0; out[indices[r]] += source[r]`, r in increasing order. Threads share the columns or, of several, the tables, so that each
 * keeps to that order.
 */
export const printScatterAdd: LaunchPrinter<ScatterAdd> = (context) => {
  const { m, kernel, team } = context;
  const { rows, vocabulary, columns } = kernel;
  const clear = kernel.touched ? clearTouched(context, kernel.touched) : clearAll(context);
  const add = rowFunction(m, "scatterAdd", (row, other, columns) => eachElement(m, other, row, columns, "add"));
  return [
    kernel.keep ? [] : [clear, team.barrier],
    eachTable(context, { indices: rows, source: rows * columns, out: vocabulary * columns }, (at, team) =>
      add.call(
        ...someColumns(kernel, team, at),
        ...(kernel.skip === undefined ? noSkip : [i32.const(1), i32.const(kernel.skip)]),
      ),
    ),
    kernel.touched ? noteTouched(context, kernel.touched) : [],
  ];
};

function clearAll({ kernel, team, address }: LaunchContext<ScatterAdd>): Code {
  const bytes = i32.const(kernel.columns * 4);
  const rows = share(team, (kernel.tables ?? 1) * kernel.vocabulary);
  return memory.fill(
    offset(i32.const(address("out")), rows.from, bytes),
    i32.const(0),
    i32.mul(i32.sub(rows.to, rows.from), bytes),
  );
}

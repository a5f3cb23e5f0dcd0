import type { ModuleBuilder } from "../../print/wasm/assembler.ts";
import type { Code } from "../../print/wasm/code.ts";
import type { Local } from "../../print/wasm/control.ts";
import { forRange, if_, unreachable } from "../../print/wasm/control.ts";
import { f32, f32x4, i32, memory, v128 } from "../../print/wasm/instructions.ts";
import { offset } from "../../print/wasm/product.ts";
import type { Gather, Scatter, ScatterAdd } from "../plan.ts";
import type { LaunchPrinter } from "./launch.ts";

const BYTES = 4;

/** `out[r] = table[indices[r]]` */
export const printGather: LaunchPrinter<Gather> = ({ m, kernel, address }) =>
  rowFunction(m, "gather", (row, other, columns) => eachElement(m, row, other, columns, "copy")).call(
    ...[kernel.rows, kernel.vocabulary, kernel.columns].map((n) => i32.const(n)),
    ...["indices", "out", "table"].map((operand) => i32.const(address(operand))),
    ...noSkip,
  );

/** `out = 0; out[indices[r]] += source[r]`, r in increasing order. */
export const printScatterAdd: LaunchPrinter<ScatterAdd> = ({ m, kernel, address }) => [
  kernel.keep
    ? []
    : memory.fill(i32.const(address("out")), i32.const(0), i32.const(kernel.vocabulary * kernel.columns * BYTES)),
  rowFunction(m, "scatterAdd", (row, other, columns) => eachElement(m, other, row, columns, "add")).call(
    ...[kernel.rows, kernel.vocabulary, kernel.columns].map((n) => i32.const(n)),
    ...["indices", "source", "out"].map((operand) => i32.const(address(operand))),
    ...(kernel.skip === undefined ? noSkip : [i32.const(1), i32.const(kernel.skip)]),
  ),
];

/** `out[indices[r]] = source[r]` */
export const printScatter: LaunchPrinter<Scatter> = ({ m, kernel, address }) =>
  rowFunction(m, "scatter", (row, other, columns) => eachElement(m, other, row, columns, "copy")).call(
    ...[kernel.rows, kernel.vocabulary, kernel.columns].map((n) => i32.const(n)),
    ...["indices", "source", "out"].map((operand) => i32.const(address(operand))),
    ...noSkip,
  );
const noSkip = [i32.const(0), i32.const(0)];

/**
 * For every row r, `body` with the addresses of row r of one matrix and of row `indices[r]` of the other. An index outside of the
 * vocabulary stops the run: reading or writing elsewhere would ruin what belongs to others.
 */
function rowFunction(m: ModuleBuilder, name: string, body: (row: Local, chosen: Local, columns: Local) => Code) {
  return m.memo(name, () =>
    m.func(
      { params: new Array(8).fill("i32") },
      (f, rows, vocabulary, columns, indices, matrix, chosen, skips, skip) => {
        const [r, index, row, other] = [f.local("i32"), f.local("i32"), f.local("i32"), f.local("i32")];
        const length = i32.mul(columns.get, i32.const(BYTES));
        const isSkipped = i32.and(skips.get, i32.eq(index.get, skip.get));
        return forRange(r, i32.const(0), rows.get, 1, [
          index.set(i32.load(offset(indices.get, r.get, i32.const(BYTES)))),
          if_(i32.eqz(isSkipped), [
            if_(i32.ge_u(index.get, vocabulary.get), unreachable),
            row.set(offset(matrix.get, r.get, length)),
            other.set(offset(chosen.get, index.get, length)),
            body(row, other, columns),
          ]),
        ]);
      },
    ),
  );
}

/** Copies or adds `columns` numbers at `from` to those at `to`. */
function eachElement(m: ModuleBuilder, to: Local, from: Local, columns: Local, kind: "copy" | "add"): Code {
  const row = m.memo(`row ${kind}`, () =>
    m.func({ params: ["i32", "i32", "i32"] }, (f, to, from, count) => {
      const [end, i] = [f.local("i32"), f.local("i32")];
      const [a, b] = [i32.add(to.get, i.get), i32.add(from.get, i.get)];
      const bytes = i32.mul(count.get, i32.const(BYTES));
      return [
        end.set(i32.and(bytes, i32.const(-16))),
        forRange(
          i,
          i32.const(0),
          end.get,
          16,
          v128.store(a, kind === "copy" ? v128.load(b) : f32x4.add(v128.load(a), v128.load(b))),
        ),
        end.set(bytes),
        forRange(
          i,
          i.get,
          end.get,
          BYTES,
          // Copied as a word: a NaN keeps its bits.
          kind === "copy" ? i32.store(a, i32.load(b)) : f32.store(a, f32.add(f32.load(a), f32.load(b))),
        ),
      ];
    }),
  );
  return row.call(to.get, from.get, columns.get);
}

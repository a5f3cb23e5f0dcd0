import type { ModuleBuilder } from "../../print/wasm/assembler.ts";
import type { Code } from "../../print/wasm/code.ts";
import type { Local } from "../../print/wasm/control.ts";
import { forRange, if_, unreachable } from "../../print/wasm/control.ts";
import { f32, f32x4, i32, v128 } from "../../print/wasm/instructions.ts";
import { offset } from "../../print/wasm/product.ts";
import { share, solo, type Team } from "../../print/wasm/team.ts";
import type { Gather, Scatter, ScatterAdd } from "../plan.ts";
import type { LaunchContext, LaunchPrinter } from "./launch.ts";

const BYTES = 4;

/** `out[r] = table[indices[r]]`; threads share the tables or, of one, the rows. */
export const printGather: LaunchPrinter<Gather> = (context) => {
  const { rows: all, vocabulary, columns } = context.kernel;
  return eachTable(context, { indices: all, table: vocabulary * columns, out: all * columns }, (at, team) => {
    const rows = share(team, all);
    const copy = rowFunction(context.m, "gather", (row, other, columns) =>
      eachElement(context.m, row, other, columns, "copy"),
    );
    return copy.call(
      ...[i32.sub(rows.to, rows.from), i32.const(vocabulary), i32.const(columns), i32.const(columns)],
      offset(at("indices"), rows.from, i32.const(BYTES)),
      offset(at("out"), rows.from, i32.const(columns * BYTES)),
      at("table"),
      ...noSkip,
    );
  });
};

/** `out[indices[r]] = source[r]`, r in increasing order: threads share the columns, so that each keeps to it. */
export const printScatter: LaunchPrinter<Scatter> = ({ m, kernel, team, address }) =>
  rowFunction(m, "scatter", (row, other, columns) => eachElement(m, other, row, columns, "copy")).call(
    ...someColumns(kernel, team, (operand) => i32.const(address(operand))),
    ...noSkip,
  );

/**
 * `body` for each table, with where its part of an operand begins, of which a table has `lengths` elements. Threads share the tables; a single
 * one they share in `body`.
 */
export function eachTable(
  { f, kernel: { tables = 1 }, team, address }: LaunchContext<Gather | ScatterAdd>,
  lengths: Readonly<Record<string, number>>,
  body: (at: (operand: string) => Code, team: Team) => Code,
): Code {
  if (tables === 1) return body((operand) => i32.const(address(operand)), team);
  const table = f.local("i32");
  const { from, to } = share(team, tables);
  const at = (operand: string): Code =>
    offset(i32.const(address(operand)), table.get, i32.const(lengths[operand]! * BYTES));
  return forRange(table, from, to, 1, body(at, solo));
}

/** The arguments of a row function that scatters a thread's columns of all rows. */
export function someColumns(
  { rows, vocabulary, columns }: Scatter | ScatterAdd,
  team: Team,
  begin: (operand: string) => Code,
): Code[] {
  const { from, to } = share(team, columns, 16);
  const at = (operand: string): Code => offset(begin(operand), from, i32.const(BYTES));
  const whole = [rows, vocabulary, columns].map((n) => i32.const(n));
  return [...whole, i32.sub(to, from), begin("indices"), at("source"), at("out")];
}
export const noSkip = [i32.const(0), i32.const(0)];

/**
 * For every row r, `body` with the addresses of row r of one matrix and of row `indices[r]` of the other, rows of `width` numbers, and
 * how many of them are meant. An index outside of the
 * vocabulary stops the run: reading or writing elsewhere would ruin what belongs to others.
 */
export function rowFunction(m: ModuleBuilder, name: string, body: (row: Local, chosen: Local, columns: Local) => Code) {
  return m.memo(name, () =>
    m.func(
      { params: new Array(9).fill("i32") },
      (f, rows, vocabulary, width, columns, indices, matrix, chosen, skips, skip) => {
        const [r, index, row, other] = [f.local("i32"), f.local("i32"), f.local("i32"), f.local("i32")];
        const length = i32.mul(width.get, i32.const(BYTES));
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
export function eachElement(m: ModuleBuilder, to: Local, from: Local, columns: Local, kind: "copy" | "add"): Code {
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

import type { Code } from "../../print/wasm/code.ts";
import { forRange, if_, select } from "../../print/wasm/control.ts";
import { i32, memory } from "../../print/wasm/instructions.ts";
import { offset } from "../../print/wasm/product.ts";
import { alone, share } from "../../print/wasm/team.ts";
import { type ScatterAdd, TOUCHED_BLOCK } from "../plan.ts";
import type { LaunchContext } from "./launch.ts";

type Touched = NonNullable<ScatterAdd["touched"]>;

const BYTES = 4;
const BLOCK_BYTES = TOUCHED_BLOCK * BYTES;

/** The words that tell of the table `out`. */
const wordsOf = ({ vocabulary, columns }: ScatterAdd, { lead }: Touched): number =>
  Math.ceil((lead + vocabulary * columns) / TOUCHED_BLOCK);

/** Fills with zeros what an earlier step has added to, and forgets it; threads share the blocks. */
export function clearTouched({ m, kernel, team, address }: LaunchContext<ScatterAdd>, touched: Touched): Code {
  const begin = address("out");
  const end = begin + kernel.vocabulary * kernel.columns * BYTES;
  const clear = m.memo("clearTouched", () =>
    m.func({ params: new Array(6).fill("i32") }, (f, block, last, words, base, begin, end) => {
      const [from, to, word] = [f.local("i32"), f.local("i32"), f.local("i32")];
      return forRange(block, block.get, last.get, 1, [
        word.set(offset(words.get, block.get, i32.const(BYTES))),
        if_(i32.load(word.get), [
          i32.store(word.get, i32.const(0)),
          from.set(offset(base.get, block.get, i32.const(BLOCK_BYTES))),
          to.set(i32.add(from.get, i32.const(BLOCK_BYTES))),
          // The first and the last block reach into what others own.
          from.set(select(begin.get, from.get, i32.lt_u(from.get, begin.get))),
          to.set(select(end.get, to.get, i32.lt_u(end.get, to.get))),
          memory.fill(from.get, i32.const(0), i32.sub(to.get, from.get)),
        ]),
      ]);
    }),
  );
  const mine = share(team, wordsOf(kernel, touched));
  return clear.call(
    ...[mine.from, mine.to],
    ...[address("touched"), begin - touched.lead * BYTES, begin, end].map((n) => i32.const(n)),
  );
}

/** Notes which blocks rows were added to. */
export function noteTouched({ m, kernel, team, address }: LaunchContext<ScatterAdd>, touched: Touched): Code {
  const { rows, columns, skip } = kernel;
  const words = wordsOf(kernel, touched);
  if (words === 0) return [];
  const note = m.memo("noteTouched", () =>
    m.func({ params: new Array(7).fill("i32") }, (f, rows, columns, lead, indices, words, skips, skip) => {
      const [r, index, first, word] = [f.local("i32"), f.local("i32"), f.local("i32"), f.local("i32")];
      const blockOf = (element: Code): Code => i32.div_u(i32.add(lead.get, element), i32.const(TOUCHED_BLOCK));
      const last = i32.add(first.get, i32.sub(columns.get, i32.const(1)));
      return forRange(r, i32.const(0), rows.get, 1, [
        index.set(i32.load(offset(indices.get, r.get, i32.const(BYTES)))),
        first.set(i32.mul(index.get, columns.get)),
        if_(i32.eqz(i32.and(skips.get, i32.eq(index.get, skip.get))), [
          forRange(
            word,
            offset(words.get, blockOf(first.get), i32.const(BYTES)),
            offset(words.get, i32.add(blockOf(last), i32.const(1)), i32.const(BYTES)),
            BYTES,
            i32.store(word.get, i32.const(1)),
          ),
        ]),
      ]);
    }),
  );
  const first = address("touched");
  return alone(team, [
    note.call(
      ...[rows, columns, touched.lead, address("indices"), first, skip === undefined ? 0 : 1, skip ?? 0].map((n) =>
        i32.const(n),
      ),
    ),
    [first, first + (words - 1) * BYTES].map((word) => i32.store(i32.const(word), i32.const(1))),
  ]);
}

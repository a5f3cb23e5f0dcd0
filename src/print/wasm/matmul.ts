import type { Func, ModuleBuilder } from "./assembler.ts";
import type { Code } from "./code.ts";
import type { Local } from "./control.ts";
import { doWhile, forRange, if_, select, smaller } from "./control.ts";
import { FEW, fewRows, isFarForFew } from "./few-rows.ts";
import { f32, i32, memory, v128 } from "./instructions.ts";
import { packPanels, transposeBlock } from "./pack.ts";
import { isFar, nextOf, offset, panelRows } from "./product.ts";
import { turnsFor } from "./sweep.ts";
import { share, type Team, unevenness } from "./team.ts";

/** Rows that are worked on together: with a block of k they fit the second cache. */
const ROWS = 120;
/** Longest block of k: one panel of it and the rows of a tile fit the first cache. */
const DEPTH = 384;
/** Bytes that packed columns of `b` may take; more columns are packed one block after the other. */
const PACKED = 16 * 2 ** 20;
/** Columns that are worked on together where k has several blocks: what ROWS × COLUMNS came to so far fits the second cache. */
const COLUMNS = 1024;
/** Columns from which on a block of `a` is worth a copy. */
const MANY_COLUMNS = 512;
/** More than any number of columns: a step that ends a loop. */
const ALL = 2 ** 30;

export interface MatmulSize {
  readonly m: number;
  readonly k: number;
  readonly n: number;
  readonly transposeA: boolean;
}

/** Columns that are packed together. */
function packedColumns({ k, n }: MatmulSize): number {
  const fitting = Math.floor(PACKED / (64 * Math.max(1, k))) * 16;
  return Math.min(Math.ceil(n / 16) * 16, Math.max(64, fitting));
}

/** Bytes of the whole of `b` in packed form; undefined when it is so large that it is packed block by block. */
export const packedBytes = (size: MatmulSize): number | undefined =>
  packedColumns(size) >= size.n ? Math.ceil(size.n / 16) * size.k * 64 : undefined;

/** Code that packs `b`, a matrix [k, n] or [n, k], or the columns `first` … `first + columns − 1` of it, to the address `to`. */
export function printPackedB(
  m: ModuleBuilder,
  o: MatmulSize & { readonly transposeB: boolean; readonly b: Code; readonly to: Code; readonly team: Team },
  first = 0,
  columns = o.n,
): Code {
  const [rowStride, columnStride] = o.transposeB ? [4, o.k * 4] : [o.n * 4, 4];
  const { from, to } = share(o.team, columns, 16);
  return packPanels(m).call(
    offset(o.b, i32.add(from, i32.const(first)), i32.const(columnStride)),
    ...[i32.const(rowStride), i32.const(columnStride), i32.const(o.k), i32.sub(to, from)],
    offset(o.to, from, i32.const(o.k * 4)),
  );
}

/** Whether k is taken in several blocks, and how long they are: as even as may be, without single steps but the last. */
const inBlocks = ({ k }: MatmulSize): boolean => k > DEPTH;
const blockLength = ({ k }: MatmulSize): number => 2 * Math.ceil(k / Math.ceil(k / DEPTH) / 2) || 1;

/**
 * How blocks of `a` are read: turned, copied, or where they lie. Rows of a large matrix are in as many pages, more than a processor has the
 * addresses of at hand, and so are those of `out`: a copy for many columns, and sums that stay in panels of scratch memory from one block of k
 * to the next, made 1024³ 10 % faster (Sapphire Rapids, pages of 4 KiB).
 */
function readingOf(size: MatmulSize): "turned" | "copied" | "in place" {
  if (size.transposeA) return "turned";
  return inBlocks(size) && size.n >= MANY_COLUMNS ? "copied" : "in place";
}

/** How a team shares a product: the panels of columns, each thread packing its own; or rows, all packing the panels for all. */
function splitOf({ m, n }: MatmulSize, team: Team): "columns" | "rows" {
  // A few rows are slow for one thread as well: tiles want five or six of them.
  if (team.threads === 1 || m < 8 * team.threads || unevenness(team, n, 16) < 1.1) return "columns";
  return unevenness(team, m) < unevenness(team, n, 16) ? "rows" : "columns";
}

/** Columns of which each thread holds the packed form at a time, or all threads together when they share rows. */
const columnsAtOnce = (size: MatmulSize, team: Team): number =>
  splitOf(size, team) === "rows"
    ? packedColumns(size)
    : Math.min(packedColumns(size), Math.ceil(size.n / 16 / team.threads) * 16, inBlocks(size) ? COLUMNS : ALL);

/** Offsets in the workspace of a product, and its size in bytes. */
export function matmulWorkspace(
  size: MatmulSize,
  team: Team,
  packedB = false,
): {
  /** Of each thread: scratch of `own` bytes. */
  init: number;
  block: number;
  own: number;
  packed: number;
  bytes: number;
} {
  const init = ROWS * 4 * (inBlocks(size) ? Math.min(COLUMNS, Math.ceil(size.n / 16) * 16) : 16);
  const block = init + 64;
  const own = block + (readingOf(size) === "in place" ? 0 : ROWS * DEPTH * 4);
  const packed = own * team.threads;
  const shares = splitOf(size, team) === "rows" ? 1 : team.threads;
  return { init, block, own, packed, bytes: packed + (packedB ? 0 : shares * columnsAtOnce(size, team) * size.k * 4) };
}

/**
 * Code that computes `out = a · b + init`, dense matrices of float32: a [m, k] or [k, m], b [k, n] or [n, k], out [m, n].
 *
 * `b` is packed into panels, `a` is read where it lies or block by block from scratch memory (`readingOf`), the last columns go through a
 * tile of scratch memory when n is not a multiple of 16: nothing outside `out` is written, nothing outside `a`, `b` and `bias` is read.
 *
 * @param options.bias Address of n numbers added to each row; undefined for none.
 * @param options.zeros Address of 64 bytes of zeros.
 * @param options.workspace Address of `matmulWorkspace(size).bytes` bytes, aligned to 16.
 * @param options.packedB Address of `b` as `printPackedB` leaves it, and the code that makes it so, if it is not yet; undefined: it is
 *   packed here, in the workspace.
 * @param options.team Who performs it. Threads that share rows meet at a barrier behind the packing.
 */
export function printMatmul(
  m: ModuleBuilder,
  options: MatmulSize & {
    readonly transposeB: boolean;
    readonly fused: boolean;
    readonly a: Code;
    readonly b: Code;
    readonly bias: Code | undefined;
    readonly out: Code;
    readonly zeros: number;
    readonly workspace: Code;
    readonly packedB?: { readonly at: number; readonly code: Code } | undefined;
    readonly team: Team;
  },
): Code {
  const { bias, workspace, zeros, packedB, team } = options;
  const number = (n: number): Code => i32.const(n);
  const at = matmulWorkspace(options, team, packedB !== undefined);
  const own = i32.add(workspace, i32.mul(team.thread, i32.const(at.own)));
  const columnsTogether = columnsAtOnce(options, team);
  const far = isFar(m, columnsTogether * options.k * 4);
  type Share = ReturnType<typeof share>;
  const product = (rows: Share, columns: Share, packed: Code, isPacked: boolean): Code =>
    matmul(m, { ...options, far, isPacked, reading: readingOf(options) }).call(
      ...[options.m, options.k, options.n, isPacked ? (inBlocks(options) ? COLUMNS : ALL) : columnsTogether].map(
        number,
      ),
      ...[options.a, options.b, bias ?? i32.const(zeros), i32.const(bias === undefined ? 0 : 64), options.out],
      ...[own, i32.add(own, i32.const(at.init)), i32.add(own, i32.const(at.block)), packed],
      ...[rows.from, rows.to, columns.from, columns.to],
      ...[blockLength(options), inBlocks(options) ? ROWS * 64 : 0].map(number),
    );
  const all = (count: number): Share => ({ from: i32.const(0), to: i32.const(count) });
  if (splitOf(options, team) === "columns") {
    const columns = share(team, options.n, 16);
    if (packedB) {
      const panelsFrom = (column: Code): Code => offset(i32.const(packedB.at), column, i32.const(options.k * 4));
      if (options.m > (options.transposeA ? 1 : FEW))
        return [packedB.code, product(all(options.m), columns, panelsFrom(columns.from), true)];
      // A few rows are bound by the memory that holds `b`: several panels are read at once, and only a last part of one goes through a tile.
      const whole = i32.shr_u(i32.sub(columns.to, columns.from), i32.const(4));
      const rest = i32.add(columns.from, i32.shl(whole, i32.const(4)));
      const at = (base: Code): Code => i32.add(base, i32.shl(columns.from, i32.const(2)));
      const bytes = (options.k * options.n * 4) / team.threads;
      return [
        packedB.code,
        fewRows(m, {
          ...{ rows: options.m, layout: "rows", fused: options.fused },
          ...{ far: isFarForFew(m, bytes), turns: turnsFor(options.m, bytes) },
        }).call(
          ...[whole, number(options.k), options.a, number(options.k * 4)],
          ...[panelsFrom(columns.from), number(options.k * 64)],
          ...(bias === undefined ? [zeros, 0, 0].map(number) : [at(bias), number(0), number(64)]),
          ...[at(options.out), number(options.n * 4), number(64)],
        ),
        if_(
          i32.lt_u(rest, columns.to),
          product(all(options.m), { from: rest, to: columns.to }, panelsFrom(rest), true),
        ),
      ];
    }
    const panels = i32.add(workspace, i32.const(at.packed));
    const mine = offset(panels, team.thread, i32.const(columnsTogether * options.k * 4));
    return product(all(options.m), columns, mine, false);
  }
  const rows = share(team, options.m);
  if (packedB) return [packedB.code, team.barrier, product(rows, all(options.n), i32.const(packedB.at), true)];
  const to = i32.add(workspace, i32.const(at.packed));
  return Array.from({ length: Math.ceil(options.n / columnsTogether) }, (_, k) => {
    const first = k * columnsTogether;
    const end = Math.min(options.n, first + columnsTogether);
    return [
      k === 0 ? [] : team.barrier,
      printPackedB(m, { ...options, to }, first, end - first),
      team.barrier,
      product(rows, { from: i32.const(first), to: i32.const(end) }, to, true),
    ];
  });
}

type Nine = [Local, Local, Local, Local, Local, Local, Local, Local, Local];
/**
 * Rows `firstRow` … and columns `firstColumn` … (a multiple of 16) of a product; `packed` begins with the first of these columns. Between
 * blocks of k what a panel came to waits in `tile`, `pitch` bytes behind the panel before it; if there is one block `pitch` is 0.
 */
function matmul(
  m: ModuleBuilder,
  {
    reading,
    transposeB,
    fused,
    far,
    isPacked,
  }: { reading: ReturnType<typeof readingOf>; transposeB: boolean; fused: boolean; far: boolean; isPacked: boolean },
): Func {
  const params = new Array<"i32">(19).fill("i32");
  const body: Parameters<ModuleBuilder["func"]>[1] = (f, ...parameters) => {
    const [rows, depth, columns, together, a, b, bias, biasStep, out] = parameters as Nine;
    const [tile, init, block, packed, firstRow, endRow, n0, endColumn, depthTogether] = parameters.slice(9) as Nine;
    const pitch = parameters.at(-1)!;
    const local = () => f.local("i32");
    const [width, whole, tail, i0, rowsTogether, height] = [local(), local(), local(), local(), local(), local()];
    const [k0, length, from, stride, panel, to] = [local(), local(), local(), local(), local(), local()];
    const [row, j, tailFrom, place, isLast] = [local(), local(), local(), local(), local()];
    const four = (x: Code): Code => i32.shl(x, i32.const(2));
    const bPart = transposeB ? offset(b.get, n0.get, four(depth.get)) : i32.add(b.get, four(n0.get));
    const pack = packPanels(m).call(
      bPart,
      transposeB ? i32.const(4) : four(columns.get),
      transposeB ? four(depth.get) : i32.const(4),
      ...[depth.get, width.get, packed.get],
    );
    const zero = i32.const(0);
    const where = (row: Code): Code => i32.add(offset(a.get, row, four(depth.get)), four(k0.get));
    const inBlock = [from.set(block.get), stride.set(four(length.get))];
    const blockOfA = {
      turned: [
        inBlock,
        transposeBlock(m).call(
          i32.add(offset(a.get, k0.get, four(rows.get)), four(i0.get)),
          ...[four(rows.get), length.get, height.get, block.get, stride.get],
        ),
      ],
      copied: [
        inBlock,
        forRange(row, zero, height.get, 1, [
          memory.copy(offset(block.get, row.get, stride.get), where(i32.add(i0.get, row.get)), stride.get),
        ]),
      ],
      "in place": [from.set(where(i0.get)), stride.set(four(depth.get))],
    }[reading];
    const ofPanel = (number: Code): Code =>
      offset(packed.get, i32.add(i32.mul(number, depth.get), k0.get), i32.const(64));
    // Panel number `panel` of those packed. The first block of k starts from the bias, the others from what the one before left.
    const product = (first: Code, firstStride: Code, c: Code, cStride: Code): Code =>
      panelRows(m, { layout: "rows", fused, far }).call(
        ...[height.get, length.get, from.get, stride.get],
        ofPanel(panel.get),
        ...[select(place.get, first, k0.get), select(i32.const(64), firstStride, k0.get), c, cStride],
        ...(far ? [ofPanel(nextOf(panel, i32.shr_u(width.get, i32.const(4))))] : []),
      );
    const biasOf = (column: Code): Code => offset(bias.get, i32.shr_u(column, i32.const(4)), biasStep.get);
    const firstColumn = i32.add(n0.get, i32.shl(panel.get, i32.const(4)));
    // A bias whose end is no multiple of 16 is completed by zeros, so that nothing behind it is read.
    const tailInit = if_(
      i32.and(i32.ne(tail.get, zero), i32.ne(biasStep.get, zero)),
      [
        tailFrom.set(init.get),
        [0, 16, 32, 48].map((part) => v128.store(init.get, v128.const(0, 0, 0, 0), part)),
        forRange(
          j,
          zero,
          tail.get,
          1,
          f32.store(i32.add(init.get, four(j.get)), f32.load(i32.add(biasOf(i32.add(n0.get, whole.get)), four(j.get)))),
        ),
      ],
      tailFrom.set(bias.get),
    );
    const copyTail = forRange(row, zero, height.get, 1, [
      to.set(i32.add(offset(out.get, i32.add(i0.get, row.get), four(columns.get)), four(i32.add(n0.get, whole.get)))),
      forRange(
        j,
        zero,
        tail.get,
        1,
        f32.store(
          i32.add(to.get, four(j.get)),
          f32.load(i32.add(offset(place.get, row.get, i32.const(64)), four(j.get))),
        ),
      ),
    ]);
    const depthBlock = [
      length.set(smaller(depthTogether.get, i32.sub(depth.get, k0.get))),
      isLast.set(i32.eq(i32.add(k0.get, length.get), depth.get)),
      blockOfA,
      place.set(tile.get),
      forRange(panel, zero, i32.shr_u(whole.get, i32.const(4)), 1, [
        to.set(i32.add(offset(out.get, i0.get, four(columns.get)), four(firstColumn))),
        product(
          ...[biasOf(firstColumn), zero],
          select(to.get, place.get, isLast.get),
          select(four(columns.get), i32.const(64), isLast.get),
        ),
        place.set(i32.add(place.get, pitch.get)),
      ]),
      if_(tail.get, product(tailFrom.get, zero, place.get, i32.const(64))),
      k0.set(i32.add(k0.get, depthTogether.get)),
    ];
    const own = i32.sub(endRow.get, firstRow.get);
    const rowBlocks = i32.div_u(i32.add(own, i32.const(ROWS - 1)), i32.const(ROWS));
    return if_(i32.lt_u(firstRow.get, endRow.get), [
      rowsTogether.set(i32.div_u(i32.sub(i32.add(own, rowBlocks), i32.const(1)), rowBlocks)),
      forRange(n0, n0.get, endColumn.get, together.get, [
        width.set(i32.sub(endColumn.get, n0.get)),
        width.set(smaller(together.get, width.get)),
        tail.set(i32.and(width.get, i32.const(15))),
        whole.set(i32.sub(width.get, tail.get)),
        isPacked ? [] : pack,
        tailInit,
        forRange(i0, firstRow.get, endRow.get, rowsTogether.get, [
          height.set(smaller(rowsTogether.get, i32.sub(endRow.get, i0.get))),
          k0.set(zero),
          doWhile(depthBlock, i32.lt_u(k0.get, depth.get)),
          if_(tail.get, copyTail),
        ]),
        isPacked ? packed.set(offset(packed.get, width.get, four(depth.get))) : [],
      ]),
    ]);
  };
  return m.memo(`matmul ${reading} ${transposeB} ${fused} ${far} ${isPacked}`, () => m.func({ params }, body));
}

import fc from "fast-check";
import { expect } from "vitest";
import { type Kernel, type Range, TOUCHED_BLOCK } from "../../src/compute/plan.ts";
import type { Laws } from "./conformance.ts";
import { numbers, rounding, runKernel } from "./harness.ts";

const tables = fc
  .record({
    vocabulary: fc.integer({ min: 1, max: 12 }),
    columns: fc.integer({ min: 1, max: 21 }),
    seed: fc.nat(1e6),
  })
  .chain((t) =>
    fc.record({
      ...{ vocabulary: fc.constant(t.vocabulary), columns: fc.constant(t.columns), seed: fc.constant(t.seed) },
      indices: fc.array(fc.integer({ min: 0, max: t.vocabulary - 1 }), { minLength: 1, maxLength: 30 }),
      skip: fc.option(fc.integer({ min: -1, max: t.vocabulary - 1 }), { nil: undefined }),
    }),
  );

export const rowLaws: Laws = {
  "gather copies rows, bit for bit": async (machine) => {
    await fc.assert(
      fc.asyncProperty(tables, async ({ vocabulary, columns, seed, indices }) => {
        const table = numbers(vocabulary * columns, seed);
        const { out } = await runKernel(
          machine,
          { op: "gather", rows: indices.length, vocabulary, columns },
          { indices: { data: indices, type: "int" }, table: { data: table } },
          { out: indices.length * columns },
        );
        expect(out).toEqual(indices.flatMap((row) => table.slice(row * columns, (row + 1) * columns)));
      }),
      { numRuns: 40 },
    );
  },

  "scatterAdd can add to what is there; scatter replaces rows and leaves the others": async (machine) => {
    const round = rounding(machine);
    await fc.assert(
      fc.asyncProperty(tables, async ({ vocabulary, columns, seed, indices }) => {
        const rows = indices.length;
        const [source, before] = [numbers(rows * columns, seed), numbers(vocabulary * columns, seed + 1)];
        const inputs = { indices: { data: indices, type: "int" as const }, source: { data: source } };
        const run = async (kernel: Kernel): Promise<number[]> =>
          (await runKernel(machine, kernel, inputs, { out: before })).out!;
        const [added, put] = [[...before], [...before]];
        indices.forEach((row, r) => {
          for (let c = 0; c < columns; c++) {
            added[row * columns + c] = round(added[row * columns + c]! + source[r * columns + c]!);
            put[row * columns + c] = source[r * columns + c]!;
          }
        });
        expect(await run({ op: "scatterAdd", rows, vocabulary, columns, keep: true })).toEqual(added);
        expect(await run({ op: "scatter", rows, vocabulary, columns })).toEqual(put);
      }),
      { numRuns: 40 },
    );
  },

  "scatterAdd starts at zero, adds in the order of rows and leaves out what is skipped": async (machine) => {
    const round = rounding(machine);
    await fc.assert(
      fc.asyncProperty(tables, async ({ vocabulary, columns, seed, indices, skip }) => {
        // Numbers of very different size, so that another order would give other bits.
        const source = numbers(indices.length * columns, seed).map((v, i) => round(v * 10 ** ((i * 7) % 13)));
        const { out } = await runKernel(
          machine,
          { op: "scatterAdd", rows: indices.length, vocabulary, columns, ...(skip !== undefined && { skip }) },
          { indices: { data: indices, type: "int" }, source: { data: source } },
          { out: new Array<number>(vocabulary * columns).fill(5) },
        );
        const expected = new Array<number>(vocabulary * columns).fill(0);
        indices.forEach((row, r) => {
          if (row === skip) return;
          for (let c = 0; c < columns; c++)
            expected[row * columns + c] = round(expected[row * columns + c]! + source[r * columns + c]!);
        });
        expect(out!.map((v) => v + 0)).toEqual(expected);
      }),
      { numRuns: 60 },
    );
  },

  "gather and scatterAdd of several tables are those of each": async (machine) => {
    await fc.assert(
      fc.asyncProperty(tables, fc.integer({ min: 2, max: 5 }), fc.boolean(), async (t, count, keep) => {
        const { vocabulary, columns, seed, skip } = t;
        const rows = Math.ceil(t.indices.length / count);
        const indices = Array.from({ length: count * rows }, (_, r) => t.indices[r % t.indices.length]!);
        const size = { rows, vocabulary, columns };
        const table = numbers(count * vocabulary * columns, seed);
        const source = numbers(count * rows * columns, seed + 1);
        const gathered = (which: number[], table: number[], tables?: number) =>
          runKernel(
            machine,
            { op: "gather", ...size, tables },
            { indices: { data: which, type: "int" }, table: { data: table } },
            { out: which.length * columns },
          );
        const added = (which: number[], source: number[], before: number[], tables?: number) =>
          runKernel(
            machine,
            { op: "scatterAdd", ...size, tables, keep, ...(skip !== undefined && { skip }) },
            { indices: { data: which, type: "int" }, source: { data: source } },
            { out: before },
          );
        const part = (all: number[], k: number): number[] =>
          all.slice((k * all.length) / count, ((k + 1) * all.length) / count);
        const [chosen, sums]: [number[], number[]] = [[], []];
        for (let k = 0; k < count; k++) {
          const which = part(indices, k);
          chosen.push(...(await gathered(which, part(table, k))).out!);
          sums.push(...(await added(which, part(source, k), part(table, k))).out!);
        }
        expect((await gathered(indices, table, count)).out).toEqual(chosen);
        expect((await added(indices, source, table, count)).out).toEqual(sums);
      }),
      { numRuns: 30 },
    );
  },

  "scatterAdd clears only blocks that were noted": async (machine) => {
    const [vocabulary, columns, lead] = [50, 21, 37];
    const blocks = Math.ceil((lead + vocabulary * columns) / TOUCHED_BLOCK);
    const noted = Array.from({ length: blocks }, (_, k) => (k % 2 === 0 || k === blocks - 1 ? 1 : 0));
    const before = Array.from({ length: vocabulary * columns }, (_, k) =>
      noted[Math.floor((lead + k) / TOUCHED_BLOCK)] ? 7 : 0,
    );
    const indices = [3, 40, 3, 12];
    const source = numbers(indices.length * columns, 1);
    const kernel: Kernel = { op: "scatterAdd", rows: 4, vocabulary, columns };
    const inputs = { indices: { data: indices, type: "int" as const }, source: { data: source } };
    const [plain, clears] = await Promise.all([
      runKernel(machine, kernel, inputs, { out: before }),
      runKernel(
        machine,
        { ...kernel, touched: { lead } },
        { ...inputs, touched: { data: noted, type: "int", spoiled: true } },
        { out: before },
      ),
    ]);
    expect(clears).toEqual(plain);
  },

  "scatterAdd notes the blocks of its rows, and always the first and the last; what was noted before with `keep` only":
    async (machine) => {
      const [vocabulary, columns, lead, rows] = [50, 21, 37, 2];
      const count = Math.ceil((lead + vocabulary * columns) / TOUCHED_BLOCK);
      let used = 0;
      const take = (length: number, type: Range["type"] = "float"): Range => {
        used += length;
        return { arena: "memory", offset: used - length, length, type };
      };
      const operands = {
        ...{ indices: take(rows, "int"), source: take(rows * columns) },
        ...{ out: take(vocabulary * columns), touched: take(count, "int") },
      };
      const memory = machine.arena("memory", used);
      const run = async (indices: readonly number[], keep: boolean): Promise<number[]> => {
        const kernel: Kernel = { op: "scatterAdd", rows, vocabulary, columns, keep, touched: { lead } };
        const plan = { launches: [{ kernel, operands }], arenas: { memory: used }, scalars: {} };
        const prepared = await machine.prepare(plan, { memory });
        machine.write(memory, operands.indices, indices);
        machine.run(prepared);
        prepared.close();
        return Array.from(await machine.read(memory, operands.touched)).flatMap((word, block) =>
          word === 0 ? [] : block,
        );
      };
      machine.write(memory, operands.source, numbers(rows * columns, 1));
      const blocksOf = (row: number): number[] =>
        [row * columns, (row + 1) * columns - 1].map((element) => Math.floor((lead + element) / TOUCHED_BLOCK));
      const ends = [0, count - 1];
      const these = (...rows: readonly number[]): number[] =>
        [...new Set([...ends, ...rows.flatMap(blocksOf)])].toSorted((a, b) => a - b);
      // Row 10 lies in two blocks.
      expect(new Set(blocksOf(10)).size).toBe(2);
      expect(await run([10, 30], false)).toEqual(these(10, 30));
      expect(await run([40, 40], true)).toEqual(these(10, 30, 40));
      expect(await run([20, 1], false)).toEqual(these(20, 1));
      memory.close();
    },
};

import { resolve } from "node:path";
import ts from "typescript";
import { expect, expectTypeOf, test } from "vitest";
import type { CellElement, GatesElement, HeatMapElement } from "../../src/components/index.ts";

test("elements are known by their names to whoever imports them", () => {
  // Checked where types are: `npm run typecheck`.
  expectTypeOf<HTMLElementTagNameMap["longshort-cell"]>().toEqualTypeOf<CellElement>();
  expectTypeOf<HTMLElementTagNameMap["longshort-gates"]>().toEqualTypeOf<GatesElement>();
  expectTypeOf<HTMLElementTagNameMap["ls-heat-map"]>().toEqualTypeOf<HeatMapElement>();
});

test("and to nobody else: what other entries declare needs no types of a page on their account", () => {
  const entries = ["index", "formats/index", "explain/index"].map((name) => resolve(`dist/${name}.d.ts`));
  const program = ts.createProgram(entries, { module: ts.ModuleKind.NodeNext, types: [], noEmit: true });
  const reached = program.getSourceFiles().map(({ fileName }) => fileName);
  expect(reached).toContain(entries[0]);
  expect(reached.filter((name) => name.includes("/dist/components/"))).toEqual([]);
});

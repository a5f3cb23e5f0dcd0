import { resolve } from "node:path";
import ts from "typescript";
import { expect, expectTypeOf, test } from "vitest";
import type {
  CellElement,
  CellNodeEvent,
  GatesElement,
  HeatMapElement,
  HeatMapPlace,
} from "../../src/components/index.ts";

test("elements are known by their names to whoever imports them", () => {
  // Checked where types are: `npm run typecheck`.
  expectTypeOf<HTMLElementTagNameMap["longshort-cell"]>().toEqualTypeOf<CellElement>();
  expectTypeOf<HTMLElementTagNameMap["longshort-gates"]>().toEqualTypeOf<GatesElement>();
  expectTypeOf<HTMLElementTagNameMap["ls-heat-map"]>().toEqualTypeOf<HeatMapElement>();
});

test("what they tell has a type, and other events are those of any element", () => {
  const listens = (gates: GatesElement, cell: CellElement): void => {
    gates.addEventListener("pick", ({ detail }) => expectTypeOf(detail).toEqualTypeOf<HeatMapPlace>());
    cell.addEventListener("node", ({ detail }) => expectTypeOf(detail).toEqualTypeOf<CellNodeEvent>());
    gates.addEventListener("keydown", (event) => expectTypeOf(event).toEqualTypeOf<KeyboardEvent>());
    // @ts-expect-error a place has no such number
    cell.addEventListener("node", ({ detail }) => detail.unit);
  };
  expect(listens).toBeTypeOf("function");
});

test("and to nobody else: what other entries declare needs no types of a page on their account", () => {
  const entries = ["index", "formats/index", "explain/index"].map((name) => resolve(`dist/${name}.d.ts`));
  const program = ts.createProgram(entries, { module: ts.ModuleKind.NodeNext, types: [], noEmit: true });
  const reached = program.getSourceFiles().map(({ fileName }) => fileName);
  expect(reached).toContain(entries[0]);
  expect(reached.filter((name) => name.includes("/dist/components/"))).toEqual([]);
});

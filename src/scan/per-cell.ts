import type { Cell } from "../cells/define.ts";
import type { Expression } from "../math/expression.ts";

/** What is made of a cell, once for each and kept as long as the cell is. */
export function perCell<T extends object>(make: (cell: Cell) => T): (cell: Cell) => T {
  const known = new WeakMap<Cell, T>();
  return (cell) => {
    const old = known.get(cell);
    if (old) return old;
    const made = make(cell);
    known.set(cell, made);
    return made;
  };
}

/** The equations of a cell whose named values, in their order, are these: the next states are among them. */
export function equationsOf(cell: Cell, values: readonly Expression[]): Pick<Cell, "named" | "next"> {
  const named = Object.fromEntries(Object.keys(cell.named).map((name, k) => [name, values[k]!]));
  return { named, next: Object.fromEntries(cell.states.map(({ name }) => [name, named[name]!])) };
}

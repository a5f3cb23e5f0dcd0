import { evaluate } from "../../src/math/evaluate.ts";
import type { Expression } from "../../src/math/expression.ts";

/** The number an expression has where its variables have the given numbers. */
export function valueAt(root: Expression, at: Readonly<Record<string, number>>): number {
  return evaluate([root], (name) => {
    if (!(name in at)) throw new Error(`no value for ${name}`);
    return at[name]!;
  })[0]!;
}

/** ∂root/∂name by a central difference of fourth order. */
export function slopeOf(root: Expression, at: Readonly<Record<string, number>>, name: string): number {
  const h = 1e-3;
  const f = (d: number): number => valueAt(root, { ...at, [name]: at[name]! + d });
  return (8 * (f(h) - f(-h)) - (f(2 * h) - f(-2 * h))) / (12 * h);
}

import fc from "fast-check";
import { type Cell, defineCell, type Gate, gateOf, input, type Parts, split } from "../../src/cells/define.ts";
import { add, type Expression, mean, mul, sigmoid, sub, tanh } from "../../src/math/expression.ts";

/** A cell nobody would write: of gates of every kind, whose step mixes what it has by the numbers of `picks`. */
export interface RandomCell {
  readonly kinds: readonly number[];
  readonly picks: readonly number[];
  readonly projected: boolean;
}

export const randomCells: fc.Arbitrary<RandomCell> = fc.record({
  kinds: fc.array(fc.nat(4), { minLength: 1, maxLength: 5 }),
  picks: fc.array(fc.nat(1000), { minLength: 3, maxLength: 16 }),
  projected: fc.boolean(),
});

/** The states h, of the projection's width where it is `projected`, and m; the value `seen` has a name of its own. */
export function cellOf({ kinds, picks, projected }: RandomCell): Cell {
  const pool: Expression[] = [];
  let next = 0;
  const pick = (below: number): number => picks[next++ % picks.length]! % below;
  const any = (): Expression => pool[pick(pool.length)]!;
  const mix = (): void => {
    const [a, b] = [any(), any()];
    pool.push(
      [tanh(a), sigmoid(a), mul(a, b), add(a, b), sub(a, tanh(b)), mul(a, mean(b)), sub(b, mean(a, b))][pick(7)]!,
    );
  };
  const gates: Record<string, Gate> = {};
  kinds.forEach((kind, k) => {
    const of = gateOf(tanh, ({ previous, gates: before, parts, masks }) => {
      const values = [previous.m!, masks.drop!, ...Object.values(before), ...Object.values(parts).map(({ h }) => h)];
      return mul(values[k % values.length]!, values[(kind + k) % values.length]!);
    });
    gates[`g${k}`] = [sigmoid, tanh, split(), input(sigmoid), of][kind]!;
  });
  return defineCell({
    name: JSON.stringify([kinds, picks, projected]),
    gates,
    state: projected ? { h: "projection", m: "hidden" } : { h: "hidden", m: "hidden" },
    // Matrices of one cell multiply vectors of one width.
    recurrent: ({ previous }) => previous.m!,
    weights: { w: 0.3 },
    masks: { drop: { per: "step", rate: 0.3, kind: "dropout" } },
    projections: projected ? ["p"] : [],
    step(values, previous, { weights, masks, project }) {
      for (const value of Object.values(values as Record<string, Expression | Parts>))
        pool.push(...("x" in value && "h" in value ? [value.x, value.h] : [value as Expression]));
      pool.push(previous.m, weights.w, masks.drop, ...(projected ? [] : [previous.h]));
      for (let k = 0; k < picks.length; k++) mix();
      const last = tanh(pool.at(-1)!);
      const { p } = project as Readonly<Record<string, (v: Expression) => Expression>>;
      // Some read the projected state again, others only write it.
      const h = p ? (pick(2) === 0 ? p(last) : sigmoid(add(p(last), previous.h))) : last;
      return { h, m: pick(3) === 0 ? any() : tanh(any()), seen: sigmoid(any()) };
    },
  }) as Cell;
}

import { type Cell, variables } from "../cells/define.ts";
import { evaluate } from "../math/evaluate.ts";
import { type AnyNode, type Expression, inOrder, rewrite, variable } from "../math/expression.ts";
import { RandomStream } from "../shared/random.ts";
import { perCell } from "./per-cell.ts";

/** What opening a gate does to the state of its unit: keeps more of it (1), replaces more of it (−1), or neither. */
export type Keeping = 1 | 0 | -1;

/** Points at which the equations are looked at: what is so at all of them is so. */
const POINTS = Array.from({ length: 16 }, (_, k) => k);
/** Differences below are rounding. */
const TINY = 1e-9;

/**
 * Which gates decide how long a unit remembers, in the order of the cell's gates, found in its equations. The next state is what is kept
 * of the previous one plus what is written. A gate keeps if opening it makes the first larger, or the second smaller in size, and never
 * the other way round; it replaces if it does the opposite. So an LSTM's f keeps and its i replaces, a GRU's z keeps, a minGRU's z replaces.
 * Gates that are terms of one sum, as those of full gate recurrence, do the same: the first of them stands for all, and the others count as neither.
 * Only states that reach the next step without a matrix between are remembered this way: an Elman network has none.
 */
export const keepingGates = /* @__PURE__ */ perCell((cell): readonly Keeping[] => {
  const carried = cell.states.map(({ name }) => stepOf(name, cell)).filter((step) => step !== undefined);
  const effects = new Set<string>();
  return cell.gates.map(({ name }) => {
    const gate = variables.input(name).name;
    const changes = carried.flatMap((step) =>
      POINTS.flatMap((point) => {
        const [before, after] = [step(point), step(point, gate)];
        return [after.kept - before.kept, before.written - after.written];
      }),
    );
    const effect = changes.map((change) => (signOf(change) === 0 ? 0 : change.toPrecision(6))).join();
    if (effects.has(effect)) return 0;
    effects.add(effect);
    const distinct = [...new Set(changes.map(signOf).filter((sign) => sign !== 0))];
    return distinct.length === 1 ? distinct[0]! : 0;
  });
});

/** What one unit keeps and writes of a state at a point, where one variable may be larger by 1; undefined if the state is never kept. */
function stepOf(state: string, cell: Cell) {
  const previous = variables.previous(state).name;
  const next = withoutMatrices(cell.next[state]!);
  const values = new Map(
    inOrder([next]).flatMap(({ op, name }) => (op === "variable" ? [[name, valuesOf(name, cell)] as const] : [])),
  );
  const step = (point: number, raised?: string) => {
    const from = (before: number): number =>
      evaluate([next], (name) =>
        name === previous ? before : values.get(name)![point]! + (name === raised ? 1 : 0),
      )[0]!;
    const written = from(0);
    return { kept: from(1) - written, written: Math.abs(written) };
  };
  return POINTS.some((point) => signOf(step(point).kept) !== 0) ? step : undefined;
}

/** What other units contribute becomes a number of its own. */
function withoutMatrices(root: Expression): Expression {
  const mixing = inOrder([root]).filter(({ op }) => op === "product" || op === "mean");
  const free = new Map<AnyNode, Expression>(mixing.map((node, k) => [node, variable(`${node.op} ${k}`)]));
  return rewrite([root], (node) => free.get(node))[0]!;
}

/** Of a variable at each point: weights of a unit as they begin, masks that drop and hold nothing, means from 0 to 1, all else from −2 to 2. */
function valuesOf(name: string, { weights, masks }: Cell): ArrayLike<number> {
  for (const [key, value] of Object.entries(weights))
    if (variables.weight(key).name === name) return POINTS.map(() => value);
  for (const [key, { kind }] of Object.entries(masks))
    if (variables.mask(key).name === name) return POINTS.map(() => (kind === "dropout" ? 1 : 0));
  const drawn = new RandomStream(0, name).uniform(POINTS.length);
  return name.startsWith("mean ") ? drawn : drawn.map((u) => 4 * u - 2);
}

const signOf = (difference: number): Keeping => (Math.abs(difference) < TINY ? 0 : difference > 0 ? 1 : -1);

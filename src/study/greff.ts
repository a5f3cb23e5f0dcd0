import { type Cell, defineCell, type Gate, gateOf } from "../cells/define.ts";
import { lstm } from "../cells/lstm.ts";
import { add, type Expression, mul, sigmoid, tanh } from "../math/expression.ts";
import { identity } from "../math/functions.ts";

type Values = Readonly<Record<string, Expression>>;

/** An LSTM with peepholes, one of whose gates is always open. */
function without(gate: "i" | "f" | "o", name: string): Cell {
  const gates: Record<string, Gate> = { i: identity, f: identity, g: tanh, o: identity };
  delete gates[gate];
  const kept = ["i", "f", "o"].filter((one) => one !== gate);
  return defineCell({
    ...{ name, gates, state: ["h", "c"] },
    weights: Object.fromEntries(kept.map((one) => [`p${one}`, 0])),
    step(sums: Values, previous: Values, { weights }: { weights: Values }) {
      const times = (name: string, c: Expression, value: Expression): Expression =>
        name === gate ? value : mul(sigmoid(add(sums[name]!, mul(weights[`p${name}`]!, c))), value);
      const c = add(times("f", previous.c!, previous.c!), times("i", previous.c!, sums.g!));
      return { h: times("o", c, tanh(c)), c };
    },
  });
}

/**
 * Gates that see all gates of the step before, as in 1997. A gate's sum has one recurrent matrix here, so the nine others are sums of
 * their own; these also have input matrices, which add up with the gate's and change nothing that can be computed.
 */
function fullGateRecurrence(): Cell {
  const names = ["i", "f", "o"] as const;
  const more = names.flatMap((to) =>
    names.map((from) => [`${to}${from}`, gateOf(identity, ({ previous }) => previous[from]!)] as const),
  );
  return defineCell({
    name: "lstm-fgr",
    gates: { i: identity, f: identity, g: tanh, o: identity, ...Object.fromEntries(more) } as Record<string, Gate>,
    state: ["h", "c", ...names],
    weights: { pi: 0, pf: 0, po: 0 },
    step(sums: Values, previous, { weights }) {
      const open = (name: (typeof names)[number], c: Expression): Expression =>
        sigmoid(
          names.reduce((sum, from) => add(sum, sums[`${name}${from}`]!), add(sums[name]!, mul(weights[`p${name}`], c))),
        );
      const [i, f] = [open("i", previous.c), open("f", previous.c)];
      const c = add(mul(f, previous.c), mul(i, sums.g!));
      const o = open("o", c);
      return { h: mul(o, tanh(c)), c, i, f, o };
    },
  });
}

/**
 * The LSTM with peepholes and its eight variants, each of which lacks one thing or has one more.
 * @see Greff et al. (2015), LSTM: A Search Space Odyssey, arXiv:1503.04069
 */
export const greffCells: Readonly<Record<string, () => Cell>> = {
  "lstm-vanilla": () => lstm({ peephole: true }),
  "lstm-nig": () => without("i", "lstm-nig"),
  "lstm-nfg": () => without("f", "lstm-nfg"),
  "lstm-nog": () => without("o", "lstm-nog"),
  "lstm-niaf": () => lstm({ peephole: true, candidate: identity }),
  "lstm-noaf": () => lstm({ peephole: true, output: identity }),
  "lstm-cifg": () => lstm({ peephole: true, coupled: true }),
  "lstm-np": () => lstm(),
  "lstm-fgr": fullGateRecurrence,
};

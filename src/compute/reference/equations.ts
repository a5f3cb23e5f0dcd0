import { rules } from "../../math/evaluate.ts";
import { type AnyNode, type Expression, inOrder } from "../../math/expression.ts";

/** Indices that are evaluated together: one pass over the steps serves that many. */
export const blockLength = 256;

/** Equations as a list of steps over blocks of numbers. */
export interface Equations {
  /** Where the caller puts the values of the variables, by name. */
  readonly inputs: Readonly<Record<string, Float64Array>>;
  /** Where `evaluate` leaves the values of the equations, in their order. */
  readonly results: readonly Float64Array[];
  /** Evaluates the first `count` (≤ `blockLength`) numbers of every block. */
  evaluate(count: number): void;
}

/** Lists the nodes of the equations once, each with a block of its own. */
export function compileEquations(values: readonly Expression[], inputs: readonly string[]): Equations {
  const blocks = new Map<AnyNode, Float64Array>();
  const given: Record<string, Float64Array> = {};
  for (const name of inputs) given[name] = new Float64Array(blockLength);
  const steps: ((count: number) => void)[] = [];
  for (const n of inOrder(values)) {
    if (n.op === "variable") {
      blocks.set(n, given[n.name]!);
      continue;
    }
    const out = new Float64Array(blockLength);
    blocks.set(n, out);
    if (n.op === "constant") out.fill(n.value);
    else if (n.op === "product" || n.op === "transposed" || n.op === "mean")
      throw new TypeError(`"${n.op}" mixes units and is no part of a pointwise equation`);
    else {
      const rule = rules[n.op];
      const [a, b = out, c = out] = n.args.map((x) => blocks.get(x)!);
      steps.push((count) => {
        for (let i = 0; i < count; i++) out[i] = rule(a![i]!, b[i]!, c[i]!);
      });
    }
  }
  return {
    inputs: given,
    results: values.map((v) => blocks.get(v)!),
    evaluate: (count) => {
      for (const step of steps) step(count);
    },
  };
}

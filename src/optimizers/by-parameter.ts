import { variable } from "../math/expression.ts";
import { describe, UsageError } from "../shared/errors.ts";
import type { ParameterLayout } from "../tensor/parameter.ts";
import { defineOptimizer, type Optimizer } from "./define.ts";

/** An optimizer of its own for each parameter: see `byParameter`. */
export interface ParameterOptimizers {
  /** The optimizer of a parameter. */
  of(parameter: string): Optimizer;
}

/** One optimizer for all parameters, or one for each. */
export type OptimizerChoice = Optimizer | ParameterOptimizers;

/**
 * Chooses the optimizer of each parameter by its name: other rates for other layers, biases without weight decay, layers that stay
 * `frozen()`. Parameters that get the same object are updated together, so make optimizers once, outside the function.
 * @param of Called with names as `layoutParameters` lists them, "rnn.weight_ih_l0". The same name must always give the same optimizer.
 * @example
 * ```ts
 * const [usual, plain] = [adamW(), adamW({ weightDecay: 0 })];
 * const optimizer = byParameter((name) => (name.startsWith("rnn.") ? frozen() : name.includes("bias") ? plain : usual));
 * ```
 */
export function byParameter(of: (parameter: string) => Optimizer): ParameterOptimizers {
  if (typeof of !== "function")
    throw new UsageError(
      "bad-option",
      `byParameter: expected a function from the name of a parameter to its optimizer, got ${describe(of)}`,
    );
  const known = new Map<string, Optimizer>();
  return {
    of(parameter) {
      const optimizer = known.get(parameter) ?? expectOptimizer(of(parameter), ` of "${parameter}"`);
      known.set(parameter, optimizer);
      return optimizer;
    },
  };
}

const still: Optimizer = defineOptimizer({
  name: "frozen",
  moments: {},
  scalars: () => ({}),
  rests: true,
  update: ({ p }) => ({ p }),
});

/** For parameters that are not trained: they stay as they are, and no gradient is computed for them. */
export const frozen = (): Optimizer => still;

/**
 * The same optimizer with a multiple of the learning rate, for layers that learn more slowly or quickly than the others.
 * @param factor A number from 0 on, or a function from the number of the update (from 1) to one: 0 up to some update lets a layer wait.
 */
export function scaledRate(optimizer: Optimizer, factor: number | ((step: number) => number)): Optimizer {
  expectOptimizer(optimizer, "");
  const at = typeof factor === "function" ? factor : () => factor;
  const scaled = (step: number, rate: number): number => {
    const by = at(step);
    if (!(by >= 0 && by < Number.POSITIVE_INFINITY))
      throw new UsageError("out-of-range", `scaledRate: expected a factor from 0 on, got ${describe(by)}`);
    return by * rate;
  };
  scaled(1, 1);
  return { ...optimizer, scalars: (step, rate) => optimizer.scalars(step, scaled(step, rate)) };
}

/** The optimizer of a parameter. @throws UsageError "bad-option" for what is none */
export const optimizerOf = (choice: OptimizerChoice, parameter: string): Optimizer =>
  "of" in Object(choice) ? (choice as ParameterOptimizers).of(parameter) : expectOptimizer(choice as Optimizer, "");

/** The same choice, of optimizers that something was made of. What was one object stays one. */
export function eachOptimizer(choice: OptimizerChoice, make: (optimizer: Optimizer) => Optimizer): OptimizerChoice {
  if (!("of" in choice)) return make(choice);
  const made = new Map<Optimizer, Optimizer>();
  return byParameter((parameter) => {
    const optimizer = choice.of(parameter);
    const found = made.get(optimizer) ?? make(optimizer);
    made.set(optimizer, found);
    return found;
  });
}

/** Names of all moments that the parameters of a model have. */
export const momentsOf = (choice: OptimizerChoice, { names }: ParameterLayout): string[] => [
  ...new Set([...names.keys()].flatMap((name) => Object.keys(optimizerOf(choice, name).moments))),
];

/** Whether the equations leave every parameter as it is. */
export function leavesParameters({ moments, scalars, update }: Optimizer): boolean {
  const values = Object.fromEntries(["p", "g", ...Object.keys(moments)].map((name) => [name, variable(name)]));
  const numbers = Object.fromEntries(Object.keys(scalars(1, 0)).map((name) => [name, variable(name)]));
  return update(values as Parameters<typeof update>[0], numbers).p === values.p;
}

/** @throws UsageError "bad-option" */
function expectOptimizer(optimizer: Optimizer, whose: string): Optimizer {
  if (typeof optimizer?.update === "function" && typeof optimizer.moments === "object") return optimizer;
  throw new UsageError(
    "bad-option",
    `optimizer${whose}: expected what adam(), sgd() and others return${whose ? ", or frozen()" : ""}, got ${describe(optimizer)}`,
  );
}

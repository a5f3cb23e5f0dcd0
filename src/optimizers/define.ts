import { type Expression, equal, select } from "../math/expression.ts";
import { expectOptions } from "../shared/options.ts";

/** Equations of one element. `M` names the moments, `S` the numbers that change from step to step. */
export interface OptimizerDefinition<M extends string, S extends string> {
  readonly name: string;
  /** What is remembered of each parameter from step to step, with the value it starts at. */
  readonly moments: Readonly<Record<M, number>>;
  /**
   * Numbers of a step, in float64 on the host: corrections that would lose digits in float32, and first steps that differ
   * from the others. Pure: a run that resumes at step n gets what it would have got.
   *
   * @param step 1 at the first update.
   * @param rate The learning rate of this step.
   */
  scalars(step: number, rate: number): Readonly<Record<S, number>>;
  /** Whether an element whose gradient is 0 stays as it is, moments included, so that it may be passed by. Default false. */
  readonly rests?: boolean | undefined;
  /** New parameter and moments from parameter `p`, gradient `g` and moments; everything on the right is from before the step. */
  update(
    values: Readonly<Record<"p" | "g" | M, Expression>>,
    scalars: Readonly<Record<S, Expression>>,
  ): Readonly<Record<"p" | M, Expression>>;
}

/** An optimizer as the rest of the program sees it: its names are only strings. */
export type Optimizer = OptimizerDefinition<string, string>;

export interface RestOptions {
  /**
   * Whether elements whose gradient is exactly 0 rest: parameter and moments stay, weight decay included. So do the rows of an embedding
   * that no token of the batch chose, as in PyTorch's SparseAdam. Default false.
   */
  readonly lazy?: boolean | undefined;
}

/** The same optimizer, where what has the gradient 0 rests if `lazy` says so. */
export function resting(optimizer: Optimizer, { lazy = false }: RestOptions): Optimizer {
  if (!lazy) return optimizer;
  return {
    ...optimizer,
    rests: true,
    update(values, scalars) {
      const next = optimizer.update(values, scalars);
      const rests = equal(values.g!, 0);
      return Object.fromEntries(
        Object.entries(next).map(([name, value]) => [name, select(rests, values[name]!, value)]),
      );
    },
  };
}

/**
 * Defines an optimizer by its equations.
 * @example
 * ```ts
 * const sgd = defineOptimizer({
 *   name: "sgd",
 *   moments: {},
 *   scalars: (_, rate) => ({ rate }),
 *   update: ({ p, g }, { rate }) => ({ p: sub(p, mul(rate, g)) }),
 * });
 * ```
 */
export function defineOptimizer<M extends string, S extends string>(definition: OptimizerDefinition<M, S>): Optimizer {
  expectOptions("defineOptimizer", definition, {
    name: "required",
    moments: "required",
    scalars: "required",
    update: "required",
    rests: 1,
  });
  // The names are checked where the equations are written; whoever asks for a name that is none has a bug, not a choice.
  return definition as unknown as Optimizer;
}

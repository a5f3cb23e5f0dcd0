import { expectOneOf } from "../shared/errors.ts";
import { adadelta } from "./adadelta.ts";
import { adagrad } from "./adagrad.ts";
import { adam, adamW } from "./adam.ts";
import { adamax } from "./adamax.ts";
import type { Optimizer } from "./define.ts";
import { nadam } from "./nadam.ts";
import { radam } from "./radam.ts";
import { rmsprop } from "./rmsprop.ts";
import { sgd } from "./sgd.ts";

/** All optimizers by the name that options and configuration files use. */
export const optimizers = { adadelta, adagrad, adam, adamW, adamax, nadam, radam, rmsprop, sgd } as const;
export type OptimizerName = keyof typeof optimizers;
export const optimizerNames = Object.keys(optimizers) as OptimizerName[];

/** Options of the optimizer of this name. */
export type OptimizerOptions<N extends OptimizerName> = NonNullable<Parameters<(typeof optimizers)[N]>[0]>;

/**
 * An optimizer by name: `optimizerByName("adamW", { weightDecay: 0.1 })`.
 *
 * @throws UsageError "unknown-choice" with the nearest name.
 */
export function optimizerByName<N extends OptimizerName>(name: N, options?: OptimizerOptions<N>): Optimizer {
  const make = optimizers[expectOneOf("optimizer", name, optimizerNames)] as (o?: OptimizerOptions<N>) => Optimizer;
  return make(options);
}

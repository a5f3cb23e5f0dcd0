import { describe, UsageError } from "../shared/errors.ts";
import { expectOptions, type OptionNames } from "../shared/options.ts";

/** @throws UsageError "out-of-range" */
export function expectNonNegative(option: string, value: number): void {
  if (!(value >= 0 && value < Number.POSITIVE_INFINITY))
    throw new UsageError("out-of-range", `${option}: expected a number of at least 0, got ${describe(value)}`);
}

/** A factor by which something fades from step to step. @throws UsageError "out-of-range" */
export function expectUnit(option: string, value: number): void {
  if (!(value >= 0 && value < 1))
    throw new UsageError("out-of-range", `${option}: expected a number in [0, 1), got ${describe(value)}`);
}

/** `expectOptions` for optimizers: elsewhere they are given the learning rate. @throws UsageError "unknown-option", and what it throws */
export function expectOptimizerOptions<Options extends object>(
  name: string,
  options: Options,
  known: OptionNames<NoInfer<Options>>,
): void {
  const rate = ["lr", "learningRate"].find((one) => one in Object(options));
  if (rate !== undefined)
    throw new UsageError(
      "unknown-option",
      `${name}: ${rate}: the learning rate is an option of the training, { optimizer: ${name}(), learningRate: … }, or the second argument of TrainingStep.run; so schedules can change it`,
    );
  expectOptions(name, options, known);
}

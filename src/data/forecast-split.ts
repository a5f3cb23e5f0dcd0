import { describe, UsageError } from "../shared/errors.ts";
import type { Span } from "./forecast-windows.ts";

/** Which steps of a series are learned from, measured on after each epoch, and kept for the end: one after the other. */
export interface ForecastSpans {
  readonly train: Span;
  readonly validation: Span;
  readonly test: Span;
}

/**
 * @param length N
 * @param parts shares of the series below 1 (then at least `horizon` steps), or numbers of steps; 0: none
 * @throws UsageError "out-of-range"
 */
export function splitSeries(
  length: number,
  horizon: number,
  parts: { readonly validation: number; readonly test: number },
): ForecastSpans {
  const test = stepsOf("test", parts.test, length, horizon);
  const validation = stepsOf("validation", parts.validation, length, horizon);
  const [first, second] = [Math.max(0, length - test - validation), Math.max(0, length - test)];
  return {
    train: { from: 0, to: first },
    validation: { from: first, to: second },
    test: { from: second, to: length },
  };
}

function stepsOf(name: string, part: number, length: number, horizon: number): number {
  const right = part >= 0 && (part < 1 || (Number.isInteger(part) && part >= horizon));
  if (!right)
    throw new UsageError(
      "out-of-range",
      `${name}: expected a share below 1 of each series, or a number of steps of at least the horizon (${horizon}), got ${describe(part)}`,
    );
  if (part === 0) return 0;
  return part < 1 ? Math.max(horizon, Math.round(part * length)) : part;
}

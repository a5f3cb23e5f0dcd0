import type { Machine } from "../compute/machine.ts";
import type { Parameter, ParameterLayout } from "./parameter.ts";

/** Options of `new Graph`. */
export interface GraphOptions {
  /** The machine that will run the graph. */
  readonly machine: Pick<Machine, "savedSize" | "limits">;
  /** The layout of the parameters that layers use. */
  readonly parameters?: ParameterLayout | undefined;
  /** Whether dropout is active and gradients are possible. Default false. */
  readonly training?: boolean | undefined;
  /**
   * Number of parts that recurrent layers divide a sequence into to save memory: what the gradient needs is kept for one part at a
   * time, and the others are computed again in the backward pass. Does not change results. Default 1: everything is kept.
   */
  readonly recompute?: number | undefined;
  /**
   * Whether gradients of embedding tables are cleared and updated row by row, in an arena `touched` that all graphs with the same
   * gradients share. Does not change results. Default false.
   */
  readonly touched?: boolean | undefined;
  /** Parameters that no gradient is taken of, as if they were numbers. Default none. */
  readonly frozen?: ReadonlySet<Parameter> | undefined;
}

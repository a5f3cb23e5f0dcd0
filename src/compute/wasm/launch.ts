import type { FunctionBuilder, ModuleBuilder } from "../../print/wasm/assembler.ts";
import type { Code } from "../../print/wasm/code.ts";
import type { Team } from "../../print/wasm/team.ts";
import type { Constants } from "../../print/wasm/vectors.ts";
import type { Kernel, Range } from "../plan.ts";
import type { Compile } from "./compile.ts";

/** What a printer of launches is given. All addresses are bytes, unsigned, fixed as long as the plan is prepared. */
export interface LaunchContext<K extends Kernel> {
  readonly m: ModuleBuilder;
  /** The function `run`, for locals of code that is not in a function of its own. */
  readonly f: FunctionBuilder;
  readonly kernel: K;
  /**
   * The threads that perform this launch; each runs the code and has to see to it that it does only its share. The launches
   * before are done and seen by all, and none after it begins before all are done with it. A printer that never asks for the
   * team is performed by one thread alone; one that asks may be given a team of one, where more would not pay.
   */
  readonly team: Team;
  /** Where an operand starts. */
  address(operand: string): number;
  range(operand: string): Range;
  /**
   * Bytes of scratch memory for this launch, aligned to 64, at another place at every call, the same for all threads. What is
   * in them at the start is unknown, and other launches of the plan use them too.
   */
  workspace(bytes: number): number;
  /**
   * Memory of `bytes` bytes for something that `make` prints the making of out of these operands alone: packed weights, say.
   * Where the plan writes to none of their arenas it is made before a run only if one has been written to since it was made
   * last, by one thread, and `code` is empty; otherwise `code` makes it, in the workspace, by the team of the launch.
   */
  derived(
    operands: readonly string[],
    bytes: number,
    make: (at: number, team: Team) => Code,
  ): { readonly at: number; readonly code: Code };
  /** Address of 64 bytes of zeros, aligned to 64, which nothing may write. */
  readonly zeros: number;
  readonly constants: Constants;
  /** Whether `relaxed_madd` is there and rounds once. */
  readonly fused: boolean;
  /** What a printer that has to try an instruction is to compile it with. */
  readonly compile: Compile | undefined;
}

/** Prints the code that performs one launch: called inside `run`, once per launch of a plan, while it is prepared. */
export type LaunchPrinter<K extends Kernel> = (context: LaunchContext<K>) => Code;

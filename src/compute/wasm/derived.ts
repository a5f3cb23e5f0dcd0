import { type Code, flatten } from "../../print/wasm/code.ts";
import { solo, type Team } from "../../print/wasm/team.ts";
import { operandsOf } from "../operands.ts";
import type { Plan, Range } from "../plan.ts";
import { savedElements } from "./scan-layout.ts";
import type { Workspace } from "./workspace.ts";

/** The arenas that a plan writes to. */
export function writtenArenas(plan: Plan): Set<string> {
  const written = new Set<string>();
  for (const { kernel, operands } of plan.launches)
    for (const [name, spec] of Object.entries(operandsOf(kernel, savedElements)))
      if (spec.written && operands[name]) written.add(operands[name].arena);
  return written;
}

type Make = (at: number, team: Team) => Code;

/**
 * What a plan makes of operands that it never writes itself, kept from run to run: a streamed step does not pack its weights
 * anew. `code` makes all of it, on all threads of the team; it has to run again when one of `arenas` has changed.
 */
export class DerivedMemory {
  readonly code: Code[] = [];
  readonly arenas = new Set<string>();
  readonly #written: ReadonlySet<string>;
  readonly #kept: Workspace;
  readonly #team: Team;
  /** Where what is made already lies, by the code that would make it at 0: what it is made of stands in it. */
  readonly #known = new Map<string, number>();

  constructor(plan: Plan, kept: Workspace, team: Team) {
    this.#written = writtenArenas(plan);
    this.#kept = kept;
    this.#team = team;
  }

  /**
   * Memory for something made of operands in these ranges; undefined when the plan changes them while it runs. Launches that make the
   * same of the same weights share it.
   */
  take(ranges: readonly Range[], bytes: number, make: Make): number | undefined {
    if (ranges.some(({ arena }) => this.#written.has(arena))) return undefined;
    const key = flatten(make(0, solo)).join();
    const known = this.#known.get(key);
    if (known !== undefined) return known;
    const at = this.#kept.take(bytes);
    this.#known.set(key, at);
    this.code.push(make(at, this.#team));
    for (const { arena } of ranges) this.arenas.add(arena);
    return at;
  }
}

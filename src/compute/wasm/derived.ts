import { type Code, flatten } from "../../print/wasm/code.ts";
import { solo, type Team } from "../../print/wasm/team.ts";
import { operandsOf } from "../operands.ts";
import type { Plan } from "../plan.ts";
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

/**
 * What a plan makes of operands that it never writes itself, kept from run to run: a streamed step does not pack its weights
 * anew. `code` makes all of it; it has to run again when one of `arenas` has changed.
 */
export class DerivedMemory {
  readonly code: Code[] = [];
  readonly arenas = new Set<string>();
  readonly #written: ReadonlySet<string>;
  readonly #kept: Workspace;
  /** What is made already, by the code that would make it at address 0: several launches may use the same weights. */
  readonly #known = new Map<string, number>();

  constructor(plan: Plan, kept: Workspace) {
    this.#written = writtenArenas(plan);
    this.#kept = kept;
  }

  /** Memory for something made of operands in these arenas; undefined when the plan changes them while it runs. */
  take(arenas: readonly string[], bytes: number, make: (at: number, team: Team) => Code): number | undefined {
    if (arenas.some((name) => this.#written.has(name))) return undefined;
    const key = `${bytes}: ${flatten(make(0, solo)).join(",")}`;
    const known = this.#known.get(key);
    if (known !== undefined) return known;
    const at = this.#kept.take(bytes);
    this.#known.set(key, at);
    this.code.push(make(at, solo));
    for (const name of arenas) this.arenas.add(name);
    return at;
  }
}

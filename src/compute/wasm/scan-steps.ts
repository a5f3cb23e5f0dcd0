import type { AnyNode } from "../../math/expression.ts";
import type { FunctionBuilder } from "../../print/wasm/assembler.ts";
import type { Code } from "../../print/wasm/code.ts";
import type { Local } from "../../print/wasm/control.ts";
import { i32 } from "../../print/wasm/instructions.ts";
import { type PhaseMemory, printMeanEnd, printPhase } from "../../print/wasm/scan-phase.ts";
import { type Swept, sweep } from "../../print/wasm/sweep.ts";
import { share, type Team } from "../../print/wasm/team.ts";
import type { Phase, Place, Store } from "../../scan/program.ts";
import type { ScanShape } from "../plan.ts";
import type { Examples } from "./scan-division.ts";
import type { ScanContext } from "./scan-memory.ts";

/**
 * One phase: panel after panel its products, then its equations, each thread of the team those of its own units; then the ends of its means,
 * each thread those of some examples, with all that was done before seen by all.
 */
export function printPhaseLoop(
  context: ScanContext<ScanShape>,
  phase: Phase,
  o: {
    readonly stores: readonly Store[];
    readonly memory: PhaseMemory;
    readonly place: (n: AnyNode) => Place | undefined;
    /** Of some panels, how many at a time, if not of one, and whether they turn around (`turnsFor`). */
    readonly products?: (at: Swept) => Code;
    readonly together?: number;
    readonly turns?: boolean;
    readonly meanOut: (mean: number) => number;
    /** Those that share the units, and their examples. */
    readonly team: Team;
    readonly examples: Examples;
    readonly f: FunctionBuilder;
    readonly t: Local;
    readonly halves?: readonly [Code, Code];
  },
): Code {
  const { m, constants, fused, kernel } = context;
  const { f, t, team, together = 1, turns = false } = o;
  const { first, count: examples } = o.examples;
  const [half, otherHalf] = o.halves ?? [i32.const(0), i32.const(0)];
  const equations =
    o.stores.length + phase.means.length > 0
      ? printPhase(m, {
          stores: o.stores,
          means: phase.means,
          place: o.place,
          memory: o.memory,
          constants,
          fused,
          someExamples: first !== undefined,
        })
      : undefined;
  const ofPanels = ({ panel, count }: Swept): Code =>
    Array.from({ length: equations ? count : 0 }, (_, k) =>
      equations!.call(
        ...[i32.add(panel.get, i32.const(k)), t.get, half, otherHalf],
        ...(first === undefined ? [] : [first.get, examples]),
      ),
    );
  const units = share(team, o.memory.paddedWidth / 16);
  const own = first === undefined ? share(team, kernel.batch) : { from: first.get, to: i32.add(first.get, examples) };
  const ends = phase.means.map(({ mean, values }) =>
    printMeanEnd(m, {
      batch: kernel.batch,
      vectors: o.memory.paddedWidth / 4,
      sums: o.memory.meanSums(mean),
      out: o.meanOut(mean),
      scale: 1 / (o.memory.width * values.length),
      constants,
    }).call(t.get, own.from, own.to),
  );
  return [
    sweep(m, f, { ...units, turns, together }, (at) => [o.products?.(at) ?? [], ofPanels(at)]),
    ends.length > 0 ? [team.barrier, ends, team.barrier] : [],
  ];
}

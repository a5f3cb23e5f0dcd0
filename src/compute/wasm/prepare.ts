import { ModuleBuilder } from "../../print/wasm/assembler.ts";
import type { Code } from "../../print/wasm/code.ts";
import type { ConstantScope } from "../../print/wasm/constants.ts";
import { alone, solo, teamOf } from "../../print/wasm/team.ts";
import type { Kernel, Plan, Range } from "../plan.ts";
import type { Compile } from "./compile.ts";
import { DerivedMemory, writtenArenas } from "./derived.ts";
import type { LaunchPrinter } from "./launch.ts";
import { loadPrinters } from "./launches.ts";
import { CONTROL, type Memory, ZEROS } from "./memory.ts";
import { patienceFor, type Worth, workOf } from "./work.ts";
import type { Workspace } from "./workspace.ts";

export interface CompiledPlan {
  /** What every thread instantiates. */
  readonly module: WebAssembly.Module;
  /** Performs all launches: the share of this thread. */
  readonly run: () => void;
  /** Makes what is kept from run to run, on the threads that `run` is for; to be called before it when one of `derivedFrom` has changed. */
  readonly derive: (() => void) | undefined;
  readonly derivedFrom: readonly string[];
  /** Arenas that `run` writes to. */
  readonly written: readonly string[];
}

/** For whom and where to a plan is printed. */
export interface PrintOptions {
  readonly memory: Memory;
  readonly threads: number;
  readonly worth: Worth;
  readonly addressOf: (range: Range) => number;
  readonly fused: boolean;
  readonly wide: boolean;
  readonly ahead: boolean;
  readonly constants: ConstantScope;
  readonly compile: Compile | undefined;
  /** Scratch memory, and memory for what is kept from run to run. */
  readonly workspace: Workspace;
  readonly kept: Workspace;
}

/** A plan as one module that waits to be compiled. */
export interface PrintedPlan {
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly imports: WebAssembly.Imports;
  /** Whether threads perform any launch together. One that waits for nobody could be over before another thread has heard of it. */
  readonly shared: boolean;
  /** Makes the compiled module ready to run. */
  finish(module: WebAssembly.Module, instance: WebAssembly.Instance): CompiledPlan;
}

/** Makes ready what a plan is printed with. @returns what prints it, as often as it is wanted */
export async function planPrinter(plan: Plan): Promise<(options: PrintOptions) => PrintedPlan> {
  const printLaunch = await loadPrinters(plan.launches.map(({ kernel }) => kernel));
  return (options) => printPlan(plan, printLaunch, options);
}

/**
 * Prints a plan as one module: the kernels, each once, and a function that calls them in order with the addresses of their operands
 * as constants. A replay is one call from JavaScript, on each of the threads at once.
 */
function printPlan(plan: Plan, printLaunch: LaunchPrinter<Kernel>, options: PrintOptions): PrintedPlan {
  const { memory, threads, addressOf, fused, wide, ahead, constants, workspace, compile } = options;
  const imported = { initial: 1, maximum: memory.pages, shared: memory.shared };
  const m = new ModuleBuilder({ memory: imported, wide, ahead, threads });
  const everybody = teamOf(m, CONTROL, patienceFor(plan, options.worth));
  const derivedMemory = new DerivedMemory(plan, options.kept, everybody);
  let anyShared = false;
  m.func({ name: "run", params: [] }, (f) => {
    const launches = plan.launches.map(({ kernel, operands }) => {
      workspace.restart();
      const pays = workOf(kernel) >= options.worth.launch;
      let team = solo;
      const code = printLaunch({
        ...{ m, f, kernel, zeros: ZEROS, constants, fused, compile },
        get team() {
          if (pays) team = everybody;
          return team;
        },
        address: (operand) => addressOf(operands[operand]!),
        range: (operand) => operands[operand]!,
        workspace: (bytes) => workspace.take(bytes),
        derived(names, bytes, make) {
          const kept = derivedMemory.take(
            names.map((name) => operands[name]!),
            bytes,
            make,
          );
          if (kept !== undefined) return { at: kept, code: [] };
          const at = workspace.take(bytes);
          return { at, code: make(at, this.team) };
        },
      });
      const shared = team.threads > 1;
      anyShared ||= shared;
      return { code, shared };
    });
    // The next run goes through matrices the other way.
    return [threads === 1 ? launches.map(({ code }) => code) : inTurn(launches, everybody), m.turn];
  });
  m.func({ name: "derive", params: [] }, () => [derivedMemory.code, everybody.barrier]);
  return {
    bytes: m.finish(),
    imports: { env: { memory: memory.wasm, thread: 0 } },
    shared: anyShared,
    finish(module, { exports }) {
      constants.write(memory.buffer);
      return {
        module,
        run: exports.run as () => void,
        derive: derivedMemory.code.length > 0 ? (exports.derive as () => void) : undefined,
        derivedFrom: [...derivedMemory.arenas],
        written: [...writtenArenas(plan)],
      };
    },
  };
}

/** A plan in its module. */
export const instantiate = ({ imports, finish }: PrintedPlan, module: WebAssembly.Module): CompiledPlan =>
  finish(module, new WebAssembly.Instance(module, imports));

/** Launches one after the other: a barrier wherever one begins or ends that all perform; others do the first thread alone. */
function inTurn(
  launches: readonly { readonly code: Code; readonly shared: boolean }[],
  team: ReturnType<typeof teamOf>,
): Code {
  let before: boolean | undefined;
  const code = launches.map(({ code, shared }) => {
    const meet = before !== undefined && (before || shared) ? team.barrier : [];
    before = shared;
    return [meet, shared ? code : alone(team, code)];
  });
  return [code, before ? team.barrier : []];
}

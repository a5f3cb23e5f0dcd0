import { ModuleBuilder } from "../../print/wasm/assembler.ts";
import type { ConstantScope } from "../../print/wasm/constants.ts";
import type { Plan, Range } from "../plan.ts";
import { DerivedMemory, writtenArenas } from "./derived.ts";
import { loadPrinters } from "./launches.ts";
import { type Memory, MOST_PAGES, ZEROS } from "./memory.ts";
import type { Workspace } from "./workspace.ts";

export interface CompiledPlan {
  /** Performs all launches. */
  readonly run: () => void;
  /** Makes what is kept from run to run; to be called before `run` when one of `derivedFrom` has changed. */
  readonly derive: () => void;
  readonly derivedFrom: readonly string[];
  /** Arenas that `run` writes to. */
  readonly written: readonly string[];
}

/**
 * Prints a plan as one module and compiles it: the kernels, each once, and a function that calls them in order with the
 * addresses of their operands as constants. A replay is one call from JavaScript.
 */
export async function compilePlan(
  plan: Plan,
  options: {
    readonly memory: Memory;
    readonly addressOf: (range: Range) => number;
    readonly fused: boolean;
    readonly wide: boolean;
    readonly constants: ConstantScope;
    /** Scratch memory, and memory for what is kept from run to run. */
    readonly workspace: Workspace;
    readonly kept: Workspace;
  },
): Promise<CompiledPlan> {
  const { memory, addressOf, fused, constants, workspace } = options;
  const printLaunch = await loadPrinters(plan.launches.map(({ kernel }) => kernel));
  const derivedMemory = new DerivedMemory(plan, options.kept);
  const m = new ModuleBuilder({ memory: { initial: 1, maximum: MOST_PAGES, shared: false }, wide: options.wide });
  m.func({ name: "run", params: [] }, (f) =>
    plan.launches.map(({ kernel, operands }) => {
      workspace.restart();
      return printLaunch({
        ...{ m, f, kernel, zeros: ZEROS, constants, fused },
        address: (operand) => addressOf(operands[operand]!),
        range: (operand) => operands[operand]!,
        workspace: (bytes) => workspace.take(bytes),
        derived(names, bytes, make) {
          const kept = derivedMemory.take(
            names.map((name) => operands[name]!.arena),
            bytes,
            make,
          );
          if (kept !== undefined) return { at: kept, code: [] };
          const at = workspace.take(bytes);
          return { at, code: make(at) };
        },
      });
    }),
  );
  m.func({ name: "derive", params: [] }, () => derivedMemory.code);
  const { instance } = await WebAssembly.instantiate(m.finish(), { env: { memory: memory.wasm } });
  constants.write(memory.buffer);
  return {
    run: instance.exports.run as () => void,
    derive: instance.exports.derive as () => void,
    derivedFrom: [...derivedMemory.arenas],
    written: [...writtenArenas(plan)],
  };
}

import { ModuleBuilder } from "../../print/wasm/assembler.ts";
import type { ConstantScope } from "../../print/wasm/constants.ts";
import type { Plan, Range } from "../plan.ts";
import { printLaunch } from "./launches.ts";
import { type Memory, MOST_PAGES, ZEROS } from "./memory.ts";
import type { Workspace } from "./workspace.ts";

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
    readonly constants: ConstantScope;
    readonly workspace: Workspace;
  },
): Promise<() => void> {
  const { memory, addressOf, fused, constants, workspace } = options;
  const m = new ModuleBuilder({ memory: { initial: 1, maximum: MOST_PAGES, shared: false } });
  m.func({ name: "run", params: [] }, (f) =>
    plan.launches.map(({ kernel, operands }) => {
      workspace.restart();
      return printLaunch({
        ...{ m, f, kernel, zeros: ZEROS, constants, fused },
        address: (operand) => addressOf(operands[operand]!),
        range: (operand) => operands[operand]!,
        workspace: (bytes) => workspace.take(bytes),
      });
    }),
  );
  const { instance } = await WebAssembly.instantiate(m.finish(), { env: { memory: memory.wasm } });
  constants.write(memory.buffer);
  return instance.exports.run as () => void;
}

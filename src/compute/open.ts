import { expectOneOf } from "../shared/errors.ts";
import { expectOptions, type OptionNames } from "../shared/options.ts";
import type { SynchronousMachine } from "./machine.ts";
import type { WasmOptions } from "./wasm/machine.ts";

/** Options of `openMachine` by the name of the machine. */
export interface MachineOptions {
  /** None. */
  reference: undefined;
  /** Threads, arithmetic, memory. */
  wasm: WasmOptions;
}
/** Names of the machines that `openMachine` opens. */
export type MachineName = keyof MachineOptions;

/** Each machine is loaded when it is asked for, so that a bundle for a page carries only what it uses. */
const openers: { [K in MachineName]: (options?: MachineOptions[K]) => Promise<SynchronousMachine> } = {
  reference: async () => (await import("./reference/machine.ts")).openReference(),
  wasm: async (options) => (await import("./wasm/machine.ts")).openWasm(options),
};

const optionsOf: { [K in MachineName]: OptionNames<NonNullable<MachineOptions[K]>> } = {
  reference: {},
  wasm: { fused: 1, wide: 1, threads: 1, maxBytes: 1, compile: 1 },
};

/**
 * Opens a machine. "wasm" computes in float32 with WebAssembly SIMD; "reference" computes in float64 with an interpreter and is slow.
 * @example
 * ```ts
 * const machine = await openMachine("wasm");
 * ```
 * @throws UsageError "unknown-choice" for any other name.
 */
export async function openMachine<K extends MachineName>(
  name: K,
  options?: MachineOptions[K],
): Promise<SynchronousMachine> {
  const known = expectOneOf("openMachine: name", name, Object.keys(openers) as MachineName[]);
  if (options !== undefined) expectOptions<object>(`openMachine("${known}")`, options, optionsOf[known]);
  return (openers[known] as (options?: unknown) => Promise<SynchronousMachine>)(options);
}

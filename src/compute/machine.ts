import type { Closeable } from "../shared/closing.ts";
import type { OwnFloat32Array, OwnFloat64Array, OwnInt32Array } from "../shared/own-bytes.ts";
import type { Plan, Range, ScanShape } from "./plan.ts";

/** A range of memory on a machine. Numbers are copied in and out; the memory itself is never exposed. */
export interface Arena extends Closeable {
  readonly name: string;
  /** Number of elements. */
  readonly length: number;
  /** Frees the memory. Reading or writing it afterwards is an error. */
  close(): void;
}

/** A compiled plan, bound to arenas. */
export interface PreparedPlan extends Closeable {
  readonly plan: Plan;
  /** Frees the compiled kernels; the arenas stay. */
  close(): void;
}

/** What a machine can do: memory, number format, threads. */
export interface Limits {
  /** Bytes that all arenas together may take. */
  readonly bytes: number;
  /** Bytes per element. */
  readonly elementBytes: 4 | 8;
  /** Number format: float32 or float64. */
  readonly float: "float32" | "float64";
  /** Number of threads that share a kernel. */
  readonly threads: number;
  /** How `a · b + c` is rounded: "portable" twice (the same bits on every host), "fused" once. */
  readonly family: "portable" | "fused";
}

/** What a machine holds of the host's memory at one moment, in bytes. */
export interface MemoryUse {
  /** In use: arenas that are open, and the scratch memory of plans that are. */
  readonly usedBytes: number;
  /** Taken from the host. A WebAssembly memory grows to the most that was in use at one time; what is closed is used again, not given back. */
  readonly reservedBytes: number;
}

/**
 * What a machine gives back: floats in its own precision, whole numbers as int32. They are copies in memory of their own, not shared with
 * threads: a `Blob` takes them, and `postMessage` takes their buffer over (`OwnBytes`).
 */
export type Numbers = OwnFloat64Array | OwnFloat32Array | OwnInt32Array;

/** Executes plans. Opening is asynchronous (`openMachine`); issuing work is synchronous, and reading results is asynchronous. */
export interface Machine extends Closeable {
  readonly name: "reference" | "wasm" | "webgpu";
  readonly limits: Limits;
  /** Memory in use and taken, as it is when this is read. Generated code and what the host keeps besides are not counted. */
  readonly memory: MemoryUse;
  /** Number of elements that a scan saves for its backward pass. */
  savedSize(shape: ScanShape): number;
  /** Allocates zeroed memory. Throws a FailureError "out-of-memory" that names the size if there is not enough. */
  arena(name: string, elements: number): Arena;
  /** Compiles a plan for arenas by name. The arenas must outlive it. */
  prepare(plan: Plan, arenas: Readonly<Record<string, Arena>>): Promise<PreparedPlan>;
  /** Runs all launches of a plan in order. Scalars that are not given keep their previous value. */
  run(prepared: PreparedPlan, scalars?: Readonly<Record<string, number>>): void;
  /** Copies numbers into a range, in order with the other work; `data.length` must match the range. */
  write(arena: Arena, range: Range, data: ArrayLike<number>): void;
  /** Resolves to a copy of a range after all work issued so far: an Int32Array for integers, else the machine's float array. */
  read(arena: Arena, range: Range): Promise<Numbers>;
  /** Frees everything. Using the machine or its arenas afterwards is an error. */
  close(): void;
}

/** A machine that computes in the caller's thread, so that results can be read immediately. */
export interface SynchronousMachine extends Machine {
  /** Copies a range into `out` (same length) without allocating. */
  readInto(arena: Arena, range: Range, out: { [index: number]: number; readonly length: number }): void;
}

import type { Closeable } from "../shared/closing.ts";
import type { Plan, Range, ScanShape } from "./plan.ts";

/** Memory of a machine, opaque: numbers cross the border as copies only. */
export interface Arena extends Closeable {
  readonly name: string;
  /** Elements. */
  readonly length: number;
  /** Gives the memory back. Reading or writing it afterwards is an error. */
  close(): void;
}

/** A plan whose kernels are compiled and whose names are bound to arenas. */
export interface PreparedPlan extends Closeable {
  readonly plan: Plan;
  /** Frees the compiled kernels; the arenas stay. */
  close(): void;
}

export interface Limits {
  /** Bytes that all arenas together may take. */
  readonly bytes: number;
  /** Bytes of one element. */
  readonly elementBytes: 4 | 8;
  /** float32 or float64. */
  readonly float: "float32" | "float64";
  /** Threads that share a kernel. */
  readonly threads: number;
  /** How `a · b + c` is rounded: `portable` twice (same bits everywhere), `fused` once. */
  readonly family: "portable" | "fused";
}

export type Numbers = Float64Array | Float32Array | Int32Array;

/**
 * What executes plans. Opening is asynchronous (`openMachine`); after that issuing is synchronous and reading back is
 * asynchronous. A machine knows nothing of layers or training.
 */
export interface Machine extends Closeable {
  readonly name: "reference" | "wasm" | "webgpu";
  readonly limits: Limits;
  /** Elements of the range `saved` of a scan: what its backward pass needs, in the machine's own layout. */
  savedSize(shape: ScanShape): number;
  /** New memory, zeroed. Throws a FailureError "out-of-memory" that names the size if it cannot be had. */
  arena(name: string, elements: number): Arena;
  /** Compiles a plan against arenas by name. The arenas must outlive it. */
  prepare(plan: Plan, arenas: Readonly<Record<string, Arena>>): Promise<PreparedPlan>;
  /** Issues all launches of a plan in order. `scalars` are written first; those not given keep their value. */
  run(prepared: PreparedPlan, scalars?: Readonly<Record<string, number>>): void;
  /** Copies numbers into a range, in order with what is issued; `data.length` must be the range's. */
  write(arena: Arena, range: Range, data: ArrayLike<number>): void;
  /** A copy of a range after all that has been issued: Int32Array for whole numbers, else the machine's float array. */
  read(arena: Arena, range: Range): Promise<Numbers>;
  /** Frees everything. Using the machine or its arenas afterwards is an error. */
  close(): void;
}

/** A machine that computes in the caller's thread, so that results can be had at once. */
export interface SynchronousMachine extends Machine {
  /** Copies a range into `out` (same length) without allocating. */
  readInto(arena: Arena, range: Range, out: { [index: number]: number; readonly length: number }): void;
}

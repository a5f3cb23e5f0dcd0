import { Closing } from "../../shared/closing.ts";
import { FailureError, UsageError } from "../../shared/errors.ts";
import { formatBytes } from "../../shared/shapes.ts";
import type { Arena, Limits, MemoryUse, Numbers, PreparedPlan, SynchronousMachine } from "../machine.ts";
import { arenaClosed, checkPlan, machineClosed, scalarRange } from "../operands.ts";
import type { Plan, Range } from "../plan.ts";
import { compileKernel } from "./kernels.ts";
import { savedElements } from "./scan.ts";

const limits: Limits = { bytes: 8 * 2 ** 30, elementBytes: 8, float: "float64", threads: 1, family: "portable" };

/**
 * The machine that every other is compared with: float64, plain loops, one number after the other. It shares no kernel
 * with the others. Whole numbers lie in the same arrays as numbers.
 */
export function openReference(): SynchronousMachine {
  return new Reference();
}

class Memory extends Closing implements Arena {
  readonly name: string;
  readonly length: number;
  private data: Float64Array | undefined;
  readonly owner: Reference;

  constructor(name: string, data: Float64Array, owner: Reference) {
    super();
    this.name = name;
    this.length = data.length;
    this.data = data;
    this.owner = owner;
  }

  get numbers(): Float64Array {
    if (!this.data) throw arenaClosed(this.name, this.owner.closed);
    return this.data;
  }

  part({ offset, length }: Range): Float64Array {
    if (offset < 0 || length < 0 || offset + length > this.length)
      throw new UsageError(
        "out-of-range",
        `elements ${offset} to ${offset + length} are not in arena "${this.name}", which has ${this.length}`,
      );
    return this.numbers.subarray(offset, offset + length);
  }

  close(): void {
    if (this.data) this.owner.release(this);
    this.data = undefined;
  }
}

class Prepared extends Closing implements PreparedPlan {
  readonly plan: Plan;
  readonly arenas: Readonly<Record<string, Memory>>;
  readonly owner: Reference;
  launches: readonly (() => void)[] | undefined;

  constructor(
    plan: Plan,
    arenas: Readonly<Record<string, Memory>>,
    owner: Reference,
    launches: readonly (() => void)[],
  ) {
    super();
    this.owner = owner;
    this.plan = plan;
    this.arenas = arenas;
    this.launches = launches;
  }

  close(): void {
    this.launches = undefined;
  }
}

class Reference extends Closing implements SynchronousMachine {
  readonly name = "reference";
  readonly limits = limits;
  readonly savedSize = savedElements;
  private readonly open = new Set<Memory>();
  private used = 0;
  closed = false;

  get memory(): MemoryUse {
    return { usedBytes: this.used, reservedBytes: this.used };
  }

  arena(name: string, elements: number): Arena {
    this.expectOpen();
    const bytes = elements * limits.elementBytes;
    if (this.used + bytes > limits.bytes) throw outOfMemory(name, bytes, limits.bytes - this.used);
    let data: Float64Array;
    try {
      data = new Float64Array(elements);
    } catch (cause) {
      throw outOfMemory(name, bytes, limits.bytes - this.used, cause);
    }
    const memory = new Memory(name, data, this);
    this.open.add(memory);
    this.used += bytes;
    return memory;
  }

  release(memory: Memory): void {
    if (this.open.delete(memory)) this.used -= memory.length * limits.elementBytes;
  }

  async prepare(plan: Plan, arenas: Readonly<Record<string, Arena>>): Promise<PreparedPlan> {
    this.expectOpen();
    const specs = checkPlan(plan, arenas, savedElements);
    const memories = Object.fromEntries(Object.entries(arenas).map(([name, arena]) => [name, this.memoryOf(arena)]));
    const launches = plan.launches.map(({ kernel, operands }, at) => {
      const run = compileKernel(kernel);
      const views: Record<string, Float64Array> = {};
      for (const [name, { length }] of Object.entries(specs[at]!)) {
        const range = operands[name]!;
        views[name] = memories[range.arena]!.part({ ...range, length });
      }
      // Numbers that are kept as whole ones lose their fraction when they are written.
      const whole = Object.entries(kernel.op === "pointwise" ? kernel.outputs : {}).flatMap(([name]) =>
        operands[name]!.type === "int" ? [views[name]!] : [],
      );
      return () => {
        run(views);
        for (const view of whole) for (let i = 0; i < view.length; i++) view[i] = Math.trunc(view[i]!);
      };
    });
    return new Prepared(plan, memories, this, launches);
  }

  run(prepared: PreparedPlan, scalars: Readonly<Record<string, number>> = {}): void {
    this.expectOpen();
    if (!(prepared instanceof Prepared && prepared.owner === this))
      throw new UsageError("wrong-machine", "this plan was prepared by another machine");
    if (!prepared.launches) throw new UsageError("closed", "this plan was closed and cannot be run any more");
    // A closed arena is an error even though its numbers could still be reached.
    for (const memory of Object.values(prepared.arenas)) void memory.numbers;
    for (const [name, value] of Object.entries(scalars)) {
      const range = scalarRange(prepared.plan, name);
      this.write(prepared.arenas[range.arena]!, range, [value]);
    }
    for (const launch of prepared.launches) launch();
  }

  write(arena: Arena, range: Range, data: ArrayLike<number>): void {
    const to = this.memoryOf(arena).part(range);
    expectLength(arena, range, data.length);
    for (let i = 0; i < to.length; i++) to[i] = range.type === "int" ? data[i]! | 0 : data[i]!;
  }

  async read(arena: Arena, range: Range): Promise<Numbers> {
    const from = this.memoryOf(arena).part(range);
    return range.type === "int" ? Int32Array.from(from) : from.slice();
  }

  readInto(arena: Arena, range: Range, out: { [index: number]: number; readonly length: number }): void {
    const from = this.memoryOf(arena).part(range);
    expectLength(arena, range, out.length);
    for (let i = 0; i < from.length; i++) out[i] = from[i]!;
  }

  close(): void {
    this.closed = true;
    for (const memory of [...this.open]) memory.close();
  }

  private memoryOf(arena: Arena): Memory {
    if (arena instanceof Memory && arena.owner === this) return arena;
    throw new UsageError("wrong-machine", `arena "${arena.name}" belongs to another machine`);
  }

  private expectOpen(): void {
    if (this.closed) throw machineClosed();
  }
}

function expectLength(arena: Arena, range: Range, length: number): void {
  if (length !== range.length)
    throw new UsageError(
      "wrong-length",
      `${length} numbers were given for a range of ${range.length} elements in arena "${arena.name}"`,
    );
}

const outOfMemory = (name: string, bytes: number, free: number, cause?: unknown): FailureError =>
  new FailureError(
    "out-of-memory",
    `arena "${name}" needs ${formatBytes(bytes)}, the machine has ${formatBytes(free)} left: lower the batch size, the number of steps or the hidden size`,
    { cause },
  );

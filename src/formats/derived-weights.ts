import type { Arena, Machine } from "../compute/machine.ts";
import { size } from "../shared/shapes.ts";
import type { Graph, Tensor } from "../tensor/graph.ts";
import { aligned } from "../tensor/range.ts";

const ARENA = "derived";

interface Entry {
  readonly offset: number;
  readonly values: ArrayLike<number>;
}

/**
 * What runs need of a model's weights in another form than the file's: blocks of gates in our order, transposed matrices. It is computed
 * once, while a plan is recorded, and shared by all plans. Which forms those are shows only then (another branch may need
 * others), so this grows; what lies in it never moves.
 */
export class DerivedWeights {
  private readonly entries = new Map<string, Entry>();
  private length = 0;

  get size(): number {
    return this.length;
  }

  has(name: string): boolean {
    return this.entries.has(name);
  }

  /** The tensor of this name in a graph, made of `data` when it is asked for the first time. */
  tensor(graph: Graph, name: string, shape: readonly number[], data: () => ArrayLike<number>): Tensor {
    let entry = this.entries.get(name);
    if (!entry) {
      entry = { offset: this.length, values: data() };
      this.entries.set(name, entry);
      this.length += aligned(size(shape));
    }
    graph.borrow(ARENA, this.length);
    return graph.tensor(shape, { arena: ARENA, offset: entry.offset, length: size(shape), type: "float" });
  }

  /** All numbers on a machine. */
  load(machine: Machine): Readonly<Record<string, Arena>> {
    if (this.length === 0) return {};
    const arena = machine.arena(ARENA, this.length);
    for (const { offset, values } of this.entries.values())
      machine.write(arena, { arena: ARENA, offset, length: values.length, type: "float" }, values);
    return { [ARENA]: arena };
  }
}

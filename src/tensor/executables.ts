import type { Machine } from "../compute/machine.ts";
import { UsageError } from "../shared/errors.ts";
import { compile, type Executable } from "./executable.ts";
import { Graph } from "./graph.ts";
import type { ParameterStore } from "./parameter-store.ts";

/**
 * Computations over one set of parameters, one for each shape of input: recorded and compiled when first asked for, and again once the
 * parameters are 8-bit, since only what is recorded then reads the 8 bits. Who asks for one while it is being compiled waits for the same.
 */
export class Executables {
  private readonly machine: Machine;
  private readonly parameters: ParameterStore;
  private readonly asked = new Map<string, Promise<Executable>>();
  private readonly made: Executable[] = [];

  constructor(machine: Machine, parameters: ParameterStore) {
    this.machine = machine;
    this.parameters = parameters;
  }

  /**
   * @param shape says all that the recording depends on besides the parameters
   * @param record records inputs and outputs
   */
  of(shape: string, record: (graph: Graph) => void): Promise<Executable> {
    const key = this.parameters.quantized ? `8-bit ${shape}` : shape;
    const known = this.asked.get(key);
    if (known) return known;
    // While it was being made, all may have been closed, and another one asked for since.
    const isWanted = (): boolean => this.asked.get(key) === made;
    const made = this.make(record).then((one) => {
      if (isWanted()) {
        this.made.push(one);
        return one;
      }
      one.close();
      throw new UsageError("closed", "this was closed while it was being prepared");
    });
    this.asked.set(key, made);
    // One that failed, for want of memory say, may be tried again.
    made.catch(() => isWanted() && this.asked.delete(key));
    return made;
  }

  /** Frees all of them; asking again makes them anew. */
  close(): void {
    for (const one of this.made.splice(0)) one.close();
    this.asked.clear();
  }

  private async make(record: (graph: Graph) => void): Promise<Executable> {
    const { machine, parameters } = this;
    const graph = new Graph({ machine, parameters: parameters.layout });
    record(graph);
    return compile(graph, { machine, arenas: parameters.arenas });
  }
}

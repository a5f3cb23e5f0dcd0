import { type Call, type Reference, tensorsOf, valueName } from "./calls.ts";
import { Config, classOf, unsupported } from "./config.ts";
import type { ReadLayer } from "./layer-reader.ts";

/** Operations that masks are made with, which Keras 3 lists among the layers. What they join counts as one mask if it comes of one layer. */
const MASKING = /^(All|Any|Concatenate|ExpandDims|LogicalAnd|LogicalOr|NotEqual|OnesLike|ZerosLike)$/;

interface Operation {
  readonly inputs: readonly Reference[];
  readonly kind: string;
  /** Of NotEqual: what its input is compared with. */
  readonly value: number | undefined;
}

/**
 * The masks of a functional model of Keras 3. It writes out how each is worked out of what a layer of masking reads (`x ≠ 0`, for vectors
 * `any`), and with which mask every layer was called; here a mask is the value that comes out of that layer.
 */
export class Masks {
  private readonly operations = new Map<string, Operation>();
  /** Values of layers that mask steps, by what they read and look for. */
  private readonly made = new Map<string, string>();

  /** Takes an entry that is an operation of masks. @returns whether it is one */
  take(entry: Config): boolean {
    const { name: kind, config } = classOf(entry);
    const [node, ...others] = MASKING.test(kind) ? entry.list("inbound_nodes") : [];
    if (!(node instanceof Map)) return false;
    const name = entry.text("name", config.text("name", ""));
    const where = `operation "${name}" (${kind})`;
    const args = new Config(node, where).list("args");
    const inputs = args.flatMap((arg) => (arg !== null && typeof arg === "object" ? tensorsOf(arg, where) : []));
    // There is a layer of this name, too.
    if (kind === "Concatenate" && !inputs.every(({ layer }) => this.operations.has(layer))) return false;
    if (others.length > 0) throw unsupported(`${where}: ${1 + others.length} calls of it`);
    const value = kind === "NotEqual" ? args.find((arg) => typeof arg === "number") : undefined;
    this.operations.set(name, { inputs, kind, value });
    return true;
  }

  /** Remembers the values of a layer that masks steps. */
  add(name: string, { spec }: ReadLayer, calls: readonly Call[]): void {
    const value = spec.kind === "masking" ? spec.value : spec.kind === "embedding" && spec.maskZero ? 0 : undefined;
    if (value === undefined) return;
    for (const [call, { inputs }] of calls.entries())
      this.made.set(keyOf(inputs[0]!, value), valueName({ layer: name, call, output: 0 }));
  }

  /** The value that a mask comes with; null where it lets all steps count. @throws UsageError "unsupported-keras" for a mask of another make */
  of(mask: Reference, where: string): string | null {
    const found = new Set<string | undefined>();
    const waiting = [mask];
    const seen = new Set<string>();
    for (let one = waiting.pop(); one; one = waiting.pop()) {
      if (seen.has(one.layer)) continue;
      seen.add(one.layer);
      const operation = this.operations.get(one.layer);
      if (operation === undefined) continue;
      // Joined with what has no mask.
      if (operation.kind === "OnesLike") return null;
      if (operation.value === undefined) waiting.push(...operation.inputs);
      else found.add(this.made.get(keyOf(operation.inputs[0]!, operation.value)));
    }
    const [only, ...others] = found;
    if (only !== undefined && others.length === 0) return only;
    throw unsupported(
      `${where}: its mask ("${mask.layer}") is not that of one layer Masking or Embedding${others.length > 0 ? ", but joined of several" : ""}`,
    );
  }
}

const keyOf = (input: Reference, value: number): string => `${value} in ${valueName(input)}`;

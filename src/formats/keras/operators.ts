import { ranksOf } from "../canonical/ranks.ts";
import type { CanonicalModel } from "../canonical.ts";
import { combiningClasses } from "./classes.ts";
import { type Config, unsupported } from "./config.ts";

const MODULE = /\.ops(\.|$)/;

/** Whether an entry is an operator between values, such as `a * b`, which Keras 3 writes under the name of the layer `Multiply`. */
export function isOperator(entry: Config): boolean {
  const module = entry.get("module");
  const name = entry.text("class_name");
  if (typeof module !== "string" || !MODULE.test(module) || !Object.values(combiningClasses).includes(name))
    return false;
  if (name === combiningClasses.average)
    throw unsupported(`${entry.where}: keras.ops.average, which is another function than the layer Average`);
  return true;
}

/**
 * Operators pair the axes of their values from the last one on, layers from the first; with as many axes both are the same.
 * @throws UsageError "unsupported-keras"
 */
export function expectOneRank({ inputs, nodes, layers }: CanonicalModel, operators: ReadonlySet<string>): void {
  if (operators.size === 0) return;
  const ranks = new Map(inputs.map(({ name, shape }) => [name, shape.length + 1]));
  for (const node of nodes) {
    const own = node.inputs.map((value) => ranks.get(value)!);
    const spec = layers.get(node.layer)!;
    if (operators.has(node.layer) && spec.kind === "combine" && new Set(own).size > 1)
      throw unsupported(
        `layer "${node.layer}": an operator between values of ${own.join(" and ")} axes, which pairs the examples of one with another axis of the other; reshape it (keras.layers.Reshape), or join them with keras.layers.${combiningClasses[spec.by]}`,
      );
    ranksOf(spec, own, node).forEach((rank, k) => {
      ranks.set(node.outputs[k]!, rank);
    });
  }
}

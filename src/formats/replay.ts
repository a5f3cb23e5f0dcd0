import type { ModelArray, ModelResult, RecordedPlan } from "./plans.ts";
import type { ModelPort } from "./runnable.ts";

/** Writes the inputs, runs a plan and reads its outputs. */
export async function replay(
  { executable, known, types }: RecordedPlan,
  ports: readonly ModelPort[],
  inputs: Readonly<Record<string, ModelArray>>,
): Promise<Record<string, ModelResult>> {
  for (const name of Object.keys(executable.graph.inputs)) executable.write(name, inputs[name]!.data);
  executable.run();
  const results: Record<string, ModelResult> = {};
  for (const { name } of ports) {
    const host = known.get(name);
    results[name] = host
      ? { type: host.type, shape: host.shape, data: Float64Array.from(host.data) }
      : { type: types.get(name)!, shape: executable.shape(name), data: await executable.read(name) };
  }
  return results;
}

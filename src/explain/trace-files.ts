import { type SafeTensor, safeTensor } from "../checkpoint/safe-tensor.ts";
import { mapValues } from "../shared/records.ts";
import type { Trace } from "./trace.ts";

/**
 * Converts a trace to named arrays for `writeSafetensors` or `writeNpz`: values under their keys (`f_l0`), gradients as `d.f_l0`,
 * `output`.
 * @example
 * ```ts
 * await writeFile("trace.npz", writeNpz(traceTensors(traced))); // writeNpz from longshort/formats
 * ```
 */
export function traceTensors({ values, gradients, output }: Trace): Map<string, SafeTensor> {
  const of = ({ shape, data }: Trace["output"]): SafeTensor =>
    safeTensor(data instanceof Float64Array ? "F64" : "F32", shape, data);
  return new Map([
    ...Object.entries(values).map(([key, array]) => [key, of(array)] as const),
    ...Object.entries(gradients).map(([key, array]) => [`d.${key}`, of(array)] as const),
    ["output", of(output)],
  ]);
}

/** Converts a trace to an object for JSON: `{ loss, values: { f_l0: { axes, shape, data } }, gradients, output }`. */
export function traceToJSON({ values, gradients, output, loss }: Trace): object {
  const plain = (arrays: Trace["values"]): object =>
    mapValues(arrays, ({ axes, shape, data }) => ({ axes, shape, data: Array.from(data) }));
  return {
    ...(loss !== undefined && { loss }),
    values: plain(values),
    gradients: plain(gradients),
    output: { shape: output.shape, data: Array.from(output.data) },
  };
}

import { readArrays } from "../formats/named-arrays.ts";
import type { ModelArray, ModelResult } from "../formats/plans.ts";
import type { ModelPort } from "../formats/runnable.ts";
import { number } from "../schema/fields.ts";
import { UsageError } from "../shared/errors.ts";
import { formatShape } from "../shared/shapes.ts";

/** What a command takes as a model, in words. */
export const MODEL_FILES = "model: ONNX, .keras, .h5, model.json, .pt, .safetensors, .npz or the folder of a run";

/** The arrays of a file as the inputs of a model; one without a name (NPY) is the only input that must be given. */
export async function inputsFrom(path: string, ports: readonly ModelPort[]): Promise<Record<string, ModelArray>> {
  const arrays = await readArrays(path);
  if (!Object.hasOwn(arrays, "")) return arrays;
  const needed = ports.filter(({ optional }) => !optional);
  if (needed.length === 1) return { [needed[0]!.name]: arrays[""]! };
  throw new UsageError(
    "missing-input",
    `${path}: one array without a name, but the model has the inputs ${needed.map(({ name }) => name).join(", ")}; use NPZ or JSON with these names`,
  );
}

/** How far the outputs of two models may be apart. */
export const tolerance = number({
  about: "maximum difference, relative to the largest number of an output",
  ...{ unit: "number", above: 0, default: 1e-5 },
});

export const differenceText = (difference: number): string =>
  difference === 0 ? "same results" : `largest difference ${difference.toExponential(1)}`;

export const resultText = ({ type, shape }: ModelResult): string => `${type} ${formatShape(shape)}`;

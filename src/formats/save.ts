import { platform } from "#platform";
import { UsageError } from "../shared/errors.ts";
import { expectOptions } from "../shared/options.ts";
import type { NamedTensor, ParameterStore } from "../tensor/parameter-store.ts";
import { type Converted, type ConvertOptions, convertModel, type Target } from "./convert.ts";
import type { ModelContent, ModelFile } from "./model-file.ts";
import type { Model } from "./open.ts";

export interface SaveOptions extends Partial<ConvertOptions> {}

const endings: readonly (readonly [ending: string, to: Target])[] = [
  [".onnx", "onnx"],
  [".pt", "pytorch"],
  [".pth", "pytorch"],
  [".keras", "keras"],
  [".h5", "keras-h5"],
  [".json", "tfjs"],
  [".safetensors", "safetensors"],
  [".npz", "npz"],
];

/** The format that the ending of a name stands for. @throws UsageError "unknown-format" */
export function targetOf(name: string): Target {
  const found = endings.find(([ending]) => name.toLowerCase().endsWith(ending));
  if (found) return found[1];
  throw new UsageError(
    "unknown-format",
    `${name}: expected a name that ends in ${endings.map(([ending]) => ending).join(", ")}, or the format said apart (--to)`,
  );
}

/**
 * Writes a model as it is now, trained or not, in any format that can hold its function. A path is written whole or not at all;
 * without one the bytes are only given back, as in a page.
 *
 * @example
 * ```ts
 * await save(model, "model.onnx");
 * const { bytes } = await save(model, undefined, { to: "pytorch" });
 * ```
 * @throws UsageError "not-convertible" with the reason, "unknown-format"
 */
export async function save(model: Model, target: string | undefined, options: SaveOptions = {}): Promise<Converted> {
  expectOptions("save", options, { to: 1, weightsOnly: 1 });
  const to = options.to ?? targetOf(target ?? "");
  const converted = convertModel(await withWeights(model.file, model.parameters), { ...options, to });
  if (target !== undefined) await writeConverted(converted, target);
  return converted;
}

/** Files beside it first: what names them is there last. */
export async function writeConverted({ bytes, beside }: Converted, target: string): Promise<void> {
  const folder = target.replace(/[^/\\]*$/, "");
  for (const [name, content] of beside) await platform.writeFileAtomic(folder + name, content);
  await platform.writeFileAtomic(target, bytes);
}

/** The file with the numbers that its parameters have now. */
async function withWeights(file: ModelFile, parameters: ParameterStore): Promise<ModelFile> {
  const weights: ReadonlyMap<string, NamedTensor> = await parameters.toTensors();
  return { ...file, content: contentWith(file.content, weights) };
}

function contentWith(content: ModelContent, weights: ReadonlyMap<string, NamedTensor>): ModelContent {
  switch (content.kind) {
    case "graph":
      return { ...content, weights };
    case "network":
      return {
        ...content,
        network: { ...content.network, weights: new Map([...content.network.weights, ...weights]) },
      };
    case "text":
      return { ...content, text: { ...content.text, weights } };
    case "weights":
      return content;
  }
}

import { platform } from "#platform";
import { describe, UsageError } from "../shared/errors.ts";
import { expectOptions } from "../shared/options.ts";
import type { NamedTensor, ParameterStore } from "../tensor/parameter-store.ts";
import { type Converted, type ConvertOptions, convertModel, type Target } from "./convert.ts";
import type { ModelContent, ModelFile } from "./model-file.ts";
import type { Model } from "./open.ts";
import { weightsFileOf } from "./tfjs/write.ts";

/** Options of `save`. */
export interface SaveOptions extends Omit<ConvertOptions, "to" | "weightsFile"> {
  /** The format. Default: what the ending of the path says. */
  readonly to?: Target | undefined;
}

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
    `${name}: expected a name that ends in ${endings.map(([ending]) => ending).join(", ")}, or the format (--to)`,
  );
}

/**
 * Gives a model with its current weights, trained or not, as the bytes of a file, in any format that can hold its function: for a
 * download, a request or IndexedDB. `save` writes the same to a path.
 *
 * @example
 * ```ts
 * const { bytes, notes } = await exportModel(model, { to: "onnx" });
 * ```
 * @throws UsageError "not-convertible" with the reason, "bad-option"
 */
export async function exportModel(model: Model, options: ConvertOptions): Promise<Converted> {
  expectOptions("exportModel", options, { to: "required", weightsOnly: 1, weightsFile: 1, lengths: 1 });
  if (typeof model?.file?.content !== "object")
    throw new UsageError(
      "bad-option",
      `exportModel: expected a model that \`open\` of longshort/formats gave, got ${describe(model)}; one of layers of your own is described as a CanonicalModel (the guide, formats)`,
    );
  return convertModel(await withWeights(model.file, model.parameters), options);
}

/**
 * Writes a model with its current weights, trained or not, to a file in any format that can hold its function. The file is written
 * whole or not at all. Node only; in a page `exportModel` gives the bytes.
 *
 * @example
 * ```ts
 * const { notes } = await save(model, "model.onnx");
 * ```
 * @throws UsageError "not-convertible" with the reason, "unknown-format" where the ending of the path names no format
 */
export async function save(model: Model, path: string, options: SaveOptions = {}): Promise<Converted> {
  expectOptions("save", options, { to: 1, weightsOnly: 1, lengths: 1 });
  if (typeof path !== "string")
    throw new UsageError(
      "bad-option",
      `save: expected the path of a file, got ${describe(path)}; exportModel gives bytes without a file`,
    );
  const to = options.to ?? targetOf(path);
  const converted = await exportModel(model, { ...options, to, weightsFile: weightsFileOf(path) });
  await writeConverted(converted, path);
  return converted;
}

/** Files beside it first: what names them is there last. */
export async function writeConverted({ bytes, files }: Converted, target: string): Promise<void> {
  const folder = target.replace(/[^/\\]*$/, "");
  for (const [name, content] of files) await platform.writeFileAtomic(folder + name, content);
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

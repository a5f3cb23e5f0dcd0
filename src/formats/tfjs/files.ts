import { platform } from "#platform";
import { isAddress } from "../../platform/download.ts";
import { describe, UsageError } from "../../shared/errors.ts";
import type { ByteInput } from "../byte-source.ts";
import { damaged } from "../keras/config.ts";

/**
 * A file that another one names, as `model.json` names those of its weights: among files that were given, or beside it. A path that
 * leads elsewhere, or to another computer, is refused.
 */
export function fileOf(
  named: string,
  from: ByteInput,
  {
    files,
    names,
    refuse = damaged,
  }: {
    readonly files: Readonly<Record<string, ByteInput>> | undefined;
    readonly names: string;
    /** What a path that leads elsewhere is. Default: the damage of a file of Keras. */
    readonly refuse?: (why: string) => Error;
  },
): ByteInput {
  const path = named.replace(/^(\.\/)+/, ""); // what TensorFlow.js downloads is named "./NAME.weights.bin"
  if (!isPlain(path))
    throw refuse(
      `${names} names the file ${JSON.stringify(named)}: expected the name of a file beside it or in a folder below it`,
    );
  if (files) {
    if (Object.hasOwn(files, path)) return files[path]!;
    throw new UsageError(
      "missing-file",
      `files: ${names} names ${JSON.stringify(path)}, given are ${Object.keys(files).join(", ") || "none"}`,
    );
  }
  if (typeof from === "string") return beside(from, path);
  if (from instanceof URL) return new URL(path.split("/").map(encodeURIComponent).join("/") + from.search, from);
  throw new UsageError(
    "missing-file",
    `${names} names the file ${JSON.stringify(path)}: give it as files: { ${JSON.stringify(path)}: … }, for ${describe(from)} does not say where it lies`,
  );
}

const isPlain = (path: string): boolean =>
  path.split("/").every((step) => /^[\p{L}\p{M}\p{N}_ .@+=,()[\]-]+$/u.test(step) && step !== "." && step !== "..");

/** The weights' file of a model: of `model.json` "weights.bin", of `novel.json` "novel.weights.bin", so that several fit one folder. */
export function weightsFileOf(model: string): string {
  const name = model.replace(/^.*[/\\]/, "").replace(/\.json$/i, "");
  return name === "model" || !isPlain(name) ? "weights.bin" : `${name}.weights.bin`;
}

/** The path of a file beside another one. The query of an address, such as a token, belongs to both, as in TensorFlow.js. */
function beside(one: string, path: string): string {
  const [plain, query] = pathAndQuery(one);
  return plain.replace(/[^/\\]*$/, "") + path + query;
}

/** A path without the query of an address, and that query. In a path on disk `?` and `#` are characters like others. */
export function pathAndQuery(path: string): [path: string, query: string] {
  if (platform.name !== "browser" && !isAddress(path)) return [path, ""];
  const [, plain, query = ""] = /^([^?#]*)(\?[^#]*)?/.exec(path)!;
  return [plain!, query];
}

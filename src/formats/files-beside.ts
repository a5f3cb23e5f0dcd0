import { platform } from "#platform";
import { isAddress } from "../platform/download.ts";
import { describe, UsageError } from "../shared/errors.ts";
import type { ByteInput } from "./byte-source.ts";

/** Where the files of a model are besides the one that was opened. */
export interface OtherFiles {
  /** Those that were given, by name. Default: they lie beside the one that was opened. */
  readonly files: Readonly<Record<string, ByteInput>> | undefined;
  /** What names them, for messages. */
  readonly names: string;
}

/**
 * A file that the content of another one names, as `model.json` names those of its weights: a path that leads elsewhere, or to another
 * computer, is refused.
 * @param refuse makes the error of such a path
 */
export function fileNamed(
  named: string,
  from: ByteInput,
  { refuse, ...other }: OtherFiles & { readonly refuse: (why: string) => Error },
): ByteInput {
  const path = named.replace(/^(\.\/)+/, ""); // what TensorFlow.js downloads is named "./NAME.weights.bin"
  if (isPlain(path)) return fileBeside(path, from, other);
  throw refuse(
    `${other.names} names the file ${JSON.stringify(named)}: expected the name of a file beside it or in a folder below it`,
  );
}

/** Whether a path leads to a file below the folder where it is looked up, whatever the system. */
export const isPlain = (path: string): boolean =>
  path.split("/").every((step) => /^[\p{L}\p{M}\p{N}_ .@+=,()[\]-]+$/u.test(step) && step !== "." && step !== "..");

/** A file among those that were given, or beside the one that was opened. @throws UsageError "missing-file" */
export function fileBeside(path: string, from: ByteInput, { files, names }: OtherFiles): ByteInput {
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

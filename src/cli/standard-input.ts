import { readTable } from "../data/text-files.ts";
import type { FileSource } from "../platform/platform.ts";
import type { Io } from "./io.ts";

/**
 * What a path of a command stands for. `-` is standard input, read to its end; a pipe has no name that ends in .jsonl, so that JSON lines
 * are known by their first character.
 */
export async function inputFile(path: string, { stdin }: Pick<Io, "stdin">): Promise<FileSource> {
  if (path !== "-") return path;
  const bytes = await stdin.bytes();
  const json = /^\uFEFF?\s*\{/.test(new TextDecoder().decode(bytes.subarray(0, 1000)));
  return new File([bytes], json ? "standard input.jsonl" : "standard input");
}

/** The text of such a file. */
export async function textIn(path: string, io: Pick<Io, "stdin">): Promise<string> {
  let text = "";
  for await (const part of readTable(await inputFile(path, io))) text += part;
  return text;
}

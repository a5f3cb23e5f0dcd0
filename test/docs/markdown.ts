import { readdirSync, readFileSync } from "node:fs";
import { relative, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { markdownFiles } from "../../docs/site/pages.mjs";

export const root = resolve(fileURLToPath(new URL("../..", import.meta.url)));

/** Every page that a reader of the repository meets, as paths from its root. */
export const pages: readonly string[] = [
  ...readdirSync(root).filter((name) => name.endsWith(".md")),
  ...markdownFiles().map((name) => `docs/${name}`),
  ...["", "classifier-page/", "training-page/", "text/", "voice-activity/"].map(
    (folder) => `examples/${folder}README.md`,
  ),
].map((name) => relative(root, resolve(root, name)));

export const textOf = (page: string): string => readFileSync(resolve(root, page), "utf8");

/** A fenced block: the language, what follows it on the line, and its lines. */
export interface Block {
  readonly language: string;
  readonly words: readonly string[];
  readonly code: string;
}

export const blocksOf = (text: string): Block[] =>
  [...text.matchAll(/^```(\w+)(.*)\n([\s\S]*?)^```$/gm)].map(([, language, words, code]) => ({
    language: language!,
    words: words!.split(" ").filter((word) => word !== ""),
    code: code!,
  }));

/** A page without its blocks and inline code, where a bracket is no link. */
export const proseOf = (text: string): string => text.replace(/^```[\s\S]*?^```$/gm, "").replace(/`[^`\n]*`/g, "");

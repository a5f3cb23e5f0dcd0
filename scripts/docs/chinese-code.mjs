/** The Chinese pages have the code of the English ones: both are read here, and the code carried over. */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const docs = fileURLToPath(new URL("../../docs", import.meta.url));
const fence = /^```\w.*\n[\s\S]*?^```$/gm;

/**
 * Every Chinese page that translates an English one, with what it should be: its own words around the code of the English page.
 *
 * @returns {{ page: string, text: string, wanted: () => string }[]} `wanted` throws when the two have not the same number of blocks
 */
export function chinesePages() {
  const pages = readdirSync(join(docs, "zh"), { recursive: true, encoding: "utf8" }).filter((name) =>
    name.endsWith(".md"),
  );
  return pages
    .filter((page) => existsSync(join(docs, page)))
    .sort()
    .map((page) => {
      const text = readFileSync(join(docs, "zh", page), "utf8");
      return { page: `zh/${page}`, text, wanted: () => withCodeOf(page, text, readFileSync(join(docs, page), "utf8")) };
    });
}

/** `text` with the code blocks of `english`, one by one. */
export function withCodeOf(page, text, english) {
  const [own, blocks] = [text.match(fence) ?? [], english.match(fence) ?? []];
  if (own.length !== blocks.length)
    throw new Error(
      `docs/zh/${page} has ${own.length} blocks of code, docs/${page} has ${blocks.length}: translate what was added or taken out`,
    );
  let k = 0;
  return text.replace(fence, () => blocks[k++]);
}
